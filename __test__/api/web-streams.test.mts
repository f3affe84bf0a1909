// The web's streams, as the WHATWG's standard has them behave.

import { Readable } from 'node:stream';
import { ReadableStream, WritableStream } from 'node:stream/web';

import test, { type ExecutionContext } from 'ava';
import {
  ciphertextSize,
  decrypt,
  DecryptionStream,
  encrypt,
  EncryptionStream,
  generateKey,
  type OpenReport,
  SealError,
  type SealReport,
} from 'sealstream';

import { pattern } from './support/bytes.mjs';
import {
  all,
  CHOICES,
  counted,
  deferred,
  EDGES,
  inChunks,
  inEveryMemory,
  outcome,
  quiet,
} from './support/conversions.mjs';
import { errorOf } from './support/errors.mjs';
import { headerSize, key, plaintext, sealed, SEGMENTS, SIZES, withDamage } from './support/streams.mjs';

interface Pair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly report: SealReport | OpenReport | undefined;
}
type Make = (options?: { concurrency?: number; signal?: AbortSignal }) => Pair;

const sealing = (options: object = {}) => new EncryptionStream({ key, ...SIZES, ...options });
const opening = (options: object = {}) => new DecryptionStream({ key, ...options });

const BOTH: [name: string, make: Make, input: Buffer, output: number][] = [
  ['sealing', sealing, plaintext, sealed.length],
  ['opening', opening, sealed, plaintext.length],
];

/** A test of each kind of stream. */
function both(
  title: string,
  run: (t: ExecutionContext, make: Make, input: Buffer, output: number) => Promise<void>,
): void {
  for (const [name, make, input, output] of BOTH) {
    test(`${title} (${name})`, (t) => run(t, make, input, output));
  }
}

/** What goes through a pair. */
function through(pair: Pair, ...chunks: (ArrayBuffer | ArrayBufferView)[]): Promise<Buffer> {
  return all(ReadableStream.from(chunks).pipeThrough(pair));
}

for (const [number, choice] of CHOICES.entries()) {
  test(`what one way of the package seals another opens, options ${number}`, async (t) => {
    for (const size of EDGES) {
      const bytes = pattern(size);
      const stream = await through(sealing(choice.seal), bytes);
      t.is(stream.length, ciphertextSize(size, { ...SIZES, ...choice.seal }), `${size}`);
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
  const response = new Response(blob.stream().pipeThrough(sealing() as never));
  const stream = await response.arrayBuffer();
  t.deepEqual(await decrypt(new Uint8Array(stream), { key }), plaintext);
  const { body } = new Response(stream);
  const opened = new Response(body!.pipeThrough(opening() as never));
  t.deepEqual(Buffer.from(await opened.arrayBuffer()), plaintext);
});

test('every kind of bytes, which are neither changed nor taken', async (t) => {
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

both('a writer waits for the reader', async (t, make, input, output) => {
  const { readable, writable } = make({ concurrency: 1 });
  const writer = writable.getWriter();
  await writer.ready;
  t.is(writer.desiredSize, 1);
  let taken = 0;
  const writes = [...inChunks(input, 1000)].map(async (chunk) => {
    await writer.write(chunk);
    taken += chunk.length;
  });
  const ended = writer.close();
  t.true(writer.desiredSize! <= 0);
  await quiet();
  t.true(taken <= 2048 + 178 + headerSize + 32, `${taken}`);
  t.true(taken >= 1000, `${taken}`);
  t.is((await all(readable)).length, output);
  await Promise.all([...writes, ended, writer.closed]);
  t.is(taken, input.length);
});

both('nothing is pulled from a source that nobody reads the result of', async (t, make, input) => {
  const source = counted(input);
  const { readable } = {
    readable: ReadableStream.from(source.iterable).pipeThrough(make({ concurrency: 1 })),
  };
  await quiet();
  const { pulled } = source.counts;
  t.true(pulled <= 3, `${pulled}`);
  await quiet();
  t.is(source.counts.pulled, pulled);
  await readable.cancel();
});

both('many reads at once get what there is, and no more is made', async (t, make, input) => {
  const source = counted(input);
  const readable = ReadableStream.from(source.iterable).pipeThrough(make({ concurrency: 1 }));
  const reader = readable.getReader();
  const reads = await Promise.all(Array.from({ length: 5 }, () => reader.read()));
  t.true(reads.every(({ value }) => value !== undefined && value.length > 0));
  await quiet();
  t.true(source.counts.pulled <= 5, `${source.counts.pulled}`);
  await reader.cancel();
});

both('cancel of what comes out fails the writer, and the source', async (t, make, input) => {
  for (const reason of [new Error('enough'), 'a word', undefined]) {
    const { readable, writable } = make({ concurrency: 1 });
    const writer = writable.getWriter();
    const writes = [...inChunks(input, 1000)].map((chunk) => errorOf(() => writer.write(chunk)));
    await quiet();
    await readable.cancel(reason);
    t.is(await errorOf(() => writer.closed), reason);
    t.is((await Promise.all(writes)).at(-1), reason);
    const later = await Promise.allSettled([writer.write(input)]);
    t.deepEqual(later, [{ status: 'rejected', reason }]);

    const source = counted(input);
    const piped = ReadableStream.from(source.iterable).pipeThrough(make({ concurrency: 1 }));
    await quiet();
    await piped.cancel(reason);
    await source.ended;
    t.is(source.counts.returned, 1);
  }
});

both('abort of what goes in fails the reader at once, whatever waits', async (t, make, input) => {
  for (const reason of [new Error('enough'), 'a word', undefined]) {
    for (const size of [0, 500, input.length]) {
      const { readable, writable } = make({ concurrency: 1 });
      const writer = writable.getWriter();
      const write = errorOf(() => writer.write(input.subarray(0, size)));
      await quiet();
      // With nobody reading, which must not keep it waiting.
      await writer.abort(reason);
      await write;
      t.deepEqual(await outcome(readable), { bytes: Buffer.alloc(0), error: reason, failed: true });
      const closed = await Promise.allSettled([writer.closed]);
      t.deepEqual(closed, [{ status: 'rejected', reason }]);
    }
  }
});

both('an error of the source or the sink goes through', async (t, make, input) => {
  const mine = new Error('mine');
  async function* broken() {
    yield input.subarray(0, 3000);
    await quiet();
    throw mine;
  }
  t.is((await outcome(ReadableStream.from(broken()).pipeThrough(make()))).error, mine);

  const source = counted(input);
  const refusing = new WritableStream<Uint8Array>({
    write() {
      throw mine;
    },
  });
  const piped = ReadableStream.from(source.iterable).pipeThrough(make({ concurrency: 1 }));
  t.is(await errorOf(() => piped.pipeTo(refusing)), mine);
  await source.ended;
  t.is(source.counts.returned, 1);
});

both('pipeTo with a signal of its own', async (t, make, input) => {
  const cancelled = deferred<unknown>();
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(input.subarray(0, 9000));
    },
    cancel: cancelled.resolve,
  });
  const controller = new AbortController();
  const sunk: unknown[] = [];
  const sink = new WritableStream<Uint8Array>({
    write: (chunk) => void sunk.push(chunk),
    abort: (error) => void sunk.push(error),
  });
  const outcome = errorOf(() => source.pipeThrough(make()).pipeTo(sink, { signal: controller.signal }));
  await quiet();
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await outcome, reason);
  t.is(await cancelled.promise, reason);
  t.true(sunk.length >= 4);
  t.is(sunk.at(-1), reason);
});

