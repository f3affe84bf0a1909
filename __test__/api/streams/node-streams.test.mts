// What goes through Node's streams, in every way that Node has for it.

import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import stream, { Duplex, finished, PassThrough, pipeline, Readable, Transform } from 'node:stream';
import { finished as finishes, pipeline as pipes } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';

import test from 'ava';
import fc from 'fast-check';
import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptFile,
  encrypt,
  encryptFile,
  encryptSync,
  sealedSize,
  SecretKey,
} from 'sealstream';

import { sealstream } from '../../cli/command.mjs';
import { pattern } from '../support/bytes.mjs';
import { all, CHOICES, EDGES, heard, inChunks, over } from '../support/conversions.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { openStream } from '../support/independent-opener.mjs';
import { open, seal } from '../support/node-directions.mjs';
import { outcomeOf } from '../support/report-outcome.mjs';
import { key, plaintext, sealed, SEGMENTS, SIZES } from '../support/small-segments.mjs';

for (const [number, choice] of CHOICES.entries()) {
  test(`each way of sealing matches each way of opening, options ${number}`, async (t) => {
    for (const size of EDGES) {
      const bytes = pattern(size);
      const stream = await seal(bytes, choice.seal);
      t.is(stream.length, sealedSize(size, { ...SIZES, ...choice.seal }), `${size}`);
      t.deepEqual(await decrypt(stream, { key, ...choice.open }), bytes, `${size}`);
      t.deepEqual(await open(stream, choice.open), bytes, `${size}`);
      const other = await encrypt(bytes, { key, ...SIZES, ...choice.seal });
      t.deepEqual(await open(other, choice.open), bytes, `${size}`);
    }
  });
}

test('the default sizes, and large frames and small', async (t) => {
  const bytes = pattern(3_500_000);
  for (const sizes of [
    { frameSize: 65_536, segmentSize: 1_048_576 },
    { frameSize: 1024, segmentSize: 1024 },
    { frameSize: 3000, segmentSize: 9000 },
    { frameSize: 32_768, segmentSize: 32_768 },
    { frameSize: 1_048_576, segmentSize: 2_097_152 },
  ]) {
    const stream = await seal(bytes, sizes);
    t.true((await decrypt(stream, { key })).equals(bytes));
    t.true((await open(stream)).equals(bytes));
  }
});

test('a sealed stream follows the format', async (t) => {
  const userKey = SecretKey.generate();
  const stream = await seal(plaintext, { key: userKey, context: 'here', keyId: 'mine', digest: 'sha256' });
  const opened = openStream(stream, Buffer.from(userKey.exportBytes()), Buffer.from('here'));
  t.deepEqual(opened.plaintext, plaintext);
  t.like(opened, { keyId: 'mine', segments: SEGMENTS });
});

test('chunks of all sizes make no difference', async (t) => {
  const choices = fc.record({
    size: fc.integer({ min: 0, max: 9000 }),
    parts: fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 12 }),
    concurrency: fc.integer({ min: 1, max: 4 }),
    highWaterMark: fc.integer({ min: 0, max: 5000 }),
  });
  const cut = (bytes: Buffer, parts: number[]) => {
    const chunks: Buffer[] = [];
    let at = 0;
    for (const part of parts) chunks.push(bytes.subarray(at, (at += part)));
    return [...chunks, bytes.subarray(at)];
  };
  await fc.assert(
    fc.asyncProperty(choices, async ({ size, parts, ...how }) => {
      const bytes = pattern(size);
      const sealing = Readable.from(cut(bytes, parts)).pipe(createEncryptStream({ key, ...SIZES, ...how }));
      const stream = await all(sealing);
      const opening = Readable.from(cut(stream, parts)).pipe(createDecryptStream({ key, ...how }));
      t.true((await all(opening)).equals(bytes));
      t.true((await decrypt(stream, { key })).equals(bytes));
    }),
    { numRuns: 60 },
  );
});

test('bytes that arrive one at a time', async (t) => {
  const sealing = createEncryptStream({ key, ...SIZES });
  const sealedSlowly = pipes(Readable.from(inChunks(plaintext.subarray(0, 5000), 1)), sealing, all);
  const stream = await sealedSlowly;
  const opening = createDecryptStream({ key });
  t.deepEqual(await pipes(Readable.from(inChunks(stream, 1)), opening, all), plaintext.subarray(0, 5000));
});

test('files and the command', async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  const bytes = pattern(2_500_000);
  writeFileSync(at('plain'), bytes);
  await key.toFile(at('my.key'));

  await pipes(createReadStream(at('plain')), createEncryptStream({ key }), createWriteStream(at('sealed')));
  await decryptFile(at('sealed'), at('opened'), { key, flush: false });
  t.true(readFileSync(at('opened')).equals(bytes));
  const { code, stderr } = await sealstream(['decrypt', '-k', 'my.key', 'sealed', '-o', 'by command'], {
    cwd: directory,
  });
  t.is(code, 0, stderr);
  t.true(readFileSync(at('by command')).equals(bytes));

  await encryptFile(at('plain'), at('file.seal'), { key, flush: false });
  await pipes(
    createReadStream(at('file.seal')),
    createDecryptStream({ key }),
    createWriteStream(at('again')),
  );
  t.true(readFileSync(at('again')).equals(bytes));
});

test('several keys, of which one opens', async (t) => {
  const keys = [SecretKey.generate(), SecretKey.generate().exportBytes(), key, SecretKey.generate()];
  const stream = createDecryptStream({ key: keys });
  stream.end(sealed);
  t.deepEqual(await all(stream), plaintext);
});

