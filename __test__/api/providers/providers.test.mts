import { getEventListeners } from 'node:events';

import test from 'ava';
import type { KeyProvider, UnwrapRequest, WrapRequest } from 'sealstream';

import {
  accessTo,
  askToUnwrap,
  askToWrap,
  checkedProvider,
  KEK,
  providerError,
} from '../support/provider-calls.mjs';
import { errorOf } from '../support/errors.mjs';

import { access, BLOB, never, NOTHING, unwrapping } from './fake-providers.mjs';

test('an answer in the memory that the provider was lent is read before that is overwritten', async (t) => {
  const inPlace = {
    name: 'in-place',
    wrapKey: ({ key }: WrapRequest) => Promise.resolve(key.map((byte, index) => (key[index] = byte ^ 0xff))),
    unwrapKey: ({ wrappedKey: blob }: { wrappedKey: Uint8Array }) => {
      for (const [index, byte] of blob.entries()) blob[index] = byte ^ 0xff;
      return Promise.resolve(blob);
    },
  };
  const lent = { ...inPlace, wrapKey: ({ key }: WrapRequest) => inPlace.unwrapKey({ wrappedKey: key }) };
  for (const keyProvider of [inPlace, lent]) {
    const blob = await askToWrap(accessTo(keyProvider, 'a'), KEK, new Uint8Array());
    t.deepEqual(
      blob,
      KEK.map((byte) => byte ^ 0xff),
    );
    t.deepEqual(await askToUnwrap(accessTo(keyProvider, 'a'), blob, new Uint8Array()), KEK);
  }
});

test('a provider that returns the key in clear is refused', async (t) => {
  const clear = {
    name: 'clear',
    wrapKey: ({ key }: WrapRequest) => Promise.resolve(key),
    unwrapKey: () => Promise.reject(new Error()),
  };
  const error = await providerError(() => askToWrap(accessTo(clear, 'a'), KEK, new Uint8Array()));
  t.is(error.code, 'ERR_PROVIDER_ANSWER');
  t.regex(error.message, /the key in clear/);
});

test('a provider gets the key, its key id and the context, and returns the blob', async (t) => {
  let asked: unknown[] = [];
  const keyProvider = access({
    wrapKey: ({ key, keyId, context, signal }) => {
      asked = [Buffer.from(key), keyId, Buffer.from(context), signal.aborted];
      return Promise.resolve(BLOB);
    },
  });
  const blob = await askToWrap(keyProvider, KEK, Buffer.from('tenant=7'));
  t.deepEqual(asked, [Buffer.from(KEK), 'team/a', Buffer.from('tenant=7'), false]);
  t.deepEqual(Buffer.from(blob), BLOB);
  t.not(blob.buffer, BLOB.buffer);
});

test('a provider gets its blob, and returns the key', async (t) => {
  let asked: unknown[] = [];
  const keyProvider = access({
    unwrapKey: ({ wrappedKey, keyId, context }) => {
      asked = [Buffer.from(wrappedKey), keyId, context.length];
      return Promise.resolve(KEK.slice());
    },
  });
  t.deepEqual(await askToUnwrap(keyProvider, BLOB, NOTHING), KEK);
  t.deepEqual(asked, [BLOB, 'team/a', 0]);
});

test('a provider gets a copy of the key, which is overwritten after its answer', async (t) => {
  let lent: Uint8Array = NOTHING;
  const kek = KEK.slice();
  await askToWrap(
    access({
      wrapKey: ({ key: bytes }) => {
        lent = bytes;
        bytes[0] = 255;
        return Promise.resolve(BLOB);
      },
    }),
    kek,
    NOTHING,
  );
  t.deepEqual(lent, new Uint8Array(32));
  t.deepEqual(kek, KEK);
});

test('the key is overwritten when the provider fails, and when it does not answer', async (t) => {
  for (const fate of [() => Promise.reject(new Error('no')), never]) {
    let lent: Uint8Array = NOTHING;
    const wrapKey = ({ key: bytes }: WrapRequest) => {
      lent = bytes;
      return fate();
    };
    await providerError(() => askToWrap(access({ wrapKey }, 20), KEK, NOTHING));
    t.deepEqual(lent, new Uint8Array(32));
  }
});

test('the key that a provider returns is copied, and overwritten', async (t) => {
  const given = KEK.slice();
  const kek = await askToUnwrap(
    unwrapping(() => given),
    BLOB,
    NOTHING,
  );
  t.deepEqual(kek, KEK);
  t.is(kek.buffer.byteLength, 32);
  t.deepEqual(given, new Uint8Array(32));
});

test('a key of the wrong size is overwritten too', async (t) => {
  const given = new Uint8Array(33).fill(7);
  await providerError(() =>
    askToUnwrap(
      unwrapping(() => given),
      BLOB,
      NOTHING,
    ),
  );
  t.deepEqual(given, new Uint8Array(33));
});

