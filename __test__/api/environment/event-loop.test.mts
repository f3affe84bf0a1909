// How streams and readers behave in a process that has other things to do: they end with it, and leave it its memory.

import test from 'ava';

import { node } from '../support/process.mjs';

/** Of the large stream. */
const GIBIBYTES = 20;

const PRELUDE = `
  import { Readable, Writable } from 'node:stream';
  import { pipeline } from 'node:stream/promises';
  import {
    createDecryptStream,
    createEncryptStream,
    decryptChunks,
    DecryptionStream,
    encrypt,
    encryptChunks,
    EncryptionStream,
    openReader,
    SecretKey,
  } from 'sealstream';
  const key = SecretKey.generate();
  const bytes = Buffer.alloc(8 << 20, 7);
  async function rss() {
    for (let round = 0; round < 5; round += 1) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return process.memoryUsage.rss() / 2 ** 20;
  }
`;

const IDLE = {
  'streams that are made and not used': `
    createEncryptStream({ key });
    createDecryptStream({ key });
    new EncryptionStream({ key });
    new DecryptionStream({ key });
    encryptChunks([], { key });`,
  'streams with half of their input, and outputs that are not read': `
    const sealed = await encrypt(bytes, { key });
    createEncryptStream({ key, concurrency: 1 }).write(bytes);
    createDecryptStream({ key, concurrency: 1 }).write(sealed);
    void new EncryptionStream({ key }).writable.getWriter().write(bytes);
    void new DecryptionStream({ key }).writable.getWriter().write(sealed);
    for (const chunks of [encryptChunks([bytes], { key }), decryptChunks([sealed], { key })]) await chunks.next();`,
  'streams that wait for an endless source': `
    const never = new ReadableStream({ pull: () => new Promise(() => {}) });
    void (async () => { for await (const _ of encryptChunks(never, { key })); })();`,
  'readers that are open, idle or read half-way,': `
    const sealed = await encrypt(bytes, { key });
    const reader = await openReader(sealed, { key });
    await reader.read(0, 1000);
    reader.createReadStream();
    for await (const _ of reader.createReadStream()) break;
    await reader.stream().getReader().read();
    await reader.segments().next();
    await openReader(new Blob([sealed]), { key });
    let isOpen = false;
    const never = {
      size: sealed.length,
      read: (offset, length) => isOpen ? new Promise(() => {}) : Promise.resolve(sealed.subarray(offset, offset + length)),
    };
    const stuck = await openReader(never, { key });
    isOpen = true;
    void stuck.read(0, 1000);`,
};

for (const [what, program] of Object.entries(IDLE)) {
  test(`${what} keep no process alive`, async (t) => {
    t.deepEqual(await node([], PRELUDE + program), { code: 0, stdout: '', stderr: '' });
  });
}

const MAKES = {
  'a stream that converts': 'const stream = createEncryptStream({ key }); stream.end(bytes);',
  'a stream of a reader':
    'const stream = (await openReader(await encrypt(bytes, { key }), { key })).createReadStream();',
};
const THROWS = {
  'at its first chunk': throwing('data', 1),
  'at its second chunk': throwing('data', 2),
  'at its fifth chunk': throwing('data', 5),
  'at its end': `stream.resume(); ${throwing('end', 1)}`,
  'where it can be read': throwing('readable', 1),
};

/** Throws in one call of a listener, which reads all the same. */
function throwing(event: string, call: number): string {
  return `
    let calls = 0;
    stream.on('${event}', () => {
      if ('${event}' === 'readable') while (stream.read() !== null);
      if (++calls === ${call}) throw new Error('of the listener');
    });`;
}

for (const [what, make] of Object.entries(MAKES)) {
  for (const [when, listen] of Object.entries(THROWS)) {
    test(`an error of a listener of ${what} ${when} is uncaught, and does not fail the stream`, async (t) => {
      const uncaught = await node([], PRELUDE + make + listen);
      t.is(uncaught.code, 1);
      t.regex(uncaught.stderr, /Error: of the listener/);
      const caught = `
        process.on('uncaughtException', (error) => console.log(error.message));
        process.on('exit', () => console.log(stream.errored));`;
      const goesOn = await node([], PRELUDE + make + caught + listen);
      t.deepEqual(goesOn, { code: 0, stdout: 'of the listener\nnull\n', stderr: '' });
    });
  }
}

