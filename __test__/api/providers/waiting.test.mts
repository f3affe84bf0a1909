// Providers that do not answer, beside others that do.

import test from 'ava';
import { decrypt, encrypt, type KeyProvider, provider, secretKey, SecretKey } from 'sealstream';

import { errorOf } from '../support/errors.mjs';
import { FakeProvider } from '../support/key-holders.mjs';

const plaintext = Buffer.from('text');

/** A provider that never answers. It keeps the signals that it got. */
class Silent implements KeyProvider {
  readonly signals: AbortSignal[] = [];

  constructor(readonly name: string) {}

  wrapKey({ signal }: { signal: AbortSignal }): Promise<never> {
    this.signals.push(signal);
    return new Promise(() => undefined);
  }

  unwrapKey(request: { signal: AbortSignal }): Promise<never> {
    return this.wrapKey(request);
  }
}

test('a provider that fails to wrap is not held up by one that does not answer', async (t) => {
  const silent = new Silent('silent');
  const failing = new FakeProvider('failing', () => {
    throw new Error('out of order');
  });
  const recipients = [provider(silent, 'a'), provider(failing, 'b'), secretKey(SecretKey.generate())];
  const error = await errorOf(() => encrypt(plaintext, { recipients }));
  t.like(error, { code: 'ERR_PROVIDER_FAILED' });
  t.deepEqual(
    silent.signals.map(({ aborted }) => aborted),
    [true],
  );
});

test('a provider is told to stop when another has opened the stream', async (t) => {
  const good = new FakeProvider('good');
  const other = new FakeProvider('slow');
  const sealed = await encrypt(plaintext, { recipients: [provider(other, 'a'), provider(good, 'b')] });
  const silent = new Silent('slow');
  t.deepEqual(await decrypt(sealed, { identities: [provider(silent, 'a'), provider(good, 'b')] }), plaintext);
  t.deepEqual(
    silent.signals.map(({ aborted }) => aborted),
    [true],
  );
});
