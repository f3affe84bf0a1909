// The web's streams, as the WHATWG's standard has them behave.

import { Readable } from 'node:stream';
import { ReadableStream, WritableStream } from 'node:stream/web';

import test from 'ava';
import { decrypt, DecryptionStream, encrypt, EncryptionStream, sealedSize, SecretKey } from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { all, CHOICES, EDGES, inChunks, inEveryMemory } from '../support/conversions.mjs';
import { errorOf } from '../support/errors.mjs';
import { both, opening, type Pair, sealing, through } from '../support/web-directions.mjs';
import { outcomeOf } from '../support/report-outcome.mjs';
import { key, plaintext, sealed, SEGMENTS, SIZES } from '../support/small-segments.mjs';

for (const [number, choice] of CHOICES.entries()) {
  test(`each way of sealing matches each way of opening, options ${number}`, async (t) => {
    for (const size of EDGES) {
      const bytes = pattern(size);
      const stream = await through(sealing(choice.seal), bytes);
      t.is(stream.length, sealedSize(size, { ...SIZES, ...choice.seal }), `${size}`);
      t.deepEqual(await decrypt(stream, { key, ...choice.open }), bytes, `${size}`);
      const other = await encrypt(bytes, { key, ...SIZES, ...choice.seal });
      t.deepEqual(await through(opening(choice.open), other), bytes, `${size}`);
    }
  });
}

test('chunks of any size, whatever the concurrency', async (t) => {
  for (const size of [1, 1000, 2048, 5000, 20_000]) {
    for (const concurrency of [1, 2, undefined]) {
      const bytes = plaintext.subarray(0, size === 1 ? 4500 : undefined);
      const opened = ReadableStream.from(inChunks(bytes, size))
        .pipeThrough(sealing({ concurrency }))
        .pipeThrough(opening({ concurrency }));
      t.deepEqual(await all(opened), bytes);
    }
  }
});

test('bodies of responses and blobs', async (t) => {
  const blob = new Blob([plaintext]);
  const response = new Response(blob.stream().pipeThrough(sealing()));
  const stream = await response.arrayBuffer();
  t.deepEqual(await decrypt(new Uint8Array(stream), { key }), plaintext);
  const { body } = new Response(stream);
  const opened = new Response(body!.pipeThrough(opening()));
  t.deepEqual(Buffer.from(await opened.arrayBuffer()), plaintext);
});

test('every kind of bytes is accepted, and is neither changed nor detached', async (t) => {
  const array = Uint8Array.from(plaintext);
  const { buffer } = array;
  for (const chunk of [
    buffer,
    new DataView(buffer),
    new Uint16Array(buffer),
    array,
    ...Object.values(inEveryMemory(plaintext)),
  ]) {
    t.deepEqual(await decrypt(await through(sealing(), chunk), { key }), plaintext);
  }
  t.deepEqual(Buffer.from(buffer), plaintext);
  const shifted = new ArrayBuffer(plaintext.length + 20);
  new Uint8Array(shifted).set(plaintext, 8);
  const part = new DataView(shifted, 8, plaintext.length);
  t.deepEqual(await decrypt(await through(sealing(), part), { key }), plaintext);
  const words = new Uint32Array(shifted, 8, plaintext.length / 4);
  t.deepEqual(await decrypt(await through(sealing(), words), { key }), plaintext);
});

both('what comes out are plain Uint8Arrays, which can be cloned', async (t, make, input, output) => {
  let size = 0;
  for await (const chunk of ReadableStream.from([input]).pipeThrough(make())) {
    t.is(Object.getPrototypeOf(chunk), Uint8Array.prototype);
    t.true(chunk.length > 0);
    t.deepEqual(structuredClone(chunk), chunk);
    size += chunk.length;
  }
  t.is(size, output);
});

