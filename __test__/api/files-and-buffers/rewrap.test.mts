import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test, { type ExecutionContext } from 'ava';
import {
  decrypt,
  decryptFile,
  encrypt,
  encryptFile,
  inspect,
  KeyPair,
  openReader,
  passphrase,
  provider,
  publicKey,
  rewrap,
  type RewrapOptions,
  SecretKey,
  secretKey,
  verify,
} from 'sealstream';

import { native } from '../../../dist/internal/binding.js';
import { pattern } from '../support/bytes.mjs';
import { errorOf as thrownBy } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
import { CHEAP, FakeProvider, keyHolders } from '../support/key-holders.mjs';

const plaintext = pattern(10_000);
const key = SecretKey.generate();
const HEADER = 4096;

test('an added recipient can open the file and a removed one can not, in place', async (t) => {
  const { path, bytes } = await sealed(t);
  const before = bytes();
  const other = SecretKey.generate();
  const report = await rewrap(pathToFileURL(path), {
    key,
    add: [secretKey(other, { keyId: 'new' })],
    remove: [{ keyId: 'old' }],
  });
  t.like(report, {
    revision: 1,
    inPlace: true,
    headerSize: HEADER,
    warnings: [],
    openedBy: { slotIndex: 0, type: 'key', keyId: 'old' },
    slots: [{ type: 'key', keyId: 'new' }],
    added: [{ slotIndex: 0, type: 'key', keyId: 'new' }],
    removed: [{ slotIndex: 0, type: 'key', keyId: 'old' }],
  });
  t.is(report.streamId, (await inspect(path)).streamId);
  const after = bytes();
  t.deepEqual(await decrypt(after, { key: other }), plaintext);
  t.is((await errorOf(decrypt(after, { key }))).code, 'ERR_SEAL_NO_MATCHING_KEY');
  t.is(after.length, before.length);
  t.deepEqual(after.subarray(HEADER, -HEADER - 24), before.subarray(HEADER, -HEADER - 24));
  t.deepEqual(after.subarray(0, HEADER), after.subarray(-HEADER - 24, -24));
  t.deepEqual(after.subarray(-24), before.subarray(-24));
});

test('every kind of recipient is added, and opens, and is removed by what opens it', async (t) => {
  const { path, bytes } = await sealed(t);
  for (const { type, recipient, identity, stranger } of keyHolders()) {
    const report = await rewrap(path, { key, add: [recipient] });
    t.is(report.slots.at(-1)?.type, type);
    t.deepEqual(await decrypt(bytes(), { identities: [identity] }), plaintext, type);
    await t.throwsAsync(decrypt(bytes(), { identities: [stranger] }));
    // A provider is not asked whose slot it is.
    const selector = type === 'provider' ? { type } : identity;
    const { removed } = await rewrap(path, { identities: [identity, key], remove: [selector] });
    t.is(removed[0]?.type, type);
    await t.throwsAsync(decrypt(bytes(), { identities: [identity] }), undefined, type);
  }
  t.is((await inspect(path)).headerRevision, 10);
});

test('slots are selected by index and type, and replaced as a whole', async (t) => {
  const { path } = await sealed(t);
  const pair = KeyPair.generate('x25519');
  const add = [
    secretKey(SecretKey.generate(), { keyId: 'a' }),
    publicKey(pair.publicKey),
    publicKey(pair.publicKey),
  ];
  const types = ({ slots }: { slots: readonly { type: string }[] }) => slots.map(({ type }) => type);
  t.deepEqual(types(await rewrap(path, { key, add })), ['key', 'key', 'x25519', 'x25519']);
  t.deepEqual(types(await rewrap(path, { key, remove: [{ slotIndex: 1 }, { type: 'x25519' }] })), ['key']);
  const replaced = await rewrap(path, { key, replace: [publicKey(pair.publicKey)] });
  t.deepEqual(types(replaced), ['x25519']);
  t.is((await rewrap(path, { identities: [pair], mend: true })).revision, 4);
});

test('a header that outgrows its room makes a new file, and a stream without a copy too', async (t) => {
  const { path, bytes, directory } = await sealed(t);
  const keys = Array.from({ length: 40 }, () => SecretKey.generate());
  const report = await rewrap(path, { key, add: keys.map((each) => secretKey(each)), flush: false });
  t.like(report, { inPlace: false, headerSize: 2 * HEADER });
  for (const each of [key, keys[39]!]) {
    t.deepEqual(await decrypt(bytes(), { key: each }), plaintext);
  }
  writeFileSync(path, await encrypt(plaintext, { key }));
  t.false((await rewrap(path, { key, replace: [keys[0]!] })).inPlace);
  t.deepEqual(await decrypt(bytes(), { key: keys[0]! }), plaintext);
  t.deepEqual(Object.keys(contents(directory)), ['it.seal']);
});

