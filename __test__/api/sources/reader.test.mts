import { writeFileSync } from 'node:fs';
import { open as openFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

import test, { type ExecutionContext } from 'ava';
import {
  decryptSegments,
  encryptSync,
  generateKey,
  open,
  type RandomAccessInput,
  type RandomAccessSource,
  type SealedReader,
  verify,
} from 'sealstream';

import { withFlippedByte } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import {
  headerSize,
  key,
  plaintext,
  RECORD,
  sealed,
  SEGMENTS,
  SIZES,
  withDamage,
} from '../support/small-segments.mjs';

/** A source of the caller's own, which notes what is asked of it. */
class Noting implements RandomAccessSource {
  readonly reads: { readonly offset: number; readonly length: number; readonly signal: AbortSignal }[] = [];
  closed = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly answer: (bytes: Uint8Array, reads: number) => unknown = (bytes) => bytes,
  ) {}

  get size(): number {
    return this.bytes.length;
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    this.reads.push({ offset, length, signal });
    const bytes = Uint8Array.from(this.bytes.subarray(offset, offset + length));
    return (await this.answer(bytes, this.reads.length)) as Uint8Array;
  }

  close(): void {
    this.closed += 1;
  }
}

/** The same stream from every kind of source. */
async function sources(
  t: ExecutionContext,
  bytes: Buffer = sealed,
): Promise<Record<string, RandomAccessInput>> {
  const path = join(temporaryDirectory(t), 'sealed');
  writeFileSync(path, bytes);
  const handle = await openFile(path);
  t.teardown(() => handle.close());
  return {
    path,
    url: pathToFileURL(path),
    bytes,
    'shared bytes': shared(bytes),
    'file handle': handle,
    blob: new Blob([bytes]),
    'own source': new Noting(bytes),
    'own source that has to find its size': {
      size: () => Promise.resolve(bytes.length),
      read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    } satisfies RandomAccessSource,
  };
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

async function opened(t: ExecutionContext, source: RandomAccessInput = sealed, cacheSize?: number) {
  const reader = await open(source, { key, cacheSize });
  t.teardown(() => reader.close());
  return reader;
}

const [FRAME, SEGMENT, SIZE] = [SIZES.frameSize, SIZES.segmentSize, plaintext.length];
const PLACES = [
  0,
  1,
  FRAME - 1,
  FRAME,
  SEGMENT - 1,
  SEGMENT,
  SEGMENT + 1,
  3 * SEGMENT,
  SIZE - 1,
  SIZE,
  SIZE + 5,
];

for (const cacheSize of [undefined, 0, 3000]) {
  test(`every source gives every range, with a cache of ${cacheSize ?? 'the default size'}`, async (t) => {
    for (const [name, source] of Object.entries(await sources(t))) {
      const reader = await open(source, { key, cacheSize });
      t.is(reader.size, SIZE);
      t.is(reader.streamId, sealed.subarray(32, 64).toString('hex'));
      const reads = PLACES.flatMap((offset) =>
        [0, 1, FRAME, 2 * SEGMENT + 1, SIZE * 2].map(async (length) => {
          const due = plaintext.subarray(offset, offset + length);
          t.deepEqual(await reader.read(offset, length), due, `${name}: ${offset}, ${length}`);
          const into = Buffer.alloc(length, 0xee);
          t.is(await reader.readInto(into, offset), due.length);
          t.deepEqual(into, Buffer.concat([due, Buffer.alloc(length - due.length, 0xee)]));
        }),
      );
      await Promise.all(reads);
      await reader.close();
    }
  });
}

test('an empty stream is read to its end', async (t) => {
  const empty = await opened(t, encryptSync(new Uint8Array(), { key }));
  t.is(empty.size, 0);
  t.deepEqual(await empty.read(0, 10), Buffer.alloc(0));
  t.deepEqual(await buffer(empty.createReadStream()), Buffer.alloc(0));
  t.deepEqual(await bytesOf(empty.stream()), Buffer.alloc(0));
  t.is((await gather(empty.segments())).length, 1);
  t.is(
    (await gather(decryptSegments(new Blob([encryptSync(new Uint8Array(), { key })]), { key }))).length,
    1,
  );
});

test('long reads, of many pieces, from every source', async (t) => {
  const long = Buffer.alloc(5 * 2 ** 20 + 77, 'several pieces of it ');
  const stream = encryptSync(long, { key, frameSize: 4096, segmentSize: 3 * 4096 });
  for (const source of Object.values(await sources(t, stream))) {
    const reader = await open(source, { key });
    t.true((await reader.read(1000, long.length)).equals(long.subarray(1000)));
    t.true((await buffer(reader.createReadStream({ start: 5 }))).equals(long.subarray(5)));
    t.true((await bytesOf(reader.stream({ start: 5 }))).equals(long.subarray(5)));
    await reader.close();
  }
  const bad = await opened(t, withFlippedByte(stream, stream.length / 2));
  const into = Buffer.alloc(long.length, 0xee);
  t.is((await failureOf(t, () => bad.readInto(into, 0))).kind, 'Segment');
  t.true(into.every((byte) => byte === 0xee));
});

test('a stream is refused before a byte where it is cut, longer, damaged at its end, or for another key', async (t) => {
  const refusals: [Buffer, RegExp][] = [
    [sealed.subarray(0, sealed.length - 1), /^Truncated$/],
    [sealed.subarray(0, headerSize + 2 * RECORD), /^Truncated$/],
    [sealed.subarray(0, 50), /^Truncated$/],
    [sealed.subarray(0, 0), /^Truncated$/],
    [Buffer.concat([sealed, Buffer.alloc(1)]), /^TrailingData$/],
    [withFlippedByte(sealed, sealed.length - 1), /^EndDamaged$/],
    [withFlippedByte(sealed, sealed.length - 100), /^EndDamaged$/],
    [withFlippedByte(sealed, 0), /^HeaderError$/],
  ];
  for (const [stream, kind] of refusals) {
    for (const [name, source] of Object.entries(await sources(t, stream))) {
      t.regex((await failureOf(t, () => open(source, { key }))).kind, kind, name);
    }
  }
  for (const source of Object.values(await sources(t))) {
    t.is((await failureOf(t, () => open(source, { key: generateKey() }))).kind, 'NoMatchingKey');
  }
  t.is((await failureOf(t, () => open('/nowhere/at/all', { key }))).kind, 'Io');
});

test('damage fails the reads that it concerns, with its place, and no others', async (t) => {
  for (const source of Object.values(await sources(t, withDamage(2)))) {
    const reader = await open(source, { key });
    t.deepEqual(await reader.read(0, 2 * SEGMENT), plaintext.subarray(0, 2 * SEGMENT));
    const failure = await failureOf(t, () => reader.read(0, SIZE));
    t.like(failure, {
      kind: 'Segment',
      error: {
        kind: 'FrameDecryptionFailed',
        segment: 2,
        frame: 0,
        offset: headerSize + 2 * RECORD + 32 + 74,
      },
    });
    const into = Buffer.alloc(SEGMENT, 0xee);
    await failureOf(t, () => reader.readInto(into, 2 * SEGMENT));
    t.true(into.every((byte) => byte === 0xee));
    t.deepEqual(await reader.read(3 * SEGMENT, SIZE), plaintext.subarray(3 * SEGMENT));
    const results = await gather(reader.segments());
    t.deepEqual(
      results.filter((result) => !result.ok).map((result) => result.index),
      [2],
    );
    await reader.close();
  }
  t.false((await verify(withDamage(2), { key })).sound);
});

test('a source is asked for what a read takes and for nothing else', async (t) => {
  const source = new Noting(sealed);
  const reader = await opened(t, source);
  source.reads.length = 0;
  for (const [start, end] of [
    [0, 1],
    [SEGMENT - 1, SEGMENT + 1],
    [FRAME, SIZE],
  ] as const) {
    const fresh = await opened(t, source, 0);
    source.reads.length = 0;
    await fresh.read(start, end - start);
    const stretch = fresh.ciphertextRange({ start, end });
    t.is(source.reads.length, 1);
    t.is(source.reads[0]?.offset, stretch.start);
    t.is(source.reads[0]?.length, stretch.end - stretch.start);
  }
  t.deepEqual(reader.ciphertextRange({ start: 0, end: 1 }), {
    start: headerSize,
    end: headerSize + 32 + 74 + FRAME + 32,
  });
  t.deepEqual(
    reader.ciphertextRange({ start: SIZE, end: SIZE + 9 }).end,
    reader.ciphertextRange({ start: SIZE, end: SIZE }).start,
  );
  // What was opened is not asked for again.
  await reader.read(0, SIZE);
  source.reads.length = 0;
  t.deepEqual(await reader.read(10, SIZE), plaintext.subarray(10));
  t.deepEqual(source.reads, []);
});

test('what a source throws, and what is wrong with its answers, is what the read rejects with', async (t) => {
  const thrown = new Error('the source is not there today');
  const answers: [(bytes: Uint8Array) => unknown, { is?: unknown; message?: RegExp; name?: string }][] = [
    [
      () => {
        throw thrown;
      },
      { is: thrown },
    ],
    [(bytes) => bytes.subarray(1), { message: /must have \d+ bytes, not \d+/, name: 'RangeError' }],
    [(bytes) => Buffer.concat([bytes, bytes]), { message: /must have \d+ bytes/, name: 'RangeError' }],
    [(bytes) => [...bytes], { message: /must be a Uint8Array/, name: 'TypeError' }],
    [() => undefined, { message: /must be a Uint8Array, not undefined/, name: 'TypeError' }],
  ];
  for (const [answer, due] of answers) {
    let isBad = false;
    const source = new Noting(sealed, (bytes) => (isBad ? answer(bytes) : bytes));
    const reader = await open(source, { key, cacheSize: 0 });
    isBad = true;
    const seen: unknown[] = [
      await errorOf(() => reader.read(0, 1)),
      await errorOf(() => buffer(reader.createReadStream())),
      await errorOf(() => bytesOf(reader.stream())),
      await errorOf(() => gather(reader.segments())),
      await errorOf(() => open(source, { key })),
      await errorOf(() => gather(decryptSegments(source, { key }))),
    ];
    for (const error of seen) {
      if (!(error instanceof Error)) throw new Error(`not an error: ${String(error)}`);
      if (due.is !== undefined) t.true(error === due.is);
      if (due.name !== undefined) t.is(error.name, due.name);
      if (due.message !== undefined) t.regex(error.message, due.message);
    }
    isBad = false;
    t.deepEqual(await reader.read(0, SIZE), plaintext);
    await reader.close();
    // Opening that failed, decryptSegments, and the reader.
    t.is(source.closed, 3);
  }
});

test('a source that is not one, and wrong sizes, are told at once', async (t) => {
  for (const source of [
    5,
    undefined,
    null,
    {},
    { size: 5 },
    { size: '5', read: () => undefined },
    [] as unknown,
  ]) {
    t.true((await errorOf(() => open(source as never, { key }))) instanceof TypeError, String(source));
  }
  const read = () => Promise.resolve(new Uint8Array());
  for (const size of [-1, 1.5, NaN, 2 ** 53]) {
    t.true((await errorOf(() => open({ size, read }, { key }))) instanceof RangeError);
    t.true(
      (await errorOf(() => open({ size: () => Promise.resolve(size), read }, { key }))) instanceof RangeError,
    );
  }
  t.true((await errorOf(() => open({ size: 5, read, close: 5 } as never, { key }))) instanceof TypeError);
});

test('arguments are checked', async (t) => {
  const reader = await opened(t);
  for (const [offset, length] of [
    ['0', 1],
    [0, '1'],
    [0n, 1],
    [undefined, 1],
  ] as never[][]) {
    t.true((await errorOf(() => reader.read(offset!, length!))) instanceof TypeError);
  }
  for (const [offset, length] of [
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [0, NaN],
    [2 ** 60, 1],
    [0, Infinity],
  ] as const) {
    t.true((await errorOf(() => reader.read(offset, length))) instanceof RangeError);
  }
  t.true((await errorOf(() => reader.readInto('x' as never, 0))) instanceof TypeError);
  t.true((await errorOf(() => reader.read(0, 1, { signal: 5 } as never))) instanceof TypeError);
  t.true((await errorOf(() => reader.read(0, 1, { sgnal: 5 } as never))) instanceof TypeError);
  t.throws(() => reader.createReadStream({ start: -1 }), { instanceOf: RangeError });
  t.throws(() => reader.createReadStream({ start: 5, end: 4 }), { instanceOf: RangeError });
  t.throws(() => reader.createReadStream({ stop: 5 } as never), { instanceOf: TypeError });
  t.throws(() => reader.stream({ start: 5, end: 4 }), { instanceOf: RangeError });
  t.throws(() => reader.ciphertextRange({ start: 5, end: 4 }), { instanceOf: RangeError });
  t.throws(() => reader.segments({ threads: -1 }), { instanceOf: RangeError });
  for (const cacheSize of [-1, 1.5, NaN]) {
    t.true((await errorOf(() => open(sealed, { key, cacheSize }))) instanceof RangeError);
  }
  t.true((await errorOf(() => open(sealed, { key, cachSize: 5 } as never))) instanceof TypeError);
});

test('the end is the last byte of a Node stream, and behind the last of a web stream', async (t) => {
  const reader = await opened(t);
  for (const [start, end] of [
    [0, 0],
    [0, SIZE - 1],
    [5, FRAME],
    [SEGMENT - 1, SEGMENT],
    [SEGMENT, 5 * SEGMENT],
    [SIZE - 1, SIZE + 100],
    [SIZE + 5, SIZE + 9],
    [3, Infinity],
  ] as const) {
    t.deepEqual(await buffer(reader.createReadStream({ start, end })), plaintext.subarray(start, end + 1));
    if (end === Infinity) continue;
    t.deepEqual(await bytesOf(reader.stream({ start, end })), plaintext.subarray(start, end));
  }
  t.deepEqual(await buffer(reader.createReadStream({ start: 9 })), plaintext.subarray(9));
  t.deepEqual(await bytesOf(reader.stream({ start: 9 })), plaintext.subarray(9));
  t.deepEqual(await bytesOf(reader.stream({ start: SIZE + 9 })), Buffer.alloc(0));
  t.is(reader.createReadStream({ highWaterMark: 5 }).readableHighWaterMark, 5);
});

test('a web stream fills the buffers of whoever brings some', async (t) => {
  const reader = await opened(t);
  const stream = reader.stream({ start: 0, end: 3000 }).getReader({ mode: 'byob' });
  const pieces: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await stream.read(new Uint8Array(700));
    if (value) pieces.push(value);
    if (done) break;
  }
  t.deepEqual(Buffer.concat(pieces), plaintext.subarray(0, 3000));
});