both('chunks that are no bytes fail both sides', async (t, make) => {
  const gone = new ArrayBuffer(8);
  const view = new DataView(gone);
  const bytes = new Uint8Array(gone);
  structuredClone(gone, { transfer: [gone] });
  for (const chunk of ['text', 5, null, undefined, {}, [1, 2], gone, view, bytes]) {
    const { readable, writable } = make();
    const [reader, writer] = [readable.getReader(), writable.getWriter()];
    const read = errorOf(async () => {
      while (!(await reader.read()).done);
    });
    const error = await errorOf(() => writer.write(chunk as never));
    t.like(error, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    for (const other of [
      await read,
      await errorOf(() => reader.closed),
      await errorOf(() => writer.closed),
    ]) {
      t.is(other, error);
    }
  }
});

both('the report comes with the end', async (t, make, input, output) => {
  const pair = make();
  const [reader, writer] = [pair.readable.getReader(), pair.writable.getWriter()];
  const report = outcomeOf(pair.report);
  const written = Promise.all([writer.write(input), writer.close()]);
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.length;
    if (size < output) t.is(report.state, 'pending');
  }
  await written;
  await reader.closed;
  t.like(await pair.report, { plaintextSize: plaintext.length, sealedSize: sealed.length });
  t.is((await pair.report).stats.segments, SEGMENTS);
});

both('tee, and locks that are released', async (t, make, input, output) => {
  const pair = make();
  const [one, other] = ReadableStream.from([input]).pipeThrough(pair).tee();
  const [first, second] = await Promise.all([all(one), all(other)]);
  t.is(first.length, output);
  t.deepEqual(first, second);
  t.false(pair.writable.locked);

  const { readable, writable } = make();
  const parts: Uint8Array[] = [];
  const feed = async () => {
    for (const chunk of inChunks(input, 900)) {
      const writer = writable.getWriter();
      await writer.ready;
      await writer.write(chunk);
      writer.releaseLock();
    }
    await writable.close();
  };
  const drain = async () => {
    for (;;) {
      const reader = readable.getReader();
      const { done, value } = await reader.read();
      reader.releaseLock();
      if (done) return;
      parts.push(value);
    }
  };
  await Promise.all([feed(), drain()]);
  t.is(Buffer.concat(parts).length, output);
});

test('a pair has one readable and one writable, which stay the same', (t) => {
  for (const pair of [sealing(), opening()] as Pair[]) {
    t.true(pair.readable instanceof ReadableStream);
    t.true(pair.writable instanceof WritableStream);
    t.is(pair.readable, pair.readable);
    t.false(pair.readable.locked || pair.writable.locked);
  }
});

test('options are checked at the call, and kept', async (t) => {
  for (const Stream of [EncryptionStream, DecryptionStream] as (new (options: unknown) => Pair)[]) {
    for (const options of [undefined, {}, { key: 'text' }, { key, signal: 5 }, { key, transform: 1 }]) {
      t.throws(() => new Stream(options), { instanceOf: TypeError });
    }
    t.throws(() => new Stream({ key: Buffer.alloc(3) }), { instanceOf: RangeError });
    t.throws(() => new Stream({ key, concurrency: 0 }), { instanceOf: RangeError });
  }
  const own = SecretKey.generate();
  const [bytes, context] = [own.exportBytes(), Buffer.from('here')];
  const one = new EncryptionStream({ key: bytes, context });
  const other = new DecryptionStream({ key: [SecretKey.generate(), bytes], context });
  bytes.fill(0);
  context.fill(0);
  const stream = await through(one, plaintext);
  t.deepEqual(await decrypt(stream, { key: own, context: 'here' }), plaintext);
  t.deepEqual(await through(other, stream), plaintext);
});

test("Node's streams at either side", async (t) => {
  const stream = Readable.from(inChunks(plaintext, 3000));
  const opened = Readable.toWeb(stream).pipeThrough(sealing()).pipeThrough(opening());
  t.deepEqual(await all(Readable.fromWeb(opened)), plaintext);
});
