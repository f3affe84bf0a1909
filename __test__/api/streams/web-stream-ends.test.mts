// How the web's streams end, and how one side's end is the other's.

import { ReadableStream, WritableStream } from 'node:stream/web';

import test from 'ava';
import { SealError } from 'sealstream';

import { all, counted, deferred, inChunks, outcome, quiet } from '../support/conversions.mjs';
import { errorOf } from '../support/errors.mjs';
import { both, opening, through } from '../support/web-directions.mjs';
import { headerSize, plaintext, withDamage } from '../support/small-segments.mjs';

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

both('nothing is pulled from a source whose result is not read', async (t, make, input) => {
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
      // Without a reader, which must not delay it.
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
  t.is((await pair.report).plaintextSize, plaintext.length);
});

test('damage reaches the reader after intact segments, and the writer', async (t) => {
  const { readable, writable } = opening({ concurrency: 1 });
  const writer = writable.getWriter();
  const written = Promise.allSettled([writer.write(withDamage(3)), writer.close()]);
  const { bytes, error } = await outcome(readable);
  t.deepEqual(bytes, plaintext.subarray(0, 3 * 2048));
  t.true(error instanceof SealError);
  for (const result of await written) t.is(result.status === 'rejected' && result.reason, error);
  t.is(await errorOf(() => writer.closed), error);
});
