import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createContext, runInContext } from 'node:vm';

import test, { type ExecutionContext } from 'ava';
import * as sealstream from 'sealstream';
import {
  decryptSync,
  encryptSync,
  inspect,
  ProviderError,
  SealError,
  SealstreamError,
  SecretKey,
  SourceError,
} from 'sealstream';
import * as floe from 'sealstream/floe';
import { FloeError, type FloeErrorCode } from 'sealstream/floe';

import { withFlippedByte } from '../support/bytes.mjs';
import { errorOf } from '../support/errors.mjs';

type Package = typeof sealstream;

const require = createRequire(import.meta.url);
const key = SecretKey.generate();

/** An error of each class, by the class's name. */
async function errorsOf(from: Package, messages: typeof floe): Promise<Record<string, unknown>> {
  const own = from.SecretKey.generate();
  const stream = from.encryptSync(Buffer.from('text'), { key: own });
  const message = messages.encrypt(Buffer.from('text'), { key: own });
  const fetch = () => Promise.resolve(new Response(null, { status: 404 }));
  const keyProvider = {
    name: 'none',
    wrapKey: () => Promise.reject(new Error('no')),
    unwrapKey: () => Promise.reject(new Error('no')),
  };
  return {
    SealError: await errorOf(() => from.decryptSync(withFlippedByte(stream, 0), { key: own })),
    FloeError: await errorOf(() => messages.decrypt(withFlippedByte(message, 80), { key: own })),
    SourceError: await errorOf(() =>
      from.openReader(from.httpSource('http://localhost/a', { fetch }), { key: own }),
    ),
    ProviderError: await errorOf(() =>
      from.encrypt(Buffer.from('text'), { recipients: [from.provider(keyProvider, 'a')] }),
    ),
  };
}

const CLASSES: Readonly<Record<string, { is: (value: unknown, code?: never) => boolean }>> = {
  SealError,
  FloeError,
  SourceError,
  ProviderError,
};

function checkAll(t: ExecutionContext, errors: Record<string, unknown>): void {
  for (const [name, error] of Object.entries(errors)) {
    t.true(SealstreamError.is(error), name);
    for (const [each, { is }] of Object.entries(CLASSES)) t.is(is(error), each === name, `${each}: ${name}`);
    const { code } = error as { code: never };
    t.true(SealstreamError.is(error, code) && CLASSES[name]?.is(error, code), name);
    t.false(SealstreamError.is(error, 'ERR_OTHER') || CLASSES[name]?.is(error, 'ERR_OTHER' as never), name);
  }
}

test('each class recognizes its errors, and the base all of them', async (t) => {
  const errors = await errorsOf(sealstream, floe);
  checkAll(t, errors);
  for (const error of Object.values(errors)) t.true(error instanceof SealstreamError);
});

test('errors of another copy of the package are recognized', async (t) => {
  const dist = dirname(require.resolve('sealstream'));
  const first = Object.keys(require.cache).filter((file) => file.startsWith(dist));
  t.true(first.length > 10);
  for (const file of first) Reflect.deleteProperty(require.cache, file);
  const copy = require('sealstream') as Package;
  t.not(copy.SealError, SealError);
  const errors = await errorsOf(copy, require('sealstream/floe') as typeof floe);
  checkAll(t, errors);
  for (const error of Object.values(errors)) t.false(error instanceof SealstreamError);
});

