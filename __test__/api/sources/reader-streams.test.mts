import { buffer } from 'node:stream/consumers';

import test from 'ava';
import { encryptSync, openReader } from 'sealstream';

import { errorOf } from '../support/errors.mjs';
import { key, plaintext, sealed } from '../support/small-segments.mjs';

import { bytesOf, FRAME, gather, opened, RecordingSource, SEGMENT, settled, SIZE } from './random-access.mjs';

test('`end` is the last byte of a Node stream, and the byte after it of a web stream', async (t) => {
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
    const range = end === Infinity ? { offset: start } : { offset: start, length: end - start };
    t.deepEqual(await bytesOf(reader.stream(range)), plaintext.subarray(start, end));
  }
  t.deepEqual(await buffer(reader.createReadStream({ start: 9 })), plaintext.subarray(9));
  t.deepEqual(await bytesOf(reader.stream({ offset: 9 })), plaintext.subarray(9));
  t.deepEqual(await bytesOf(reader.stream({ offset: SIZE + 9 })), Buffer.alloc(0));
  t.is(reader.createReadStream({ highWaterMark: 5 }).readableHighWaterMark, 5);
  const inherited = Object.create({ start: 5, end: 9 }) as { start: number; end: number };
  t.deepEqual(await buffer(reader.createReadStream(inherited)), plaintext, 'only own properties are options');
});

test('a web stream fills the buffers that a reader brings', async (t) => {
  const reader = await opened(t);
  const stream = reader.stream({ offset: 0, length: 3000 }).getReader({ mode: 'byob' });
  const pieces: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await stream.read(new Uint8Array(700));
    if (value) pieces.push(value);
    if (done) break;
  }
  t.deepEqual(Buffer.concat(pieces), plaintext.subarray(0, 3000));
});

test('a stream reads a few pieces ahead, and stops when it is destroyed', async (t) => {
  const long = Buffer.alloc(12 * 2 ** 20, 1);
  const stream = encryptSync(long, { key });
  for (const end of ['node', 'web'] as const) {
    const source = new RecordingSource(stream);
    const reader = await openReader(source, { key, cacheSize: 0 });
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

test('a stream that is destroyed early cancels its source', async (t) => {
  const source = new RecordingSource(sealed, (bytes, reads) =>
    reads <= 2 ? bytes : new Promise(() => undefined),
  );
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
  const opening = openReader(new RecordingSource(sealed, () => new Promise(() => undefined)), {
    key,
    signal: late.signal,
  });
  late.abort();
  t.is(await errorOf(() => opening), late.signal.reason);
});

test("a stream without an end may start at the plaintext's end, or after it", async (t) => {
  for (const [bytes, start] of [
    [plaintext, plaintext.length],
    [plaintext, plaintext.length + 5],
    [Buffer.alloc(0), 0],
  ] as const) {
    const reader = await openReader(encryptSync(bytes, { key }), { key });
    for (const end of [undefined, Infinity])
      t.is((await buffer(reader.createReadStream({ start, end }))).length, 0);
    await reader.close();
  }
});