test('a key that arrives after the time limit is overwritten', async (t) => {
  const given = KEK.slice();
  let answer: (kek: Uint8Array) => void = () => undefined;
  const late = new Promise<Uint8Array>((resolve) => {
    answer = resolve;
  });
  await providerError(() =>
    askToUnwrap(
      unwrapping(() => late, 10),
      BLOB,
      NOTHING,
    ),
  );
  answer(given);
  await new Promise(setImmediate);
  t.deepEqual(given, new Uint8Array(32));
});

test('a provider that never answers times out', async (t) => {
  let told: UnwrapRequest | undefined;
  const keyProvider = access(
    {
      unwrapKey: (request) => {
        told = request;
        return never();
      },
    },
    20,
  );
  const error = await providerError(() => askToUnwrap(keyProvider, BLOB, NOTHING));
  t.is(error.code, 'ERR_PROVIDER_TIMEOUT');
  t.is(
    error.message,
    'the provider "vault" did not unwrap the key of "team/a": timed out after 20 ms; ' +
      'check that it can be reached, or give it a longer `timeout`',
  );
  t.deepEqual(
    [error.name, error.provider, error.keyId, error.operation],
    ['ProviderError', 'vault', 'team/a', 'unwrap'],
  );
  t.is(told?.signal.reason, error);
});

test("the reason of a cancellation is not hidden by the provider's error", async (t) => {
  const heeding: Partial<KeyProvider> = {
    wrapKey: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('The request was aborted'));
        });
      }),
  };
  const error = await providerError(() => askToWrap(access(heeding, 20), KEK, NOTHING));
  t.is(error.code, 'ERR_PROVIDER_TIMEOUT');
  t.regex(error.message, /^the provider "vault" did not wrap a key with "team\/a": timed out after 20 ms;/);
});

test("the caller's signal ends the wait with its reason, and keeps no listener", async (t) => {
  const stop = new AbortController();
  let told: AbortSignal | undefined;
  const keyProvider = access({
    unwrapKey: ({ signal }) => {
      told = signal;
      return never();
    },
  });
  const reason = new Error('enough');
  const asking = errorOf(() => askToUnwrap(keyProvider, BLOB, NOTHING, stop.signal));
  await new Promise(setImmediate);
  stop.abort(reason);
  t.is(await asking, reason);
  t.true(told?.aborted);
  t.is(getEventListeners(stop.signal, 'abort').length, 0);

  const open = new AbortController();
  await askToUnwrap(
    unwrapping(() => KEK.slice()),
    BLOB,
    NOTHING,
    open.signal,
  );
  t.is(getEventListeners(open.signal, 'abort').length, 0);
});

test('with an aborted signal no provider is called', async (t) => {
  let asked = 0;
  const keyProvider = unwrapping(() => (asked += 1));
  const error = await errorOf(() => askToUnwrap(keyProvider, BLOB, NOTHING, AbortSignal.abort('no more')));
  t.is((error as Error).name, 'AbortError');
  t.is((error as Error).cause, 'no more');
  t.is(asked, 0);
});

for (const [name, value, expected] of [
  ['nothing', undefined, /^keyProvider must be a KeyProvider, not undefined$/],
  ['a string', 'aws-kms', /^keyProvider must be a KeyProvider, not a string$/],
  ['no name', keyProvider({ name: undefined }), /^keyProvider\.name must be a string, not undefined$/],
  [
    'an empty name',
    keyProvider({ name: '' }),
    /^keyProvider\.name must have 1 to 255 bytes of UTF-8, not 0$/,
  ],
  [
    'a long name',
    keyProvider({ name: 'é'.repeat(128) }),
    /^keyProvider\.name must have 1 to 255 bytes of UTF-8, not 256$/,
  ],
  ['half a character', keyProvider({ name: '\ud800' }), /^keyProvider\.name must be well-formed Unicode/],
  [
    'no wrapKey',
    keyProvider({ wrapKey: undefined }),
    /^keyProvider\.wrapKey must be a function, not undefined$/,
  ],
  [
    'no unwrapKey',
    keyProvider({ unwrapKey: 1 }),
    /^keyProvider\.unwrapKey must be a function, not a number$/,
  ],
] as const) {
  test(`a provider is checked: ${name}`, (t) => {
    const error = t.throws(() => checkedProvider(value), { message: expected });
    t.true(error instanceof TypeError || error instanceof RangeError);
  });
}

function keyProvider(changed: Record<string, unknown>): object {
  return { name: 'vault', wrapKey: never, unwrapKey: never, ...changed };
}

test('a provider may have its functions on its prototype', (t) => {
  class Vault implements KeyProvider {
    readonly name = 'v'.repeat(255);
    wrapKey = never;
    unwrapKey(): Promise<Uint8Array> {
      return never();
    }
  }
  const vault = new Vault();
  t.deepEqual(checkedProvider(vault), { keyProvider: vault, name: vault.name });
});