test('written and read chunks are not changed, detached or shared', async (t) => {
  const program = `
    const before = Buffer.from(bytes);
    const outputs = [];
    for (const make of [
      (chunks) => encryptChunks(chunks, { key }),
      (chunks) => new Blob(chunks).stream().pipeThrough(new EncryptionStream({ key })),
    ]) for await (const output of make([bytes])) outputs.push(output);
    const writer = new EncryptionStream({ key }).writable.getWriter();
    await writer.write(bytes.subarray(0, 1000));
    const sealed = await encrypt(bytes, { key });
    const reader = await openReader(sealed, { key });
    for (let round = 0; round < 2; round += 1) {
      const read = await reader.read(100, 100_000);
      console.log(read.equals(bytes.subarray(0, 100_000)));
      // What is read again comes out of the cache.
      structuredClone(read.fill(0).buffer, { transfer: [read.buffer] });
    }
    console.log(bytes.length === before.length && bytes.equals(before));
    // As anyone may do who got them.
    const size = outputs.reduce((sum, { length }) => sum + length, 0);
    for (const output of outputs) output.fill(0);
    console.log(size > 2 * bytes.length && bytes.equals(before));`;
  t.deepEqual(await node([], PRELUDE + program), { code: 0, stdout: 'true\n'.repeat(4), stderr: '' });
});

test.serial('10,000 small streams leave no memory behind', async (t) => {
  const program = `
    const small = bytes.subarray(0, 100);
    async function all(count) {
      const lane = async () => {
        while (count-- > 0) {
          const opened = [];
          for await (const part of decryptChunks(encryptChunks([small], { key }), { key })) opened.push(part);
          if (!Buffer.concat(opened).equals(small)) throw new Error('another plaintext');
        }
      };
      await Promise.all(Array.from({ length: 16 }, lane));
    }
    await all(2000);
    const before = await rss();
    // Of two streams each.
    await all(5000);
    console.log(await rss() - before);`;
  const { code, stdout, stderr } = await node(['--expose-gc'], PRELUDE + program);
  t.deepEqual([code, stderr], [0, '']);
  t.true(Number(stdout) < 20, `it grew by ${stdout.trim()} MiB`);
});

test.serial('10,000 reads, and readers that are forgotten, leave no memory behind', async (t) => {
  const program = `
    const sealed = await encrypt(bytes, { key });
    // Once by the engine itself, and once through JavaScript.
    async function all(count) {
      for (const source of [sealed, new Blob([sealed])]) {
        for (let round = 0; round < count; round += 1) {
          const reader = await openReader(source, { key });
          const reads = Array.from({ length: 100 }, (_, index) => reader.read(index * 77_777, 1000));
          const parts = await Promise.all(reads);
          if (!parts.every((part) => part.equals(bytes.subarray(0, 1000)))) throw new Error('another plaintext');
          if (round % 2) await reader.close();
          // Those that are forgotten go with their objects.
          gc();
          await new Promise(setImmediate);
        }
      }
    }
    await all(50);
    const before = await rss();
    await all(50);
    console.log(await rss() - before);`;
  const { code, stdout, stderr } = await node(['--expose-gc'], PRELUDE + program);
  t.deepEqual([code, stderr], [0, '']);
  // The allocator alone may keep some tens of MiB; the caches of the forgotten readers would be 200.
  t.true(Number(stdout) < 100, `it grew by ${stdout.trim()} MiB`);
});

test.serial('forgotten and destroyed streams free their memory, native memory too', async (t) => {
  const program = `
    const segment = bytes.subarray(0, 2 << 20);
    async function all(count) {
      for (let number = 0; number < count; number += 1) {
        const stream = createEncryptStream({ key });
        stream.on('error', () => {});
        stream.write(segment);
        if (number % 2) setImmediate(() => stream.destroy());
        if (number % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    await all(50);
    const before = await rss();
    await all(500);
    console.log(await rss() - before);`;
  // They hold more than a GiB in all; what the allocator keeps for the next ones is far less.
  const { code, stdout, stderr } = await node(['--expose-gc'], PRELUDE + program);
  t.deepEqual([code, stderr], [0, '']);
  t.true(Number(stdout) < 300, `it grew by ${stdout.trim()} MiB`);
});

test.serial(`a stream of ${GIBIBYTES} GiB goes through in memory that does not grow`, async (t) => {
  const program = `
    const chunk = bytes.subarray(0, 1 << 20);
    const [total, quarter] = [${GIBIBYTES} * 2 ** 30, ${GIBIBYTES} * 2 ** 28];
    let sent = 0;
    let got = 0;
    let [early, late] = [0, 0];
    const source = new Readable({
      highWaterMark: 1 << 20,
      read() {
        this.push(sent < total ? chunk : null);
        sent += chunk.length;
      },
    });
    const sink = new Writable({
      highWaterMark: 1 << 20,
      write({ length }, _encoding, done) {
        got += length;
        const resident = process.memoryUsage.rss() / 2 ** 20;
        if (got < quarter) early = Math.max(early, resident);
        else late = Math.max(late, resident);
        done();
      },
    });
    await pipeline(source, createEncryptStream({ key }), createDecryptStream({ key }), sink);
    console.log(JSON.stringify({ isWhole: got === total, early, late }));`;
  const { code, stdout, stderr } = await node([], PRELUDE + program, 600_000);
  t.deepEqual([code, stderr], [0, '']);
  const { isWhole, early, late } = JSON.parse(stdout) as { isWhole: boolean; early: number; late: number };
  t.true(isWhole);
  t.true(late < early + 100, `at most ${early} MiB at first, and ${late} MiB later`);
});