test('a stream reads a few pieces ahead, and stops when nobody wants more', async (t) => {
  const long = Buffer.alloc(12 * 2 ** 20, 1);
  const stream = encryptSync(long, { key });
  for (const end of ['node', 'web'] as const) {
    const source = new Noting(stream);
    const reader = await open(source, { key, cacheSize: 0 });
    source.reads.length = 0;
    if (end === 'node') {
      const readable = reader.createReadStream();
      readable.once('readable', () => undefined);
      await settled();
      // Four pieces, and those that were handed over.
      t.true(source.reads.length >= 4 && source.reads.length <= 6, String(source.reads.length));
      readable.destroy();
    } else {
      const readable = reader.stream().getReader();
      await readable.read();
      await settled();
      t.true(source.reads.length >= 4 && source.reads.length <= 6, String(source.reads.length));
      await readable.cancel();
    }
    const before = source.reads.length;
    await settled();
    t.is(source.reads.length, before);
    await reader.close();
  }
});

test('what is stopped early stops the source too', async (t) => {
  const source = new Noting(sealed, (bytes, reads) => (reads <= 2 ? bytes : new Promise(() => undefined)));
  const reader = await opened(t, source);
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = [
    reader.read(0, 10, { signal }),
    reader.readInto(Buffer.alloc(10), 0, { signal }),
    buffer(reader.createReadStream({ signal })),
    gather(reader.segments({ signal })),
  ];
  const results = Promise.allSettled(waiting);
  await settled();
  controller.abort();
  for (const result of await results) t.is(result.status === 'rejected' && result.reason, signal.reason);
  t.true(source.reads.slice(2).length >= 4);
  for (const read of source.reads.slice(2)) t.true(read.signal.aborted);
  const readable = reader.createReadStream();
  readable.read();
  await settled();
  readable.destroy();
  await settled();
  t.true(source.reads.at(-1)?.signal.aborted);
  t.is(await errorOf(() => reader.read(0, 10, { signal })), signal.reason);
  const late = new AbortController();
  const opening = open(new Noting(sealed, () => new Promise(() => undefined)), { key, signal: late.signal });
  late.abort();
  t.is(await errorOf(() => opening), late.signal.reason);
});

