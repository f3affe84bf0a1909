// Iterables in, generators out.

import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';

import test, { type ExecutionContext } from 'ava';
import {
  decrypt,
  decryptChunks,
  encrypt,
  encryptChunks,
  sealedSize,
  SecretKey,
  type StreamOptions,
} from 'sealstream';

import { program, end } from '../../cli/command.mjs';
import { pattern } from '../support/bytes.mjs';
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
} from '../support/conversions.mjs';
import { errorOf } from '../support/errors.mjs';
import { key, plaintext, sealed, SIZES } from '../support/small-segments.mjs';

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
type Convert = (chunks: Chunks, options?: StreamOptions) => AsyncGenerator<Buffer, void, void>;

const sealing: Convert = (chunks, options) => encryptChunks(chunks, { key, ...SIZES, ...options });
const opening: Convert = (chunks, options) => decryptChunks(chunks, { key, ...options });

const BOTH: [name: string, convert: Convert, input: Buffer, output: number][] = [
  ['sealing', sealing, plaintext, sealed.length],
  ['opening', opening, sealed, plaintext.length],
];

/** A test of each direction. */
function both(
  title: string,
  run: (t: ExecutionContext, convert: Convert, input: Buffer, output: number) => Promise<void>,
): void {
  for (const [name, convert, input, output] of BOTH) {
    test(`${title} (${name})`, (t) => run(t, convert, input, output));
  }
}

for (const [number, choice] of CHOICES.entries()) {
  test(`each way of sealing matches each way of opening, options ${number}`, async (t) => {
    for (const size of EDGES) {
      const bytes = pattern(size);
      const stream = await all(encryptChunks([bytes], { key, ...SIZES, ...choice.seal }));
      t.is(stream.length, sealedSize(size, { ...SIZES, ...choice.seal }), `${size}`);
      t.deepEqual(await decrypt(stream, { key, ...choice.open }), bytes, `${size}`);
      const other = await encrypt(bytes, { key, ...SIZES, ...choice.seal });
      t.deepEqual(await all(decryptChunks([other], { key, ...choice.open })), bytes, `${size}`);
    }
  });
}

both('every kind of iterable', async (t, convert, input, output) => {
  async function* later() {
    for (const chunk of inChunks(input, 1700)) yield await Promise.resolve(chunk);
  }
  for (const [name, chunks] of Object.entries({
    array: [...inChunks(input, 1700)],
    set: new Set(inChunks(input, 1700)),
    generator: inChunks(input, 1700),
    'async generator': later(),
    'Node stream': Readable.from(inChunks(input, 1700)),
    'bytes of a Node stream': Readable.from(input, { objectMode: false }),
    'web stream': ReadableStream.from(inChunks(input, 1700)),
    'body of a response': new Response(input).body!,
    blob: new Blob([input]).stream(),
    'the other direction': convert === sealing ? opening([sealed]) : sealing([plaintext]),
    'an array of promises': [Promise.resolve(input)] as unknown as Uint8Array[],
  } as Record<string, Chunks>)) {
    t.is((await all(convert(chunks))).length, output, name);
  }
});

both('every kind of memory', async (t, convert, input, output) => {
  for (const [name, bytes] of Object.entries(inEveryMemory(input))) {
    t.is((await all(convert([bytes]))).length, output, name);
    t.deepEqual(Buffer.from(bytes), input, name);
  }
});

