import { createReadStream, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

import test from 'ava';
import {
  decrypt,
  decryptFile,
  encryptStreamToFile,
  passphrase,
  provider,
  rewrap,
  SealError,
  SecretKey,
  verify,
} from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { EDGES } from '../support/conversions.mjs';
import { errorOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
import { CHEAP, FakeProvider } from '../support/key-holders.mjs';
import { key, plaintext, SIZES } from '../support/small-segments.mjs';

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* slowly(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, void> {
  for (const piece of pieces(bytes, size)) {
    await new Promise((resolve) => setImmediate(resolve));
    yield piece;
  }
}

test('every kind of stream becomes a sealed file, with the report of encryptFile', async (t) => {
  const directory = temporaryDirectory(t);
  const from = join(directory, 'from');
  writeFileSync(from, plaintext);
  const kinds: Record<string, () => Parameters<typeof encryptStreamToFile>[0]> = {
    array: () => [plaintext],
    iterable: () => pieces(plaintext, 777),
    'async iterable': () => slowly(plaintext, 5000),
    'Node stream': () => createReadStream(from, { highWaterMark: 1000 }),
    'Node stream of objects': () => Readable.from(pieces(plaintext, 3000)),
    'web stream': () => new Blob([plaintext]).stream(),
    'web stream of one piece': () => Readable.toWeb(Readable.from([plaintext])) as ReadableStream<Uint8Array>,
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const to = join(directory, `${kind}.seal`);
    const report = await encryptStreamToFile(make(), to, { key, ...SIZES });
    const sealed = readFileSync(to);
    t.deepEqual(await decrypt(sealed, { key }), plaintext, kind);
    t.like(report, { plaintextSize: plaintext.length, sealedSize: sealed.length, warnings: [] });
    t.is(report.header, undefined);
    t.is(report.stats.segments, 7);
    t.true((await verify(to, { key })).sound);
  }
});

test('streams of every size become files that can be rewrapped', async (t) => {
  const directory = temporaryDirectory(t);
  for (const size of EDGES) {
    const to = pathToFileURL(join(directory, String(size)));
    const bytes = pattern(size);
    await encryptStreamToFile(pieces(bytes, 1000), to, { key, ...SIZES });
    t.deepEqual(await decrypt(readFileSync(to), { key }), bytes, String(size));
  }
  const to = join(directory, '0');
  const { size } = statSync(to);
  const other = SecretKey.generate();
  await rewrap(to, { key, add: other });
  t.is(statSync(to).size, size);
  await decryptFile(to, join(directory, 'opened'), { key: other });
});

test('passphrases and providers are recipients', async (t) => {
  const to = join(temporaryDirectory(t), 'to');
  const vault = provider(new FakeProvider(), 'a key');
  const phrase = passphrase('a phrase', { strength: CHEAP });
  await encryptStreamToFile([plaintext], to, { recipients: [vault, phrase] });
  for (const identities of [vault, phrase]) {
    t.deepEqual(await decrypt(readFileSync(to), { identities }), plaintext);
  }
});

test('an existing file is kept, and replaced only if that is asked for', async (t) => {
  const directory = temporaryDirectory(t);
  const to = join(directory, 'to');
  writeFileSync(to, 'old');
  let hasBegun = false;
  const source = async function* () {
    hasBegun = true;
    yield* slowly(plaintext, 5000);
  };
  const error = await errorOf(() => encryptStreamToFile(source(), to, { key }));
  t.true(SealError.is(error, 'ERR_SEAL_TARGET_EXISTS'));
  t.false(hasBegun);
  t.deepEqual(contents(directory), { to: Buffer.from('old').toString('base64') });
  await encryptStreamToFile(source(), to, { key, overwrite: true, flush: false });
  t.deepEqual(await decrypt(readFileSync(to), { key }), plaintext);
  t.deepEqual(readdirSync(directory), ['to']);
});

test('a file that another program makes meanwhile is kept', async (t) => {
  const directory = temporaryDirectory(t);
  const to = join(directory, 'to');
  const source = async function* () {
    yield* slowly(plaintext, 5000);
    writeFileSync(to, 'theirs');
  };
  const error = await errorOf(() => encryptStreamToFile(source(), to, { key }));
  t.true(SealError.is(error, 'ERR_SEAL_TARGET_EXISTS'));
  t.deepEqual(contents(directory), { to: Buffer.from('theirs').toString('base64') });
});

test('only its owner can access a new file; a replaced one keeps its permissions', async (t) => {
  if (process.platform === 'win32') {
    t.pass();
    return;
  }
  const directory = temporaryDirectory(t);
  const [to, link, old] = ['to', 'link', 'old'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await encryptStreamToFile([plaintext], to, { key });
  t.is(statSync(to).mode & 0o777, 0o600);
  writeFileSync(old, 'old', { mode: 0o640 });
  symlinkSync(old, link);
  await encryptStreamToFile([plaintext], link, { key, overwrite: true });
  t.is(statSync(old).mode & 0o777, 0o640);
  t.deepEqual(await decrypt(readFileSync(old), { key }), plaintext);
});

test('errors of the stream, wrong chunks and failures leave no file, and end the source', async (t) => {
  const directory = temporaryDirectory(t);
  const mine = new RangeError('mine');
  const to = join(directory, 'to');
  let isClosed = false;
  const fails = async function* () {
    try {
      yield* slowly(plaintext, 5000);
      throw mine;
    } finally {
      isClosed = true;
    }
  };
  const chunks = (...values: unknown[]) => {
    isClosed = false;
    const stream = new Readable({ objectMode: true, read: () => undefined });
    for (const value of values) stream.push(value);
    return stream.on('close', () => (isClosed = true));
  };
  const cases: [string, () => unknown, (error: unknown) => boolean][] = [
    ['a generator that throws', fails, (error) => error === mine],
    ['a Node stream that fails', () => Readable.from(fails()), (error) => error === mine],
    [
      'a Node stream that has failed',
      () => {
        isClosed = true;
        return new Readable({ read: () => undefined }).on('error', () => undefined).destroy(mine);
      },
      (error) => error === mine,
    ],
    [
      'a Node stream that is cut off',
      () => {
        const stream = chunks(plaintext);
        setImmediate(() => stream.destroy());
        return stream;
      },
      (error) => (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE',
    ],
    [
      'a web stream that fails',
      () => {
        isClosed = true;
        return new ReadableStream({
          pull: (controller) => {
            controller.error(mine);
          },
        });
      },
      (error) => error === mine,
    ],
    ['a string', () => chunks(plaintext, 'text'), (error) => error instanceof TypeError],
    ['a number', () => chunks(1), (error) => error instanceof TypeError],
  ];
  for (const [name, make, isExpected] of cases) {
    const error = await errorOf(() => encryptStreamToFile(make() as Readable, to, { key, ...SIZES }));
    t.true(isExpected(error), `${name}: ${String(error)}`);
    t.deepEqual(readdirSync(directory), [], name);
    await new Promise((resolve) => setImmediate(resolve));
    t.true(isClosed, name);
  }
  const missing = await errorOf(() => encryptStreamToFile(fails(), join(directory, 'no', 'to'), { key }));
  t.true(SealError.is(missing, 'ERR_SEAL_IO'));
  t.is(((missing as Error).cause as NodeJS.ErrnoException).code, 'ENOENT');
  const refused = provider(
    new FakeProvider('fake', () => {
      throw mine;
    }),
    'a key',
  );
  const source = chunks(plaintext);
  t.truthy(await errorOf(() => encryptStreamToFile(source, to, { recipients: refused })));
  t.true(source.destroyed);
  t.deepEqual(readdirSync(directory), []);
});

test('a signal ends it at once, even while the stream is waited for', async (t) => {
  const directory = temporaryDirectory(t);
  const to = join(directory, 'to');
  const reason = new Error('enough');
  let cancelled: unknown;
  const sources: Record<string, () => unknown> = {
    'a Node stream': () => new Readable({ read: () => undefined }),
    'a web stream': () => new ReadableStream({ cancel: (why) => void (cancelled = why) }),
    'an iterable that never answers': () => ({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
    }),
  };
  for (const [name, make] of Object.entries(sources)) {
    for (const delay of [undefined, 0, 30]) {
      const controller = new AbortController();
      if (delay === undefined) controller.abort(reason);
      else
        setTimeout(() => {
          controller.abort(reason);
        }, delay);
      const source = make() as Readable;
      const { signal } = controller;
      const error = await errorOf(() => encryptStreamToFile(source, to, { key, signal }));
      t.is(error, reason, name);
      if (source instanceof Readable) t.true(source.destroyed);
      if (source instanceof ReadableStream) t.is(cancelled, reason);
      t.deepEqual(readdirSync(directory), [], name);
    }
  }
});

test('wrong arguments are refused, and the source is left alone', async (t) => {
  const to = join(temporaryDirectory(t), 'to');
  const source = new Readable({ read: () => undefined });
  t.like(await errorOf(() => encryptStreamToFile(source, '', { key })), { name: 'RangeError', option: 'to' });
  t.like(await errorOf(() => encryptStreamToFile(source, to, {})), { name: 'TypeError' });
  t.like(await errorOf(() => encryptStreamToFile(source, to, { key, resume: true } as never)), {
    name: 'TypeError',
    option: 'resume',
  });
  t.false(source.destroyed);
  for (const from of [plaintext, 'text', 5, null, undefined, {}]) {
    t.like(await errorOf(() => encryptStreamToFile(from as never, to, { key })), {
      name: 'TypeError',
      option: 'from',
    });
  }
});

test('a slow target slows the stream: few segments are in memory', async (t) => {
  const to = join(temporaryDirectory(t), 'to');
  let [given, most] = [0, 0];
  const chunk = pattern(2048);
  const source = function* () {
    for (let count = 0; count < 500; count += 1) {
      given += 1;
      most = Math.max(most, given - written());
      yield chunk;
    }
  };
  const written = () => {
    const [partial] = readdirSync(join(to, '..')).filter((name) => name.endsWith('.partial'));
    const size =
      partial === undefined ? 0 : (statSync(join(to, '..', partial), { throwIfNoEntry: false })?.size ?? 0);
    return Math.floor(Math.max(0, size - 4096) / 2234);
  };
  await encryptStreamToFile(source(), to, { key, ...SIZES, concurrency: 3 });
  t.is(given, 500);
  // Three segments in memory, one on its way to the disk, and the chunks at either end.
  t.true(most <= 10, String(most));
});

test('a process that exits leaves no file', (t) => {
  const directory = temporaryDirectory(t);
  const program = `
    import { readdirSync } from 'node:fs';
    import { encryptStreamToFile, SecretKey } from 'sealstream';
    const source = async function* () {
      yield Buffer.alloc(100_000);
      if (readdirSync(${JSON.stringify(directory)}).length !== 1) process.exit(1);
      process.exit(7);
    };
    encryptStreamToFile(source(), ${JSON.stringify(join(directory, 'to'))}, { key: SecretKey.generate() });
  `;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: join(import.meta.dirname, '..', '..', '..'),
    encoding: 'utf8',
  });
  t.is(status, 7, stderr);
  t.deepEqual(readdirSync(directory), []);
});