both('the signal fails both sides with its reason', async (t, make, input) => {
  const own = new Error('enough');
  for (const [reason, expected] of [
    [own, (error: unknown) => error === own],
    [undefined, (error: unknown) => (error as Error).name === 'AbortError'],
    ['a word', (error: unknown) => (error as Error).cause === 'a word'],
  ] as const) {
    const never = make({ signal: AbortSignal.abort(reason) });
    const writer = never.writable.getWriter();
    const errors = [
      await errorOf(() => writer.write(input)),
      await errorOf(() => writer.closed),
      (await outcome(never.readable)).error,
    ];
    const controller = new AbortController();
    const { readable, writable } = make({ signal: controller.signal, concurrency: 1 });
    const later = writable.getWriter();
    const write = errorOf(() => later.write(input));
    const reader = readable.getReader();
    t.false((await reader.read()).done);
    await quiet();
    controller.abort(reason);
    errors.push(await write, await errorOf(() => later.closed), await errorOf(() => reader.read()));
    for (const error of errors) t.true(expected(error), String(error));
  }
});

both('a signal that comes too late changes nothing', async (t, make, input, output) => {
  const controller = new AbortController();
  const pair = make({ signal: controller.signal });
  const size = (await through(pair, input)).length;
  controller.abort();
  t.is(size, output);
  t.truthy(pair.report);
});

both('the report comes with the end', async (t, make, input, output) => {
  const pair = make();
  const [reader, writer] = [pair.readable.getReader(), pair.writable.getWriter()];
  t.is(pair.report, undefined);
  const written = Promise.all([writer.write(input), writer.close()]);
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.length;
    if (size < output) t.is(pair.report, undefined);
  }
  await written;
  await reader.closed;
  t.like(pair.report, { segments: SEGMENTS, plaintextSize: plaintext.length, streamSize: sealed.length });
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

test('damage comes to the reader behind what is sound, and to the writer', async (t) => {
  const { readable, writable } = opening({ concurrency: 1 });
  const writer = writable.getWriter();
  const written = Promise.allSettled([writer.write(withDamage(3)), writer.close()]);
  const { bytes, error } = await outcome(readable);
  t.deepEqual(bytes, plaintext.subarray(0, 3 * 2048));
  t.true(error instanceof SealError);
  for (const result of await written) t.is(result.status === 'rejected' && result.reason, error);
  t.is(await errorOf(() => writer.closed), error);
});

test('a pair is made of one readable and one writable, which stay the same', (t) => {
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
  const own = generateKey();
  const [bytes, context] = [own.exportBytes(), Buffer.from('here')];
  const one = new EncryptionStream({ key: bytes, context });
  const other = new DecryptionStream({ key: [generateKey(), bytes], context });
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