test('errors of another realm are recognized', (t) => {
  const context = createContext({});
  const loaded = new Map<string, object>();
  /** Loads a CommonJS module, and those beside it that it needs, in the realm of the context. */
  const load = (file: string): object => {
    const known = loaded.get(file);
    if (known) return known;
    const exports = {};
    loaded.set(file, exports);
    const wrapped = `(function (exports, require) {${readFileSync(file, 'utf8')}\n})`;
    const run = runInContext(wrapped, context) as (...given: unknown[]) => void;
    run(exports, (name: string) =>
      name.startsWith('.') ? load(`${join(dirname(file), name)}.js`) : (require(name) as object),
    );
    return exports;
  };
  const other = load(join(dirname(require.resolve('sealstream')), 'api', 'errors.js')) as Package;
  const Constructor = other.SealError as unknown as new (...given: unknown[]) => unknown;
  const error = new Constructor('wrong', 'ERR_SEAL_WRONG_PASSPHRASE', { kind: 'WrongPassphrase' });
  t.false(error instanceof Error);
  t.true(SealError.is(error, 'ERR_SEAL_WRONG_PASSPHRASE') && SealstreamError.is(error));
  t.false(FloeError.is(error));
});

test('nothing else is taken for an error of the package', (t) => {
  const error = t.throws(() => inspectNothing(), { instanceOf: SealError });
  const alike = { name: 'SealError', code: error.code, failure: error.failure, message: error.message };
  class Own extends Error {
    override readonly name = 'SealError';
  }
  const hostile = new Proxy(error, {
    get: () => {
      throw new Error('touched');
    },
  });
  for (const value of [
    ...[undefined, null, 1, 'ERR_SEAL_IO', alike, new Own('a'), new TypeError('a'), hostile],
    ...[Object.create(error) as unknown, SealError, SealError.prototype, structuredClone(error)],
  ]) {
    t.false(SealstreamError.is(value));
    t.false(SealError.is(value));
  }
});

test('as a callback, it ignores the index', (t) => {
  const error = t.throws(() => inspectNothing());
  t.deepEqual([error, new Error('a'), error].filter(SealError.is), [error, error]);
  const found: SealError | undefined = [new Error('a'), error].find(SealError.is);
  t.true(found === error);
});

function inspectNothing(): never {
  decryptSync(Buffer.from('none'), { key });
  throw new Error('unreachable');
}

test('the code tells the type of the failure', async (t) => {
  const stream = encryptSync(Buffer.alloc(5000), { key, frameSize: 1024, segmentSize: 1024 });
  const error = await errorOf(() => decryptSync(withFlippedByte(stream, stream.length - 500), { key }));
  if (!SealError.is(error, 'ERR_SEAL_DIGEST_MISMATCH')) return t.fail();
  // Compiles only while the code narrows the failure, at both depths.
  const { kind, error: inner }: { kind: 'Segment'; error: { kind: 'DigestMismatch'; expected: string } } =
    error.failure;
  const code: 'ERR_SEAL_DIGEST_MISMATCH' = error.code;
  t.deepEqual([kind, inner.kind, inner.expected.length, code], ['Segment', 'DigestMismatch', 16, error.code]);

  const missing = await errorOf(() => inspect('/no/such/file'));
  if (!SealError.is(missing, 'ERR_SEAL_IO')) return t.fail();
  const failure: { kind: 'Io'; syscall: string } = missing.failure;
  const cause: NodeJS.ErrnoException = missing.cause;
  t.deepEqual([failure.syscall, cause.code], ['open', 'ENOENT']);

  const message = floe.encrypt(Buffer.from('text'), { key });
  const bare = await errorOf(() => floe.decrypt(withFlippedByte(message, 80), { key }));
  if (!FloeError.is(bare, 'ERR_FLOE_FRAME')) return t.fail();
  const frame: number = bare.failure.frame;
  t.is(frame, 0);

  const unnarrowed: unknown = bare;
  if (SealstreamError.is(unnarrowed)) t.is(unnarrowed.code as FloeErrorCode, 'ERR_FLOE_FRAME');
  // @ts-expect-error There is no such code.
  t.false(SealError.is(bare, 'ERR_SEAL_NONE'));
  // @ts-expect-error A code of another class.
  t.false(SourceError.is(bare, 'ERR_FLOE_FRAME'));
  t.false(ProviderError.is(bare, 'ERR_PROVIDER_DENIED'));
});
