// Streams sealed for providers, with a provider of which every question is noted.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import test from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptFile,
  decryptSync,
  encrypt,
  encryptFile,
  encryptSync,
  type KeyProvider,
  openReader,
  provider,
  ProviderError,
  SecretKey,
  type UnwrapRequest,
  type WrapRequest,
  secretKey,
  verify,
} from 'sealstream';

import { providerError } from '../support/provider-calls.mjs';
import { pattern } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';

const plaintext = pattern(300_000);
const key = SecretKey.generate();

/** A provider with a key for each id, in memory. */
class Vault implements KeyProvider {
  readonly asked: string[] = [];
  readonly keks: string[] = [];
  isDown = false;
  readonly #master = randomBytes(32);

  constructor(readonly name = 'vault') {}

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws has to be a rejection
  async wrapKey({ key: kek, keyId, context }: WrapRequest): Promise<Uint8Array> {
    this.#note('wrap', keyId, context);
    this.keks.push(Buffer.from(kek).toString('hex'));
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key(keyId), iv);
    return Buffer.concat([iv, cipher.update(kek), cipher.final(), cipher.getAuthTag()]);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the same
  async unwrapKey({ wrappedKey: blob, keyId, context }: UnwrapRequest): Promise<Uint8Array> {
    this.#note('unwrap', keyId, context);
    const decipher = createDecipheriv('aes-256-gcm', this.#key(keyId), blob.subarray(0, 12));
    decipher.setAuthTag(blob.subarray(-16));
    return Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
  }

  #key(keyId: string): Buffer {
    return createHash('sha256').update(this.#master).update(keyId).digest();
  }

  #note(what: string, keyId: string, context: Uint8Array): void {
    this.asked.push([what, keyId, Buffer.from(context).toString()].join(' ').trim());
    if (this.isDown) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  }
}

/** A provider of which one function never answers, and the signal that it got. */
class Silent extends Vault {
  signal: AbortSignal | undefined;

  override unwrapKey({ signal }: UnwrapRequest): Promise<Uint8Array> {
    this.signal = signal;
    return new Promise(() => undefined);
  }
}

test('bytes, files, streams and readers are sealed for a provider and opened by it', async (t) => {
  const vault = new Vault();
  const recipients = [provider(vault, 'a')];
  const identities = [provider(vault, 'a')];
  const directory = temporaryDirectory(t);
  const [source, target, opened] = [join(directory, 'a'), join(directory, 'b'), join(directory, 'c')];
  writeFileSync(source, plaintext);

  const sealed = await encrypt(plaintext, { recipients });
  t.deepEqual(await decrypt(sealed, { identities }), plaintext);

  await encryptFile(source, target, { recipients });
  const { openedBy } = await decryptFile(target, opened, { identities });
  t.is(openedBy.type, 'provider');
  t.deepEqual(await readFile(opened), plaintext);

  const piped = await buffer(Readable.from([plaintext]).pipe(createEncryptStream({ recipients })));
  t.deepEqual(await buffer(Readable.from([piped]).pipe(createDecryptStream({ identities }))), plaintext);

  const reader = await openReader(target, { identities });
  t.deepEqual(Buffer.from(await reader.read(1000, 10)), plaintext.subarray(1000, 1010));
  await reader.close();
  t.true((await verify(target, { identities })).sound);

  // Every stream has a key of its own, and what opens asks once.
  t.is(new Set(vault.keks).size, 3);
  t.is(vault.asked.filter((asked) => asked === 'wrap a').length, 3);
  t.is(vault.asked.filter((asked) => asked === 'unwrap a').length, 5);
});

test('the provider gets the context, to seal and to open', async (t) => {
  const vault = new Vault();
  const sealed = await encrypt(plaintext, { recipients: [provider(vault, 'a')], context: 'tenant=7' });
  await decrypt(sealed, { identities: [provider(vault, 'a')], context: 'tenant=7' });
  t.deepEqual(vault.asked, ['wrap a tenant=7', 'unwrap a tenant=7']);
});

