// What Node's streams are given: memory of every kind, keys, options, and what they refuse.

import { type Duplex, Readable } from 'node:stream';
import { pipeline as pipes } from 'node:stream/promises';

import test from 'ava';
import { createDecryptStream, createEncryptStream, decrypt, SecretKey } from 'sealstream';

import { all, calledBack, endings, heard, inEveryMemory, over } from '../support/conversions.mjs';
import { open, seal } from '../support/node-directions.mjs';
import { key, plaintext, sealed, SIZES } from '../support/small-segments.mjs';

test('every kind of memory is accepted, and is neither changed nor detached', async (t) => {
  for (const [name, bytes] of Object.entries(inEveryMemory(plaintext))) {
    const stream = await seal(bytes);
    t.deepEqual(Buffer.from(bytes), plaintext, name);
    t.deepEqual(await decrypt(stream, { key }), plaintext, name);
  }
  for (const [name, bytes] of Object.entries(inEveryMemory(sealed))) {
    t.deepEqual(await open(bytes), plaintext, name);
    t.deepEqual(Buffer.from(bytes), sealed, name);
  }
});

test('memory may be used again when its write calls back', async (t) => {
  const stream = createEncryptStream({ key, ...SIZES, concurrency: 1 });
  const output = all(stream);
  const chunk = new Uint8Array(900);
  for (let round = 0; round < 20; round += 1) {
    chunk.fill(round);
    t.is(await calledBack((done) => stream.write(chunk, done)), undefined);
  }
  stream.end();
  const expected = Buffer.concat(Array.from({ length: 20 }, (_, round) => Buffer.alloc(900, round)));
  t.deepEqual(await decrypt(await output, { key }), expected);
});

test('a chunk that is detached while it waits fails, and is not truncated', async (t) => {
  for (const before of [false, true]) {
    const stream = createEncryptStream({ key, ...SIZES, concurrency: 1 });
    const chunk = new Uint8Array(50_000);
    const outcome = calledBack((done) => stream.write(chunk, done));
    const error = heard(stream, 'error');
    // It has begun to be taken when the header is there to be read.
    if (!before) await heard(stream, 'readable');
    structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
    stream.resume();
    t.true((await error) instanceof TypeError);
    t.true((await outcome) instanceof TypeError);
    t.true(stream.destroyed);
  }
});

test('key and context are as they were at the call', async (t) => {
  const bytes = SecretKey.generate().exportBytes();
  const context = Buffer.from('context');
  const [same, place] = [Uint8Array.from(bytes), Buffer.from(context)];
  const sealing = createEncryptStream({ key: bytes, context, ...SIZES });
  bytes.fill(0);
  context.fill(0);
  sealing.end(plaintext);
  const stream = await all(sealing);
  t.deepEqual(await decrypt(stream, { key: same, context: place }), plaintext);
  const [other, otherPlace] = [Uint8Array.from(same), Buffer.from(place)];
  const options = { key: [SecretKey.generate(), other], context: otherPlace };
  const opening = createDecryptStream(options);
  other.fill(0);
  otherPlace.fill(0);
  options.key.length = 0;
  opening.end(stream);
  t.deepEqual(await all(opening), plaintext);
});

test('a key may be disposed of after the stream was created', async (t) => {
  const own = SecretKey.generate();
  const sealing = createEncryptStream({ key: own });
  const opening = createDecryptStream({ key: own });
  own.dispose();
  t.deepEqual(await pipes([plaintext], sealing, opening, all), plaintext);
  t.throws(() => createEncryptStream({ key: own }), { instanceOf: TypeError });
});

test('values other than bytes are refused', async (t) => {
  for (const make of [() => createEncryptStream({ key }), () => createDecryptStream({ key })]) {
    // Node itself throws for these, and the stream goes on as if nothing had been.
    for (const [chunk, code] of [
      [null, 'ERR_STREAM_NULL_VALUES'],
      [5, 'ERR_INVALID_ARG_TYPE'],
      [{}, 'ERR_INVALID_ARG_TYPE'],
      [undefined, 'ERR_INVALID_ARG_TYPE'],
      [[1, 2], 'ERR_INVALID_ARG_TYPE'],
    ] as const) {
      const stream = make();
      t.throws(() => stream.write(chunk), { code });
      t.false(stream.destroyed);
      stream.destroy();
    }
    for (const write of [
      (stream: Duplex) => stream.write('text', 'utf8'),
      (stream: Duplex) => stream.write('text'),
      (stream: Duplex) => stream.write(''),
      (stream: Duplex) => stream.write('AAAA', 'base64'),
      (stream: Duplex) => stream.end('text'),
    ]) {
      const stream = make();
      stream.setDefaultEncoding('latin1');
      const told = endings(stream);
      write(stream);
      const error = await heard(stream, 'error');
      t.like(error, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      t.regex((error as Error).message, /^chunk must be a Buffer or a Uint8Array, not a string$/);
      await over(stream);
      t.deepEqual(told, ['error', 'close']);
      t.is(error, stream.errored);
    }
  }
});

test('an empty plaintext is sealed, and empty chunks are ignored', async (t) => {
  for (const chunks of [[], [Buffer.alloc(0)], [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(0)]]) {
    const stream = await pipes(Readable.from(chunks), createEncryptStream({ key }), all);
    t.deepEqual(await pipes([stream], createDecryptStream({ key }), all), Buffer.concat(chunks));
  }
});

test('options are checked at the call', (t) => {
  for (const create of [createEncryptStream, createDecryptStream] as ((options: unknown) => Duplex)[]) {
    for (const options of [
      undefined,
      null,
      {},
      { key: 'text' },
      { key, signal: {} },
      { key, concurrency: '2' },
      { key, highWaterMark: '2' },
      { key, objectMode: true },
      { key, encoding: 'utf8' },
    ]) {
      t.throws(() => create(options), { instanceOf: TypeError });
    }
    for (const options of [
      { key: Buffer.alloc(31) },
      { key, concurrency: 0 },
      { key, concurrency: 1.5 },
      { key, concurrency: Infinity },
      { key, highWaterMark: -1 },
      { key, readableHighWaterMark: NaN },
      { key, writableHighWaterMark: 0.5 },
    ]) {
      t.throws(() => create(options), { instanceOf: RangeError });
    }
  }
  const { readableHighWaterMark, writableHighWaterMark } = createDecryptStream({
    key,
    readableHighWaterMark: 5,
    writableHighWaterMark: 0,
  });
  t.deepEqual([readableHighWaterMark, writableHighWaterMark], [5, 0]);
});
