import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, inspect } from 'node:util';

import test from 'ava';
import { decryptSync, encrypt, encryptSync, KeyPair, SecretKey } from 'sealstream';

import { errorOf, failureOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';

const HEX = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const BYTES = Buffer.from(HEX, 'hex');
const BASE64 = BYTES.toString('base64');

test('a key is made from bytes and from text, and is exported on request', (t) => {
  for (const key of [
    SecretKey.fromBytes(BYTES),
    SecretKey.fromBytes(new Uint8Array(BYTES)),
    SecretKey.fromHex(HEX),
    SecretKey.fromHex(HEX.toUpperCase()),
    SecretKey.fromBase64(BASE64),
  ]) {
    t.true(key instanceof SecretKey);
    t.deepEqual(Buffer.from(key.exportBytes()), BYTES);
  }
  t.notDeepEqual(SecretKey.generate().exportBytes(), SecretKey.generate().exportBytes());
});

test('a key is a copy of its bytes, and what it exports is a copy too', (t) => {
  const bytes = Uint8Array.from(BYTES);
  const key = SecretKey.fromBytes(bytes);
  bytes.fill(0);
  key.exportBytes().fill(0);
  t.deepEqual(Buffer.from(key.exportBytes()), BYTES);
});

test('a secret KeyObject of 32 bytes is a key', async (t) => {
  const plain = Buffer.from('text');
  const key = createSecretKey(BYTES);
  for (const sealed of [encryptSync(plain, { key }), await encrypt(plain, { key, keyId: 'a' })]) {
    t.deepEqual(decryptSync(sealed, { key: [SecretKey.generate(), key] }), plain);
    t.deepEqual(decryptSync(sealed, { key: BYTES }), plain);
  }
  t.deepEqual(Buffer.from(key.export()), BYTES);
  t.throws(() => encryptSync(plain, { key: createSecretKey(Buffer.alloc(16)) }), {
    message: 'key must have 32 bytes, not 16',
  });
  const { publicKey: open, privateKey: closed } = generateKeyPairSync('ed25519');
  t.throws(() => encryptSync(plain, { key: open }), {
    message: 'key must be a secret KeyObject, not a public one',
  });
  t.throws(() => encryptSync(plain, { key: closed }), { message: /not a private one$/ });
});

test('invalid keys are refused', (t) => {
  const untyped = SecretKey as unknown as Record<string, (value?: unknown) => unknown>;
  for (const size of [0, 16, 31, 33, 64]) {
    const error = t.throws(() => SecretKey.fromBytes(new Uint8Array(size)), { instanceOf: RangeError });
    t.is(error.message, `bytes must have 32 bytes, not ${size}`);
  }
  for (const value of [undefined, null, HEX, [...BYTES], {}]) {
    t.throws(() => untyped['fromBytes']?.(value), { instanceOf: TypeError, message: /^bytes / });
  }
  for (const value of [undefined, null, BYTES, 7]) {
    t.throws(() => untyped['fromHex']?.(value), { instanceOf: TypeError, message: /^text / });
    t.throws(() => untyped['fromBase64']?.(value), { instanceOf: TypeError, message: /^text / });
  }
  for (const text of ['', '00', HEX.slice(1), `${HEX}00`, HEX.replace('f', 'g'), ` ${HEX}`, BASE64]) {
    const error = t.throws(() => SecretKey.fromHex(text), { instanceOf: RangeError, message: /^text / });
    if (text.length > 2) t.false(error.message.includes(text));
  }
  for (const text of ['', 'AAEC', BASE64.slice(0, -1), HEX, `${BASE64}\n`]) {
    t.throws(() => SecretKey.fromBase64(text), { instanceOf: RangeError, message: /^text / });
  }
  const Constructor = SecretKey as unknown as new (value?: unknown) => SecretKey;
  t.throws(() => new Constructor(), { instanceOf: TypeError });
  t.throws(() => new Constructor(BYTES), { instanceOf: TypeError });
});

test('printing a key never shows its bytes', (t) => {
  const key = SecretKey.fromHex(HEX);
  const printed: Record<string, string> = {
    inspect: inspect(key),
    'inspect of everything': inspect(key, { showHidden: true, depth: 20, getters: true, showProxy: true }),
    'inspect, nested': inspect({ options: { key } }, { depth: 9 }),
    'console.log': format(key),
    '%s': format('%s', key),
    '%o': format('%o', key),
    '%O': format('%O', key),
    '%j': format('%j', key),
    String: String(key),
    toString: key.toString(),
    template: `key ${key as unknown as string}`.slice(4),
    concatenation: ('key ' + (key as unknown as string)).slice(4),
    JSON: JSON.stringify({ key }),
    'Object.prototype.toString': Object.prototype.toString.call(key),
    'a property name': Object.keys({ [key as unknown as string]: 1 }).join(),
    'an error message': new Error(`failed with ${key as unknown as string}`).message,
    cloned: inspect(structuredClone(key), { showHidden: true }),
    assigned: inspect(Object.assign({}, key), { showHidden: true }),
    entries: inspect(Object.entries(Object.getOwnPropertyDescriptors(key)), { depth: 9, showHidden: true }),
  };
  const leaks = [/0001|0a0b|0c0d|1e1f/i, /\b30, ?31\b/, new RegExp(BASE64.slice(0, 8)), /AAEC/, /<00 01/];
  for (const [way, text] of Object.entries(printed)) {
    for (const leak of leaks) t.notRegex(text, leak, way);
  }
  for (const way of [
    'inspect',
    'inspect of everything',
    'console.log',
    '%s',
    'String',
    'toString',
    'template',
  ]) {
    t.is(printed[way], '[SecretKey]', way);
  }
  t.is(printed['JSON'], '{"key":"[SecretKey]"}');
  t.is(printed['Object.prototype.toString'], '[object SecretKey]');
});

test('a disposed key cannot be used', async (t) => {
  const key = SecretKey.generate();
  const stream = encryptSync(Buffer.from('text'), { key });
  const underway = encrypt(Buffer.alloc(3_000_000), { key });
  key.dispose();
  key.dispose();
  t.throws(() => encryptSync(Buffer.from('text'), { key }), {
    instanceOf: TypeError,
    message: /^key was disposed of/,
  });
  t.throws(() => decryptSync(stream, { key: [key] }), { instanceOf: TypeError, message: /^key\[0\] / });
  t.throws(() => key.exportBytes(), { instanceOf: TypeError });
  await t.throwsAsync(key.toFile('never-written'), { instanceOf: TypeError });
  t.is(String(key), '[SecretKey]');
  t.true((await underway).length > 3_000_000);

  const another = SecretKey.generate();
  another[Symbol.dispose]();
  t.throws(() => another.exportBytes(), { instanceOf: TypeError });
});

test('a key file is readable only by its owner, never overwrites a file, and can be read back', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'a.key');
  const key = SecretKey.generate();
  await key.toFile(path);
  if (process.platform !== 'win32') t.is(statSync(path).mode & 0o777, 0o600);
  const text = readFileSync(path, 'utf8');
  t.deepEqual((await SecretKey.fromFile(path)).exportBytes(), key.exportBytes());
  t.deepEqual((await SecretKey.fromFile(pathToFileURL(path))).exportBytes(), key.exportBytes());

  const failure = await failureOf(t, () => SecretKey.generate().toFile(path));
  t.deepEqual(failure, { kind: 'TargetExists', path });
  t.is(readFileSync(path, 'utf8'), text);
});