test('a provider is called only for a listed name and key id', async (t) => {
  // The maker of a stream can write any name, key id and blob into its header.
  const hostile = new Vault();
  const sealed = await encrypt(plaintext, {
    recipients: [provider(hostile, 'admin'), provider(new Vault('other'), 'a')],
  });
  const vault = new Vault();
  const identities = [provider(vault, 'a'), provider(new Vault('wider'), 'admin')];
  t.is((await failureOf(t, () => decrypt(sealed, { identities }))).kind, 'NoMatchingKey');
  t.is((await failureOf(t, () => openReader(sealed, { identities }))).kind, 'NoMatchingKey');
  t.deepEqual(vault.asked, []);
});

test('providers are called only for slots that the caller listed', async (t) => {
  const vault = new Vault();
  const sealed = await encrypt(plaintext, {
    recipients: [provider(vault, 'a'), provider(vault, 'b'), secretKey(key), provider(vault, 'c')],
  });
  vault.asked.length = 0;
  t.deepEqual(await decrypt(sealed, { identities: [provider(vault, 'b')] }), plaintext);
  t.deepEqual(vault.asked, ['unwrap b']);
  t.deepEqual(await decrypt(sealed, { identities: [key] }), plaintext);
  t.deepEqual(vault.asked, ['unwrap b']);
});

test('a reader that does not accept provider slots calls no provider', async (t) => {
  const vault = new Vault();
  const sealed = await encrypt(plaintext, { recipients: [provider(vault, 'a'), secretKey(key)] });
  vault.asked.length = 0;
  const identities = [provider(vault, 'a'), key];
  t.deepEqual(await decrypt(sealed, { identities, acceptSlots: ['key'] }), plaintext);
  t.deepEqual(vault.asked, []);
});

test('a provider that is down matters only if nothing else opens the stream', async (t) => {
  const [vault, second] = [new Vault(), new Vault('second')];
  const recipients = [provider(vault, 'a'), secretKey(key), provider(second, 'a')];
  const sealed = await encrypt(plaintext, { recipients });
  vault.isDown = true;
  const error = await providerError(() => decrypt(sealed, { identities: [provider(vault, 'a')] }));
  t.is(error.code, 'ERR_PROVIDER_UNAVAILABLE');
  t.is(
    error.message,
    'the provider "vault" did not unwrap the key of "a": connect ECONNREFUSED; ' +
      'check that it can be reached, then try again',
  );
  t.deepEqual(await decrypt(sealed, { identities: [provider(vault, 'a'), key] }), plaintext);
  t.deepEqual(
    await decrypt(sealed, { identities: [provider(vault, 'a'), provider(second, 'a')] }),
    plaintext,
  );

  second.isDown = true;
  const identities = [provider(vault, 'a'), provider(second, 'a'), SecretKey.generate()];
  t.true((await errorOf(() => decrypt(sealed, { identities }))) instanceof ProviderError);
});

test('sealing fails if a provider is down, and leaves no output', async (t) => {
  const vault = new Vault();
  vault.isDown = true;
  const directory = temporaryDirectory(t);
  const [source, target] = [join(directory, 'a'), join(directory, 'b')];
  writeFileSync(source, plaintext);
  const recipients = [secretKey(key), provider(vault, 'a')];
  const error = await providerError(() => encryptFile(source, target, { recipients }));
  t.is(error.operation, 'wrap');
  t.false(existsSync(target));
});

test('each provider has its own time limit', async (t) => {
  const silent = new Silent();
  const sealed = await encrypt(plaintext, { recipients: [provider(silent, 'a'), secretKey(key)] });
  const patient = provider(silent, 'a', { timeout: 20 });
  const error = await providerError(() => decrypt(sealed, { identities: [patient] }));
  t.is(error.code, 'ERR_PROVIDER_TIMEOUT');
  t.regex(error.message, /timed out after 20 ms/);
  t.true(silent.signal?.aborted);
  t.deepEqual(await decrypt(sealed, { identities: [patient, key] }), plaintext);
});

