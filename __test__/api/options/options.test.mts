import test from 'ava';
import {
  sealedSize,
  decrypt,
  decryptFile,
  decryptSync,
  encrypt,
  encryptFile,
  encryptFileDetached,
  encryptSync,
  inspect,
  SecretKey,
} from 'sealstream';
import * as floe from 'sealstream/floe';

import { errorOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';

/** ES2024, which the library's declarations do not have yet. */
const Resizable = ArrayBuffer as unknown as new (
  size: number,
  options: { maxByteLength: number },
) => ArrayBuffer & { resize: (size: number) => void };

const key = SecretKey.generate();
const bytes = Buffer.from('text');
const stream = encryptSync(bytes, { key });

interface Wrong {
  readonly option: string;
  readonly value: unknown;
  readonly type: 'TypeError' | 'RangeError';
}

const wrong = (option: string, type: Wrong['type'], values: unknown[]): Wrong[] =>
  values.map((value) => ({ option, value, type }));

const FOR_KEY = [
  ...wrong('key', 'TypeError', [undefined, null, 'a'.repeat(32), 7, {}, new Uint16Array(16)]),
  ...wrong('key', 'RangeError', [new Uint8Array(0), new Uint8Array(31), Buffer.alloc(33)]),
];
const FOR_CONTEXT = [
  ...wrong('context', 'TypeError', [7, null, {}, [1], new Uint16Array(2)]),
  ...wrong('context', 'TypeError', ['a\ud800', '\udc00\ud800', detached()]),
  ...wrong('context', 'RangeError', [Buffer.alloc(65_537), 'é'.repeat(32_769)]),
];
const FOR_SEALING = [
  ...FOR_KEY,
  ...FOR_CONTEXT,
  ...wrong('keyId', 'TypeError', [7, null, Buffer.from('id')]),
  ...wrong('keyId', 'TypeError', ['\udfff', 'a\ud83d']),
  ...wrong('keyId', 'RangeError', ['a'.repeat(256), 'é'.repeat(128)]),
  ...wrong('frameSize', 'TypeError', ['1024', null, 1024n]),
  ...wrong('frameSize', 'RangeError', [0, -1, 1023, 1024.5, 16_777_217, Number.NaN, Infinity, 2 ** 40]),
  ...wrong('segmentSize', 'TypeError', ['65536', {}]),
  ...wrong('segmentSize', 'RangeError', [0, 1024, 65_537, 2 ** 30 + 65_536, 2 ** 32 + 65_536, Number.NaN]),
  ...wrong('digest', 'TypeError', [7, null]),
  ...wrong('digest', 'RangeError', ['', 'SHA256', 'md5', 'toString']),
];
const FOR_OPENING = [
  ...FOR_KEY,
  ...FOR_CONTEXT,
  ...wrong('key', 'RangeError', [[]]),
  ...wrong('key[0]', 'TypeError', [[7]]),
  ...wrong('key[1]', 'RangeError', [[key, Buffer.alloc(31)]]),
  ...wrong('key[1]', 'TypeError', [[key, 'a']]),
  ...wrong('maxSegmentSize', 'TypeError', ['1', null]),
  ...wrong('maxSegmentSize', 'RangeError', [0, -1, 1.5, 2 ** 30 + 1]),
];
const FOR_RUNNING = [
  ...wrong('threads', 'TypeError', ['2', null]),
  ...wrong('threads', 'RangeError', [-1, 1.5, 1025, Number.NaN]),
  ...wrong('signal', 'TypeError', [{}, null, 'abort', new AbortController()]),
  ...wrong('onProgress', 'TypeError', [{}, null, 'log']),
];
const FOR_PLACING = [
  ...wrong('overwrite', 'TypeError', [1, 'true', null]),
  ...wrong('flush', 'TypeError', [0, 'false', null]),
];

/** Bytes whose memory was given away. */
function detached(): Uint8Array<ArrayBuffer> {
  const given = new Uint8Array(4);
  structuredClone(given, { transfer: [given.buffer] });
  return given;
}

/** What the compiler would not let pass. */
type Untyped = (...args: unknown[]) => unknown;

const refuses = test.macro({
  exec: async (t, call: (options: unknown) => unknown, cases: Wrong[]) => {
    for (const { option, value, type } of cases) {
      const name = option.replace(/\[\d+\]$/, '');
      const error = await errorOf(() => call({ key, [name]: value }));
      const described = `${option}: ${String((value as object | null)?.constructor.name ?? value)}`;
      t.true(
        error instanceof (type === 'TypeError' ? TypeError : RangeError),
        `${described}: ${String(error)}`,
      );
      t.true((error as Error).message.startsWith(`${option} `), `${described}: ${(error as Error).message}`);
      t.regex((error as Error & { code: string }).code, /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/);
    }
    for (const options of [undefined, null, 7, 'key']) {
      const error = await errorOf(() => call(options));
      t.true(error instanceof TypeError, String(options));
      t.regex((error as Error).message, /^options /);
    }
  },
  title: (name = '') => `${name} names the option that is wrong`,
});

test('encrypt', refuses, (o) => (encrypt as Untyped)(bytes, o), [...FOR_SEALING, ...FOR_RUNNING]);
test('encryptSync', refuses, (o) => (encryptSync as Untyped)(bytes, o), FOR_SEALING);
test('decrypt', refuses, (o) => (decrypt as Untyped)(stream, o), [...FOR_OPENING, ...FOR_RUNNING]);
test('decryptSync', refuses, (o) => (decryptSync as Untyped)(stream, o), FOR_OPENING);
test('encryptFile', refuses, (o) => (encryptFile as Untyped)('a', 'b', o), [
  ...FOR_SEALING,
  ...FOR_RUNNING,
  ...FOR_PLACING,
]);
test('encryptFileDetached', refuses, (o) => (encryptFileDetached as Untyped)('a', 'b', o), [
  ...FOR_SEALING,
  ...FOR_RUNNING,
]);
test('decryptFile', refuses, (o) => (decryptFile as Untyped)('a', 'b', o), [
  ...FOR_OPENING,
  ...FOR_RUNNING,
  ...FOR_PLACING,
]);
test('floe.encrypt', refuses, (o) => (floe.encrypt as Untyped)(bytes, o), [
  ...FOR_KEY,
  ...wrong('aad', 'TypeError', ['text', null, 7]),
  ...wrong('segmentLength', 'TypeError', ['64', null]),
  ...wrong('segmentLength', 'RangeError', [0, 32, 2 ** 32 - 1, 64.5, Number.NaN]),
]);
test('floe.decrypt', refuses, (o) => (floe.decrypt as Untyped)(bytes, o), [
  ...FOR_KEY,
  ...wrong('aad', 'TypeError', ['text', null, 7]),
  ...wrong('segmentLength', 'RangeError', [0, 32, 2 ** 32 - 1]),
]);

test('asynchronous functions reject and synchronous ones throw', async (t) => {
  const rejected = (encrypt as Untyped)('no bytes', { key });
  t.true(rejected instanceof Promise);
  await t.throwsAsync(rejected as Promise<unknown>, { instanceOf: TypeError });
  t.throws(() => (encryptSync as Untyped)('no bytes', { key }), { instanceOf: TypeError });
});

test('values other than bytes are refused by name', async (t) => {
  for (const value of ['text', null, undefined, [1, 2], new Uint16Array(4), new ArrayBuffer(8), {}]) {
    for (const call of [encrypt, decrypt, encryptSync, decryptSync, floe.encrypt] as Untyped[]) {
      const error = await errorOf(() => call(value, { key }));
      t.true(error instanceof TypeError && error.message.startsWith('bytes '), String(error));
    }
    const error = await errorOf(() => (floe.decrypt as Untyped)(value, { key }));
    t.true(error instanceof TypeError && error.message.startsWith('message '), String(error));
  }
});

test('detached bytes are refused, since they would read as empty', async (t) => {
  const resizable = new Resizable(8, { maxByteLength: 8 });
  const cut = new Uint8Array(resizable, 4, 4);
  resizable.resize(4);
  for (const value of [detached(), cut]) {
    t.is(value.length, 0);
    const calls: [string, () => unknown][] = [
      ['bytes', () => encrypt(value, { key })],
      ['bytes', () => decrypt(value, { key })],
      ['bytes', () => encryptSync(value, { key })],
      ['bytes', () => decryptSync(value, { key })],
      ['bytes', () => floe.encrypt(value, { key })],
      ['message', () => floe.decrypt(value, { key })],
      ['aad', () => floe.encrypt(bytes, { key, aad: value })],
      ['source', () => inspect(value)],
    ];
    for (const [name, call] of calls) {
      const error = await errorOf(call);
      t.true(error instanceof TypeError, `${name}: ${String(error)}`);
      t.regex((error as Error).message, new RegExp(`^${name} .*detached`));
    }
  }
  for (const empty of [new Uint8Array(0), Buffer.from('a').subarray(1), new Uint8Array(resizable, 4)]) {
    t.is(decryptSync(encryptSync(empty, { key }), { key }).length, 0);
  }
});

test('an invalid path is refused by name, and nothing is written', async (t) => {
  const directory = temporaryDirectory(t);
  const good = `${directory}/a`;
  const cases: [unknown, ErrorConstructor | TypeErrorConstructor | RangeErrorConstructor][] = [
    [undefined, TypeError],
    [7, TypeError],
    [Buffer.from('a'), TypeError],
    [new URL('https://example.com/a'), TypeError],
    ['', RangeError],
    ['a\0b', RangeError],
  ];
  for (const [path, type] of cases) {
    for (const call of [encryptFile, decryptFile] as Untyped[]) {
      const [from, to] = [
        await errorOf(() => call(path, good, { key })),
        await errorOf(() => call(good, path, { key })),
      ];
      t.true(from instanceof type && to instanceof type, String(path));
      if (path instanceof URL) continue;
      t.regex((from as Error).message, /^from /);
      t.regex((to as Error).message, /^to /);
    }
    if (path instanceof Uint8Array) continue;
    t.true((await errorOf(() => (inspect as Untyped)(path))) instanceof type, String(path));
  }
  t.deepEqual(contents(directory), {});
});

test('sealedSize refuses invalid sizes', (t) => {
  const size = sealedSize as Untyped;
  for (const value of ['1', undefined, null]) t.throws(() => size(value), { instanceOf: TypeError });
  for (const value of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
    t.throws(() => size(value), { instanceOf: RangeError, message: /^plaintextSize / });
  }
  t.throws(() => size(1, { target: 'stream' }), { instanceOf: RangeError, message: /^target / });
  t.throws(() => size(1, { frameSize: 7 }), { instanceOf: RangeError, message: /^frameSize / });
  t.true(sealedSize(2 ** 52) > 2 ** 52);
  t.throws(() => sealedSize(Number.MAX_SAFE_INTEGER), { instanceOf: RangeError, message: /^plaintextSize / });
});

test("an error never shows a key's bytes", async (t) => {
  const secret = 'correct horse battery staple';
  for (const value of [secret, [secret], { secret }, Buffer.from(secret), new Set([secret])]) {
    for (const call of [encrypt, decryptSync, floe.encrypt] as Untyped[]) {
      const error = await errorOf(() => call(bytes, { key: value }));
      t.true(error instanceof Error);
      t.false((error as Error).message.includes('correct'), (error as Error).message);
    }
  }
});