test('closing stops what is under way, waits for it, and lets go of the file', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'sealed');
  writeFileSync(path, sealed);
  const reader = await open(path, { key });
  const reads = Array.from({ length: 50 }, (_, index) => reader.read(index * 100, 3000));
  const outcomes = Promise.allSettled(reads);
  const closing = reader.close();
  t.is(reader.close(), closing);
  await closing;
  for (const [index, outcome] of (await outcomes).entries()) {
    if (outcome.status === 'fulfilled') {
      t.deepEqual(outcome.value, plaintext.subarray(index * 100, index * 100 + 3000));
    } else {
      t.like(outcome.reason, { code: 'ERR_INVALID_STATE', message: 'the reader was closed' });
    }
  }
  // On Windows an open file can't be moved.
  await rename(path, join(directory, 'moved'));
  const after = [
    () => reader.read(0, 1),
    () => reader.readInto(Buffer.alloc(1), 0),
    () => buffer(reader.createReadStream()),
    () => bytesOf(reader.stream()),
    () => gather(reader.segments()),
    () => reader.ciphertextRange({ start: 0, end: 1 }),
  ];
  for (const call of after) t.like(await errorOf(call), { code: 'ERR_INVALID_STATE' });
});

test('closing stops a source that does not answer, and closes it once', async (t) => {
  const source = new Noting(sealed, (bytes, reads) => (reads <= 2 ? bytes : new Promise(() => undefined)));
  const reader = await open(source, { key });
  const segments = reader.segments();
  const waiting = Promise.allSettled([
    reader.read(0, 10),
    buffer(reader.createReadStream()),
    bytesOf(reader.stream()),
    segments.next(),
  ]);
  await settled();
  await reader[Symbol.asyncDispose]();
  for (const result of await waiting) {
    t.like(result.status === 'rejected' && result.reason, { code: 'ERR_INVALID_STATE' });
  }
  await reader.close();
  t.is(source.closed, 1);
});