test('pipeline, with callback or promise, with generators in it', async (t) => {
  async function* doubled(source: AsyncIterable<Buffer>) {
    for await (const chunk of source) yield Buffer.concat([chunk, chunk]);
  }
  const expected = Buffer.concat([plaintext, plaintext]);
  const through = () => [createEncryptStream({ key, ...SIZES }), createDecryptStream({ key })] as const;
  t.deepEqual(await pipes(Readable.from([plaintext]), doubled, ...through(), all), expected);
  const sink = new PassThrough({ highWaterMark: 100_000 });
  await promisify(pipeline)(Readable.from([plaintext]), doubled, ...through(), sink);
  t.deepEqual(sink.read(), expected);
});

test('pipe, compose, Duplex.from, toWeb, and helpers of iterators', async (t) => {
  const through = () => [createEncryptStream({ key, ...SIZES }), createDecryptStream({ key })] as const;
  const source = () => Readable.from([plaintext.subarray(0, 5000), plaintext.subarray(5000)]);

  // Older declarations lack it.
  const { compose } = stream as unknown as { compose: (...streams: Duplex[]) => Duplex };
  const [sealing, opening] = through();
  t.deepEqual(await all(source().pipe(sealing).pipe(opening)), plaintext);
  t.deepEqual(await all(source().pipe(compose(...through()))), plaintext);
  const composed = through().reduce<Readable>((from, to) => from.compose<Duplex>(to), source());
  t.deepEqual(await all(composed), plaintext);
  t.deepEqual(
    await all(
      source()
        .pipe(Duplex.from(createEncryptStream({ key })))
        .pipe(through()[1]),
    ),
    plaintext,
  );
  const { readable, writable } = createEncryptStream({ key, ...SIZES });
  t.true(readable && writable);

  const web = through().map((duplex) => Duplex.toWeb(duplex));
  const chunks = web.reduce<ReadableStream>(
    (from, { readable, writable }) => from.pipeThrough({ readable, writable }),
    Readable.toWeb(source()),
  );
  t.deepEqual(await all(chunks), plaintext);

  const [mapped, back] = through();
  source().pipe(mapped);
  const sizes = await mapped.map((chunk: Buffer) => (back.write(chunk), chunk.length)).toArray();
  back.end();
  t.is(
    sizes.reduce((sum: number, size: number) => sum + size, 0),
    sealed.length,
  );
  t.deepEqual(await all(back), plaintext);
});

test('a reader by hand: readable and read, paused and resumed, unshift', async (t) => {
  const stream = createDecryptStream({ key });
  stream.end(sealed);
  const parts: Buffer[] = [];
  stream.on('readable', () => {
    for (let part: unknown; (part = stream.read(700)) !== null;) parts.push(part as Buffer);
  });
  await heard(stream, 'end');
  t.deepEqual(Buffer.concat(parts), plaintext);
  t.true(parts.slice(0, -1).every(({ length }) => length === 700));

  const flowing = createDecryptStream({ key });
  flowing.end(sealed);
  const seen: Buffer[] = [];
  flowing.on('data', (chunk: Buffer) => {
    seen.push(chunk);
    flowing.pause();
    setImmediate(() => flowing.resume());
  });
  await heard(flowing, 'end');
  t.deepEqual(Buffer.concat(seen), plaintext);

  const put = createDecryptStream({ key });
  put.end(sealed);
  await heard(put, 'readable');
  const first = put.read(10) as Buffer;
  put.unshift(first);
  t.deepEqual(await all(put), plaintext);
});

test('an encoding on the readable side', async (t) => {
  const text = 'Zürich – 東京 – 🙂'.repeat(400);
  const stream = createDecryptStream({ key });
  stream.setEncoding('utf8');
  stream.end(encryptSync(Buffer.from(text), { key, ...SIZES }));
  let read = '';
  for await (const part of stream as AsyncIterable<string>) read += part;
  t.is(read, text);
});

test('the report comes with the end', async (t) => {
  const sealing = createEncryptStream({ key, ...SIZES, concurrency: 1 });
  const opening = createDecryptStream({ key });
  const done = finishes(opening);
  const [sealingReport, openingReport] = [outcomeOf(sealing.report), outcomeOf(opening.report)];
  sealing.end(plaintext);
  await heard(sealing, 'readable');
  t.is(sealingReport.state, 'pending');
  const output = await pipes(
    sealing,
    new Transform({
      transform(chunk, _, next) {
        t.is(openingReport.state, 'pending');
        next(null, chunk as Buffer);
      },
    }),
    opening,
    all,
  );
  await done;
  const sizes = {
    plaintextSize: plaintext.length,
    sealedSize: sealed.length,
    stats: { segments: SEGMENTS, frames: 13 },
  };
  t.like(await sealing.report, sizes);
  t.is((await sealing.report).stats.threads, 1);
  t.like(await opening.report, { ...sizes, openedBy: { slotIndex: 0, type: 'key' }, warnings: [] });
  t.is((await opening.report).streamId, (await sealing.report).streamId);
  t.is(output.length, plaintext.length);
});

test('many streams at once', async (t) => {
  const outputs = await Promise.all(
    Array.from({ length: 150 }, (_, index) =>
      pipes(
        [plaintext, pattern(index)],
        createEncryptStream({ key, ...SIZES, concurrency: 1 + (index % 3) }),
        createDecryptStream({ key, concurrency: 1 + (index % 2) }),
        all,
      ),
    ),
  );
  outputs.forEach((output, index) => {
    t.true(output.equals(Buffer.concat([plaintext, pattern(index)])));
  });
});

test('finished reports the end once', async (t) => {
  const calls: unknown[] = [];
  const stream = createEncryptStream({ key });
  finished(stream, (error) => calls.push(error));
  stream.end(plaintext);
  stream.resume();
  await finishes(stream);
  await over(stream);
  t.deepEqual(calls, [undefined]);
});
