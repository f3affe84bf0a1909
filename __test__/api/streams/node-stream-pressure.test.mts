// How each side of Node's streams waits for the other.

import { pipeline as pipes } from 'node:stream/promises';

import test from 'ava';
import { createDecryptStream, createEncryptStream, encryptSync } from 'sealstream';

import { all, heard, inChunks, over, quiet } from '../support/conversions.mjs';
import { both } from '../support/node-directions.mjs';
import { headerSize, key, plaintext, sealed, SIZES } from '../support/small-segments.mjs';

// Before the others, which would use memory at the same time.
test.serial('100 MiB in one write are processed piece by piece', async (t) => {
  const size = 100 * 1024 * 1024;
  const large = Buffer.alloc(size, 'text');
  const stream = createEncryptStream({ key, concurrency: 2 });
  const before = process.memoryUsage().arrayBuffers;
  let isTaken = false;
  stream.end(large, () => (isTaken = true));
  await heard(stream, 'readable');
  await quiet();
  t.false(isTaken);
  // Two segments and what the marks allow; what else is there by now is not of this size.
  const taken = process.memoryUsage().arrayBuffers - before;
  t.true(taken < 10 * 1024 * 1024, `${taken}`);
  let [at, most] = [0, 0];
  await pipes(stream, createDecryptStream({ key, concurrency: 2 }), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      if (!chunk.equals(large.subarray(at, at + chunk.length))) t.fail(`other bytes at ${at}`);
      at += chunk.length;
      most = Math.max(most, chunk.length);
    }
  });
  t.is(at, size);
  t.true(isTaken);
  t.true(most <= 1024 * 1024, `${most}`);
});

both('input that fits finishes without a reader, and is read later', async (t, make, input) => {
  const stream = make();
  stream.end(input);
  await heard(stream, 'finish');
  t.false(stream.readableEnded);
  await quiet();
  t.false(stream.destroyed);
  t.true((await all(stream)).length > plaintext.length - 1);
});

both('what does not fit finishes when it is read', async (t, make, input) => {
  const stream = make({ concurrency: 2, readableHighWaterMark: 1 });
  let isFinished = false;
  stream.on('finish', () => (isFinished = true));
  stream.end(input);
  await quiet();
  t.false(isFinished);
  stream.resume();
  await heard(stream, 'end');
  t.true(isFinished);
});

both('reading goes on after the end of writing', async (t, make, input) => {
  const stream = make({ concurrency: 1, readableHighWaterMark: 1 });
  t.true(stream.allowHalfOpen);
  stream.end(input);
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is(Buffer.concat(chunks).length, input === sealed ? plaintext.length : sealed.length);
});

both(
  'without a reader, write takes a bounded number of bytes, in chunks of any size',
  async (t, make, input) => {
    const large = Buffer.concat(Array.from({ length: 20 }, () => plaintext));
    const stream = input === sealed ? await all(createEncryptStream({ key, ...SIZES }).end(large)) : large;
    for (const concurrency of [1, 2, 3]) {
      for (const size of [500, 2048, 10_000]) {
        const readable = make({ concurrency, readableHighWaterMark: 1, writableHighWaterMark: size });
        let taken = 0;
        for (const chunk of inChunks(stream, size)) {
          readable.write(chunk, (error) => (taken += error ? 0 : chunk.length));
        }
        for (let before = -1; before !== taken;) {
          before = taken;
          await quiet();
        }
        // A record is 178 bytes longer than its segment, and the header comes first.
        const most = concurrency * (2048 + 178) + headerSize + 32;
        t.true(taken <= most, `${taken} of ${most}`);
        t.true(taken >= concurrency * 2048 - size, `${taken}`);
        t.is(readable.writableNeedDrain, true);
        readable.destroy();
        await over(readable);
      }
    }
  },
);

both('write and drain keep to the mark', async (t, make, input) => {
  const stream = make({ writableHighWaterMark: 4096, concurrency: 2 });
  const output = all(stream);
  let drains = 0;
  stream.on('drain', () => (drains += 1));
  let refusals = 0;
  for (const chunk of inChunks(input, 1000)) {
    const isRoom = stream.write(chunk);
    t.is(isRoom, stream.writableLength < 4096);
    if (isRoom) continue;
    refusals += 1;
    t.true(stream.writableNeedDrain);
    await heard(stream, 'drain');
    t.is(stream.writableLength, 0);
    t.false(stream.writableNeedDrain);
  }
  stream.end();
  await output;
  t.true(refusals >= 2);
  t.is(drains, refusals);
});

both('the readable mark is kept to by whole pieces', async (t, make, input) => {
  for (const mark of [0, 1, 2048, 5000]) {
    const stream = make({ readableHighWaterMark: mark });
    stream.end(input);
    await heard(stream, 'readable');
    await quiet();
    // What comes out is a segment or less at a time, and the one that crosses the mark is the last.
    t.true(stream.readableLength < mark + 2048 + 178, `${stream.readableLength} at ${mark}`);
    t.is((await all(stream)).length, input === sealed ? plaintext.length : sealed.length);
  }
});

both('one segment in memory is enough, whichever end is slower', async (t, make, input) => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (const marks of [{}, { highWaterMark: 0 }, { highWaterMark: 1 }, { highWaterMark: 1_000_000 }]) {
    for (const [slowWriter, slowReader] of [
      [false, true],
      [true, false],
      [true, true],
    ]) {
      const stream = make({ concurrency: 1, ...marks });
      async function* chunks() {
        for (const chunk of inChunks(input, 1300)) {
          if (slowWriter) await turn();
          yield chunk;
        }
      }
      let size = 0;
      await pipes(chunks, stream, async (source: AsyncIterable<Buffer>) => {
        for await (const { length } of source) {
          size += length;
          if (slowReader) await turn();
        }
      });
      t.is(size, input === sealed ? plaintext.length : sealed.length);
    }
  }
});

test('many small segments do not block the event loop, with any concurrency', async (t) => {
  const small = encryptSync(Buffer.alloc(16 * 2 ** 20), { key, frameSize: 1024, segmentSize: 1024 });
  let turns = 0;
  const ticking = setInterval(() => (turns += 1), 1);
  const stream = createDecryptStream({ key, concurrency: 1024 });
  stream.end(small);
  for await (const _ of stream);
  clearInterval(ticking);
  t.true(turns > 5, `${turns} turns`);
});