test("a caller's signal ends the wait for a provider", async (t) => {
  const silent = new Silent();
  const sealed = await encrypt(plaintext, { recipients: [provider(silent, 'a')] });
  const stop = new AbortController();
  const reason = new Error('enough');
  const opening = errorOf(() =>
    decrypt(sealed, { identities: [provider(silent, 'a')], signal: stop.signal }),
  );
  while (silent.signal === undefined) await new Promise(setImmediate);
  stop.abort(reason);
  t.is(await opening, reason);
  t.true(silent.signal.aborted);
});

test('a provider that returns another key opens nothing', async (t) => {
  const vault = new Vault();
  const sealed = await encrypt(plaintext, { recipients: [provider(vault, 'a')] });
  vault.unwrapKey = () => Promise.resolve(new Uint8Array(32).fill(1));
  const failure = await failureOf(t, () => decrypt(sealed, { identities: [provider(vault, 'a')] }));
  t.is(failure.kind, 'NoMatchingKey');
});

test('a blob of the largest size fits into a header', async (t) => {
  class Padding extends Vault {
    override async wrapKey(request: WrapRequest): Promise<Uint8Array> {
      const blob = Buffer.alloc(1_000_000);
      blob.set(await super.wrapKey(request));
      return blob;
    }
    override unwrapKey(request: UnwrapRequest): Promise<Uint8Array> {
      return super.unwrapKey({ ...request, wrappedKey: request.wrappedKey.subarray(0, 60) });
    }
  }
  const vault = new Padding();
  const sealed = await encrypt(plaintext, { recipients: [provider(vault, 'a')] });
  t.deepEqual(await decrypt(sealed, { identities: [provider(vault, 'a')] }), plaintext);

  const two = [provider(vault, 'a'), provider(vault, 'b')];
  t.like(await errorOf(() => encrypt(plaintext, { recipients: two })), {
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE',
    option: 'recipients',
  });
});

test('synchronous functions refuse providers', (t) => {
  const vault = provider(new Vault(), 'a');
  t.throws(() => encryptSync(plaintext, { recipients: [vault] }), {
    instanceOf: TypeError,
    message: /provider/,
  });
  const sealed = encryptSync(plaintext, { key });
  t.throws(() => decryptSync(sealed, { identities: [vault] }), {
    instanceOf: TypeError,
    message: /provider/,
  });
});

// By itself, so that it is stopped before it is done.
test.serial(
  'interrupted sealing for a provider resumes with a resume secret, since each attempt wraps a new key',
  async (t) => {
    const directory = temporaryDirectory(t);
    const [source, target] = [join(directory, 'a'), join(directory, 'b')];
    writeFileSync(source, '');
    truncateSync(source, 60 * 2 ** 20);
    const recipients = [provider(new Vault(), 'a')];
    // Slow enough to be stopped on the way.
    const slow = {
      recipients,
      resume: true,
      overwrite: true,
      frameSize: 1024,
      digest: 'sha512',
      threads: 1,
    } as const;
    await t.throwsAsync(encryptFile(source, target, slow), {
      instanceOf: RangeError,
      message: /resumeSecret is needed/,
    });
    const stop = new AbortController();
    const onProgress = () => {
      stop.abort();
    };
    const how = { ...slow, resumeSecret: randomBytes(32) };
    const error = await errorOf(() =>
      encryptFile(source, target, { ...how, signal: stop.signal, onProgress }),
    );
    t.is((error as Error).name, 'AbortError');
    const { resume } = await encryptFile(source, target, how);
    t.is(resume?.startedOver, undefined);
    t.true(resume!.segmentsResumed > 0);
  },
);