both('leaving the loop ends the iterable, once', async (t, convert, input) => {
  for (const leave of [
    async (loop: AsyncGenerator<Buffer>) => {
      for await (const chunk of loop) {
        t.true(chunk.length > 0);
        break;
      }
    },
    async (loop: AsyncGenerator<Buffer>) => {
      const mine = new Error('mine');
      const body = async () => {
        for await (const chunk of loop) {
          t.true(chunk.length > 0);
          throw mine;
        }
      };
      t.is(await errorOf(body), mine);
    },
    async (loop: AsyncGenerator<Buffer>) => {
      await loop.next();
      await loop.return(undefined);
    },
    async (loop: AsyncGenerator<Buffer>) => {
      await loop.next();
      const mine = new Error('mine');
      t.is(await errorOf(() => loop.throw(mine)), mine);
    },
  ]) {
    const source = counted(input);
    const loop = convert(source.iterable, { concurrency: 1 });
    await leave(loop);
    await source.ended;
    await quiet();
    t.like(source.counts, { started: 1, returned: 1 });
    t.deepEqual(await loop.next(), { value: undefined, done: true });
  }
  const stream = Readable.from(inChunks(input, 1000));
  for await (const chunk of convert(stream, { concurrency: 1 })) {
    t.true(chunk.length > 0);
    break;
  }
  await quiet();
  t.true(stream.destroyed);
});

both('an iterable that ends by itself is not ended', async (t, convert, input) => {
  const source = counted(input, 1);
  await all(convert(source.iterable));
  t.deepEqual(source.counts, { started: 1, pulled: 2, returned: 0 });
});

both(
  'nothing is read before the loop begins, and no more than concurrency allows',
  async (t, convert, input) => {
    const source = counted(input.subarray(0, 1000));
    const loop = convert(source.iterable, { concurrency: 1 });
    await quiet();
    t.deepEqual(source.counts, { started: 0, pulled: 0, returned: 0 });
    t.deepEqual(await loop.return(undefined), { value: undefined, done: true });
    t.is(source.counts.started, 0);
  },
);

both('a loop that takes its time is waited for', async (t, convert, input) => {
  const large = Array.from({ length: 40 }, () => input);
  const all =
    convert === sealing
      ? large
      : [await encrypt(Buffer.concat(large.map(() => plaintext)), { key, ...SIZES })];
  let pulled = 0;
  function* source() {
    for (const chunk of inChunks(Buffer.concat(all), 2000)) {
      pulled += chunk.length;
      yield chunk;
    }
  }
  const loop = convert(source(), { concurrency: 1 });
  await loop.next();
  await quiet();
  // A segment, and what Node's stream has in its queues.
  t.true(pulled < 200_000, `${pulled}`);
  await loop.return(undefined);
});

both('what the iterable throws arrives as it is', async (t, convert, input) => {
  const thrown = [new Error('mine'), new TypeError('mine too'), 'a word', { not: 'an error' }];
  for (const each of thrown) {
    async function* broken() {
      yield input.subarray(0, 3000);
      await quiet();
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- any value must arrive
      throw each;
    }
    const { error, failed } = await outcome(convert(broken()));
    t.true(failed);
    t.is(error, each);
  }
  const mine = new Error('mine');
  const late = {
    [Symbol.iterator]() {
      throw mine;
    },
  } as unknown as Iterable<Uint8Array>;
  t.is((await outcome(convert(late))).error, mine);
  const failing = new ReadableStream<Uint8Array>({
    pull() {
      throw mine;
    },
  });
  t.is((await outcome(convert(failing))).error, mine);
  const broken = new Readable({
    read() {
      this.destroy(mine);
    },
  });
  t.is((await outcome(convert(broken))).error, mine);
});

both('an iterable that throws nothing does not end well either', async (t, convert, input) => {
  for (const nothing of [undefined, null, 0, '']) {
    function* broken() {
      yield input;
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a reader must not take for an end
      throw nothing;
    }
    t.true((await outcome(convert(broken()))).failed);
  }
});

both('what is no iterable of bytes is refused at the call', (t, convert) => {
  const refused = [
    undefined,
    null,
    5,
    {},
    'text',
    Buffer.from('bytes'),
    new Uint16Array(4),
    new ArrayBuffer(4),
    new DataView(new ArrayBuffer(4)),
    () => [plaintext],
    Promise.resolve([plaintext]),
  ];
  for (const chunks of refused) {
    const error = t.throws(() => convert(chunks as never), { instanceOf: TypeError });
    t.regex(error.message, /^chunks must be an iterable of Uint8Array, not /);
  }
  return Promise.resolve();
});