test('a key file is 32 bytes, hexadecimal digits or Base64; anything else is refused', async (t) => {
  const path = join(temporaryDirectory(t), 'a.key');
  for (const content of [BYTES, `${HEX}\n`, `# a comment\n\n${BASE64}\n`]) {
    writeFileSync(path, content, { mode: 0o600 });
    t.deepEqual(Buffer.from((await SecretKey.fromFile(path)).exportBytes()), BYTES);
  }
  for (const [content, reason] of [
    ['', 'no-key'],
    ['hello', 'no-key'],
    [`${HEX}\n${HEX}\n`, 'several-keys'],
    [Buffer.alloc(33), 'no-key'],
    ['a'.repeat(10_000), 'too-large'],
    [KeyPair.generate('x25519').publicKey, 'holds-public-key'],
    [KeyPair.generate('x25519').exportText(), 'holds-key-pair'],
  ] as const) {
    writeFileSync(path, content);
    t.deepEqual(await failureOf(t, () => SecretKey.fromFile(path)), { kind: 'KeyFileRefused', path, reason });
  }
});

test('a key file that is missing, no file, or read by others is refused', async (t) => {
  const directory = temporaryDirectory(t);
  const missing = join(directory, 'missing');
  t.like(await failureOf(t, () => SecretKey.fromFile(missing)), {
    kind: 'Io',
    code: 'ENOENT',
    path: missing,
  });
  t.deepEqual(await failureOf(t, () => SecretKey.fromFile(directory)), {
    kind: 'KeyFileRefused',
    path: directory,
    reason: 'not-a-regular-file',
  });
  t.true((await errorOf(() => (SecretKey.fromFile as (path: unknown) => unknown)(7))) instanceof TypeError);

  if (process.platform === 'win32') return;
  const path = join(directory, 'a.key');
  writeFileSync(path, HEX);
  chmodSync(path, 0o640);
  const error = await t.throwsAsync(SecretKey.fromFile(path), { code: 'ERR_SEAL_KEY_FILE_REFUSED' });
  t.regex(error.message, /other users can read.*chmod 600/);
  t.deepEqual(Buffer.from((await SecretKey.fromFile(path, { allowReadable: true })).exportBytes()), BYTES);
});