test('a failure changes nothing', async (t) => {
  const { path, directory } = await sealed(t, 'tenant 7');
  const before = contents(directory);
  const refused = async (options: RewrapOptions) => {
    const error = await errorOf(rewrap(path, options));
    t.deepEqual(contents(directory), before);
    return error;
  };
  const stranger = SecretKey.generate();
  const context = 'tenant 7';
  t.is((await refused({ key: stranger, context, add: [stranger] })).code, 'ERR_SEAL_NO_MATCHING_KEY');
  t.is((await refused({ key, add: [stranger] })).code, 'ERR_SEAL_CONTEXT_MISMATCH');
  t.regex((await refused({ key, context, remove: [{ keyId: 'none' }] })).message, /the key id "none"/);
  t.regex((await refused({ key, context, remove: [{ slotIndex: 0 }] })).message, /no key slot/);
  t.regex(
    (await refused({ key, context, remove: [stranger] })).message,
    /selects no slot by an identity of the type key/,
  );
  const signal = AbortSignal.abort(new Error('enough'));
  t.is((await refused({ key, context, mend: true, signal })).message, 'enough');
  const keyProvider = new FakeProvider('fake', () => {
    throw new Error('down');
  });
  t.is((await refused({ key, context, add: [provider(keyProvider, 'k')] })).code, 'ERR_PROVIDER_FAILED');
  const costly = { key: undefined, identities: [passphrase('a', { strength: CHEAP })], context, mend: true };
  t.is((await refused({ ...costly, acceptSlots: ['passphrase'] })).code, 'ERR_SEAL_NO_MATCHING_KEY');
});

test('options are checked before anything is read', async (t) => {
  const wrong = async (options: object, code: string, message: RegExp) => {
    const error = await errorOf(rewrap('/nowhere', { key, ...options }));
    t.is(error.code, code);
    t.regex(error.message, message);
  };
  const [type, range] = ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE'];
  await wrong({ add: 'x' }, range, /^add is a text that is no public key/);
  await wrong({ add: [1] }, type, /add\[0\]/);
  await wrong({ add: [publicKey(KeyPair.generate('x25519').publicKey), {}] }, type, /add\[1\]/);
  await wrong({ replace: [] }, range, /replace must have 1 to 64 items/);
  await wrong({ replace: [key], add: [key] }, range, /replace can not/);
  await wrong({ replace: [key], remove: [{ slotIndex: 0 }] }, range, /replace can not/);
  await wrong({ remove: {} }, range, /remove must have exactly one of/);
  for (const slotIndex of [-1, 64, 0.5])
    await wrong({ remove: [{ slotIndex }] }, range, /remove\[0\]\.slotIndex/);
  await wrong({ remove: [0] }, type, /remove\[0\]/);
  await wrong({ remove: [null] }, type, /remove\[0\]/);
  await wrong({ remove: [{}] }, range, /exactly one of slotIndex, type and keyId/);
  await wrong({ remove: [{ type: 'key', keyId: 'a' }] }, range, /exactly one of slotIndex, type and keyId/);
  await wrong({ remove: [{ type: 'rot13' }] }, range, /remove\[0\]\.type/);
  await wrong({ remove: [{ keyId: 1 }] }, type, /remove\[0\]\.keyId/);
  await wrong(
    { remove: [{ slotIndex: 0 }, publicKey(KeyPair.generate('x25519').publicKey)] },
    type,
    /remove\[1\]/,
  );
  await wrong({ remove: [provider(new FakeProvider(), 'k')] }, type, /keyId/);
  await wrong({ flush: 1 }, type, /flush/);
  await wrong({ mend: 1 }, type, /mend/);
  for (const nothing of [{}, { mend: false }, { add: [] }, { add: [], remove: [] }]) {
    await wrong(nothing, range, /add, remove or replace, or mend: true/);
  }
  for (const change of [{ add: [key] }, { remove: [{ slotIndex: 0 }] }, { replace: [key] }]) {
    await wrong({ ...change, mend: true }, range, /mend can not be given with/);
  }
  await wrong({ removed: [{ slotIndex: 0 }] }, 'ERR_INVALID_ARG_VALUE', /removed/);
});