both('chunks that are no bytes fail the loop, and end the iterable', async (t, convert) => {
  for (const chunk of ['text', 5, null, undefined, {}, [1], new ArrayBuffer(4)]) {
    const source = counted(chunk as never);
    const { error, bytes } = await outcome(convert(source.iterable));
    t.regex(String((error as { code?: unknown }).code), /^ERR_(INVALID_ARG_TYPE|STREAM_NULL_VALUES)$/);
    t.true(bytes.length < 1000);
    await source.ended;
    t.is(source.counts.returned, 1);
  }
});

test('options are checked at the call, and kept', async (t) => {
  const source = counted(plaintext);
  for (const convert of [encryptChunks, decryptChunks] as ((chunks: Chunks, options: unknown) => unknown)[]) {
    for (const options of [undefined, null, {}, { key: 5 }, { key, signal: 'no' }, { key, misspelt: 1 }]) {
      t.throws(() => convert(source.iterable, options), { instanceOf: TypeError });
    }
    for (const options of [{ key: Buffer.alloc(5) }, { key, concurrency: 0 }]) {
      t.throws(() => convert(source.iterable, options), { instanceOf: RangeError });
    }
  }
  t.is(source.counts.started, 0);
  const own = SecretKey.generate();
  const [bytes, context] = [own.exportBytes(), Buffer.from('here')];
  const loop = encryptChunks([plaintext], { key: bytes, context });
  bytes.fill(0);
  context.fill(0);
  t.deepEqual(await decrypt(await all(loop), { key: own, context: 'here' }), plaintext);
});

both('the signal ends the loop with its reason', async (t, convert, input) => {
  const own = new Error('enough');
  for (const [reason, expected] of [
    [own, (error: unknown) => error === own],
    [undefined, (error: unknown) => (error as Error).name === 'AbortError'],
    ['a word', (error: unknown) => (error as Error).cause === 'a word'],
  ] as const) {
    const never = counted(input);
    const { error, bytes } = await outcome(convert(never.iterable, { signal: AbortSignal.abort(reason) }));
    t.true(expected(error), String(error));
    t.is(bytes.length, 0);

    // A source that has nothing more to say for now, which must not keep the loop.
    const controller = new AbortController();
    const stuck = deferred();
    async function* source() {
      yield input.subarray(0, 5000);
      await stuck.promise;
    }
    const loop = convert(source(), { signal: controller.signal });
    await loop.next();
    const rest = outcome(loop);
    await quiet();
    controller.abort(reason);
    t.true(expected((await rest).error));
    stuck.resolve();

    const late = new AbortController();
    await all(convert([input], { signal: late.signal }));
    late.abort(reason);
  }
});

test('nested loops', async (t) => {
  let chunks: Chunks = inChunks(plaintext, 777);
  for (let depth = 0; depth < 5; depth += 1) chunks = sealing(chunks, { concurrency: 1 });
  for (let depth = 0; depth < 5; depth += 1) chunks = opening(chunks, { concurrency: 1 });
  t.deepEqual(await all(chunks as AsyncIterable<Uint8Array>), plaintext);
});

test('loops that never begin, or are abandoned, do not keep a process alive', async (t) => {
  const code = `
    const { createEncryptStream, decryptChunks, encryptChunks, EncryptionStream, SecretKey } = require('sealstream');
    const key = SecretKey.generate();
    const never = encryptChunks([Buffer.alloc(10)], { key });
    const begun = encryptChunks((async function* () { yield Buffer.alloc(1e7); await new Promise(() => {}); })(), { key });
    begun.next();
    decryptChunks([Buffer.alloc(10)], { key });
    createEncryptStream({ key }).write(Buffer.alloc(1e7));
    new EncryptionStream({ key }).writable.getWriter().write(Buffer.alloc(1e7));
    process.on('exit', () => console.log('over', typeof never));
  `;
  const { code: exit, stdout, stderr } = await end(program(process.execPath, ['-e', code]));
  t.deepEqual([exit, stdout.toString(), stderr], [0, 'over object\n', '']);
});