test('a file handle stays open, and where it is', async (t) => {
  const { 'file handle': handle } = await sources(t);
  const file = handle as Awaited<ReturnType<typeof openFile>>;
  const reader = await open(file, { key });
  t.deepEqual(await reader.read(0, SIZE), plaintext);
  await reader.close();
  t.is((await file.stat()).isFile(), true);
  const { bytesRead } = await file.read(Buffer.alloc(8), 0, 8, null);
  t.is(bytesRead, 8);
});

test('a file that became shorter is told', async (t) => {
  const path = join(temporaryDirectory(t), 'sealed');
  writeFileSync(path, sealed);
  const handle = await openFile(path, 'r+');
  t.teardown(() => handle.close());
  const [byPath, byHandle] = [await opened(t, path, 0), await opened(t, handle, 0)];
  await handle.truncate(headerSize + 100);
  t.like(await failureOf(t, () => byPath.read(0, 1)), {
    kind: 'Truncated',
    nextSegment: 0,
    offset: headerSize + 100,
  });
  t.like(await failureOf(t, () => byHandle.read(0, 1)), { kind: 'SourceChanged', relation: 'Shorter' });
});

test('segments of an open reader are those of the stream, while it is read', async (t) => {
  for (const source of Object.values(await sources(t))) {
    const reader = await open(source, { key });
    const [first, second] = await Promise.all([
      gather(reader.segments({ threads: 2 })),
      gather(decryptSegments(source, { key })),
    ]);
    t.is(first.length, SEGMENTS);
    t.deepEqual(first, second);
    t.deepEqual(Buffer.concat(first.map((result) => (result.ok ? result.data : Buffer.alloc(0)))), plaintext);
    t.deepEqual(await reader.read(5, 5), plaintext.subarray(5, 10));
    await reader.close();
  }
});