test('an interrupted rewrap is reported, opens with both keys, and the next rewrap completes it', async (t) => {
  const { path, bytes } = await sealed(t);
  const before = bytes();
  const other = SecretKey.generate();
  await rewrap(path, { key, replace: [other] });
  // The copy is written first.
  const torn = Buffer.concat([before.subarray(0, HEADER), bytes().subarray(HEADER)]);
  writeFileSync(path, torn);
  const out = `${path}.out`;
  for (const [each, headerFromCopy] of [
    [key, false],
    [other, true],
  ] as const) {
    const { warnings } = await decryptFile(path, out, { key: each, overwrite: true });
    t.deepEqual(
      warnings.map(({ kind }) => kind),
      [headerFromCopy ? 'HeaderFromCopy' : 'NewerCopyUnused'],
    );
    const reader = await openReader(path, { key: each });
    t.deepEqual(await reader.read(0, plaintext.length), plaintext);
    await reader.close();
    const blob = await openReader(new Blob([torn]), { key: each });
    t.deepEqual(await blob.read(9000, 100), plaintext.subarray(9000, 9100));
    await blob.close();
    const found = await verify(path, { key: each });
    t.like(found, { sound: false, problemCount: 1, authenticated: true });
    t.deepEqual(found.problems[0]?.failure, { kind: 'RewrapInterrupted', revision: 0, copyRevision: 1 });
  }
  t.like(await inspect(path), { headerRevision: 1, headerFromCopy: true });
  t.like(await rewrap(path, { key: other, mend: true }), {
    revision: 2,
    warnings: [{ kind: 'HeaderFromCopy' }],
  });
  t.true((await verify(path, { key: other })).sound);
  t.is((await errorOf(decryptFile(path, out, { key, overwrite: true }))).code, 'ERR_SEAL_NO_MATCHING_KEY');
});

test('the slots of a provider before and after the change open an interrupted rewrap', async (t) => {
  const keyProvider = new FakeProvider();
  const [first, second] = ['first', 'second'].map((id) => provider(keyProvider, id));
  if (!first || !second) throw new Error('unreachable');
  const { path, bytes } = await sealed(t);
  await rewrap(path, { key, replace: [first] });
  const before = bytes();
  await rewrap(path, { identities: [first], replace: [second] });
  writeFileSync(path, Buffer.concat([before.subarray(0, HEADER), bytes().subarray(HEADER)]));
  for (const identity of [first, second]) {
    const reader = await openReader(path, { identities: [identity] });
    t.deepEqual(await reader.read(0, 10), plaintext.subarray(0, 10));
    await reader.close();
  }
});

test('a selector with no field or several fields is refused, not ignored', async (t) => {
  const { path, bytes } = await sealed(t);
  const before = bytes();
  for (const selection of [{}, { slotIndex: 0, keyId: 'old' }]) {
    const settings = { replace: false, remove: [selection], flush: false };
    // The addon throws at once.
    t.throws(() => native.rewrap(path, [new Uint8Array(32)], {}, [], [], settings), {
      message: /exactly one/,
    });
  }
  t.deepEqual(bytes(), before);
});

test('the caller may dispose of all secrets while waiting for providers, which wrap once', async (t) => {
  const keyProvider = new FakeProvider();
  const expected = pattern(32);
  const [words, next] = [passphrase('correct horse', { strength: CHEAP }), secretKey(expected)];
  const { path, bytes } = await sealed(t);
  await rewrap(path, { key, add: [words, provider(keyProvider, 'kms')] });
  keyProvider.calls.length = 0;
  const own = SecretKey.generate();
  const opens = secretKey(own);
  await rewrap(path, { key, add: [opens] });
  // A provider at either side; and the first attempt to open fails.
  const stranger = SecretKey.generate();
  const disposables = [words, next, opens, stranger];
  const work = rewrap(path, {
    identities: [stranger, provider(keyProvider, 'kms')],
    add: [next, provider(keyProvider, 'new')],
    remove: [words, opens],
  });
  for (const each of disposables) each.dispose();
  const report = await work;
  t.deepEqual(report.removed.map(({ type }) => type).sort(), ['key', 'passphrase']);
  t.deepEqual([...keyProvider.calls].sort(), ['unwrap kms', 'wrap new']);
  t.deepEqual(await decrypt(bytes(), { key: expected }), plaintext);
});

test('parallel rewraps of one file lose no recipient', async (t) => {
  const { path, bytes } = await sealed(t);
  const keys = Array.from({ length: 12 }, () => SecretKey.generate());
  const add = async (each: SecretKey): Promise<void> => {
    for (;;) {
      try {
        await rewrap(path, { key, add: [each] });
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_SEAL_TARGET_BUSY') throw error;
      }
    }
  };
  await Promise.all(keys.map(add));
  for (const each of keys) t.deepEqual(await decrypt(bytes(), { key: each }), plaintext);
});

async function sealed(t: ExecutionContext, context?: string) {
  const directory = temporaryDirectory(t);
  const [plain, path] = [join(temporaryDirectory(t), 'plain'), join(directory, 'it.seal')];
  writeFileSync(plain, plaintext);
  const sizes = { frameSize: 1024, segmentSize: 2048, headerSize: HEADER };
  await encryptFile(plain, path, { key, keyId: 'old', context, ...sizes });
  return { directory, path, bytes: () => readFileSync(path) };
}

async function errorOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  const error = await thrownBy(() => work);
  if (!(error instanceof Error)) throw new Error(`threw no error but ${String(error)}`);
  return error;
}