test('every source gives the segments of a damaged stream', async (t) => {
  const cut = withDamage(1).subarray(0, headerSize + 4 * RECORD + 10);
  for (const [name, source] of Object.entries(await sources(t, cut))) {
    const kinds: string[] = [];
    const failure = await failureOf(t, async () => {
      for await (const result of decryptSegments(source, { key }))
        kinds.push(result.ok ? 'ok' : result.failure.kind);
    });
    t.is(failure.kind, 'Truncated', name);
    t.deepEqual(kinds, ['ok', 'Segment', 'ok', 'ok', 'Truncated', 'Truncated'], name);
  }
});

async function gather<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of from) all.push(each);
  return all;
}

async function bytesOf(stream: ReturnType<SealedReader['stream']>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Long enough for whatever was begun to have asked its source. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

test('a stream with an open end may begin at the end, or behind it', async (t) => {
  for (const [bytes, start] of [
    [plaintext, plaintext.length],
    [plaintext, plaintext.length + 5],
    [Buffer.alloc(0), 0],
  ] as const) {
    const reader = await open(encryptSync(bytes, { key }), { key });
    for (const end of [undefined, Infinity])
      t.is((await buffer(reader.createReadStream({ start, end }))).length, 0);
    await reader.close();
  }
});

test('who is told that a read is stopped may close the reader too', async (t) => {
  let calls = 0;
  const source: RandomAccessSource = {
    size: sealed.length,
    read: (offset, length, signal) => {
      if (offset === 0 || offset + length === sealed.length) {
        return Promise.resolve(Uint8Array.from(sealed.subarray(offset, offset + length)));
      }
      signal.addEventListener('abort', () => {
        calls += 1;
        void reader.close();
        void errorOf(() => reader.read(0, 10)).then((error) => {
          t.like(error, { code: 'ERR_INVALID_STATE' });
        });
      });
      return new Promise(() => undefined);
    },
  };
  const reader: SealedReader = await open(source, { key });
  const read = errorOf(() => reader.read(5000, 10));
  await reader.close();
  t.like(await read, { code: 'ERR_INVALID_STATE' });
  t.true(calls > 0);
});

test('why a source could not be opened is told, whatever becomes of closing it', async (t) => {
  const cause = new Error('of the read');
  const source: RandomAccessSource = {
    size: 1000,
    read: () => Promise.reject(cause),
    close() {
      throw new Error('of the close');
    },
  };
  t.is(await errorOf(() => open(source, { key })), cause);
});
