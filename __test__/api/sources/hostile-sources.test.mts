// Sources that lie, fail half-way or call back: few bytes are asked of them, and every promise settles.

import test from 'ava';
import {
  decryptSegments,
  encryptSync,
  openReader,
  type RandomAccessSource,
  type SealedReader,
} from 'sealstream';

import { errorOf, failureOf } from '../support/errors.mjs';
import { key, plaintext, sealed } from '../support/small-segments.mjs';

/** The stream at both ends of a source that claims to have `size` bytes, and zeros in between. */
function claiming(stream: Uint8Array, size: number) {
  const asked: number[] = [];
  const source: RandomAccessSource = {
    size,
    read(offset, length) {
      asked.push(length);
      const bytes = new Uint8Array(length);
      bytes.set(stream.subarray(offset, offset + length));
      if (offset > stream.length) {
        const tail = stream.subarray(Math.max(0, stream.length - (size - offset)));
        bytes.set(tail.subarray(-length), Math.max(0, length - tail.length));
      }
      return Promise.resolve(bytes);
    },
  };
  return { source, asked };
}

test('a header that claims an immense stream is authenticated before its end is fetched', async (t) => {
  for (const claimed of [20e9, 100e9, 2 ** 50]) {
    const stream = Buffer.from(encryptSync(plaintext, { key }));
    stream.writeBigUInt64BE(BigInt(claimed), 24);
    const { source, asked } = claiming(stream, Number.MAX_SAFE_INTEGER);
    const failure = await failureOf(t, () => openReader(source, { key }));
    t.is(failure.kind, 'HeaderDamaged');
    t.true(asked.reduce((sum, length) => sum + length) < 5 * 2 ** 20, String(asked));
  }
});

test('a server that claims an immense end is refused even with an authentic header', async (t) => {
  const stream = Buffer.from(sealed);
  const end = stream.length - 24;
  const size = 2 ** 50;
  // The footer's size of the end, with a right checksum.
  stream.writeBigUInt64BE(2n ** 40n, end);
  stream.writeUInt32BE(crc32c(stream.subarray(end, end + 12)), end + 12);
  const { source, asked } = claiming(stream, size);
  await errorOf(() => openReader(source, { key }));
  t.true(Math.max(...asked) < 2 ** 20, String(asked));
});

/** CRC-32C, as in the CRC catalogue. */
function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** What the language's types do not know yet. */
const Resizable = ArrayBuffer as unknown as new (
  size: number,
  options: { maxByteLength: number },
) => ArrayBuffer & { resize(size: number): void };

test('the memory of a Blob-like object is copied', async (t) => {
  const blob = {
    size: sealed.length,
    slice: (start: number, end: number) => ({
      arrayBuffer() {
        const memory = new Resizable(end - start, { maxByteLength: 2 * (end - start) });
        new Uint8Array(memory).set(sealed.subarray(start, end));
        setTimeout(() => {
          memory.resize(0);
        });
        return Promise.resolve(memory);
      },
    }),
    arrayBuffer: () => undefined,
  };
  const reader = await openReader(blob as never, { key });
  t.deepEqual(await reader.read(0, 1e6), plaintext);
  await reader.close();
  const wrong = { ...blob, slice: () => ({ arrayBuffer: () => Promise.resolve(7) }) };
  t.true((await errorOf(() => openReader(wrong as never, { key }))) instanceof TypeError);
});

test('a handle that reports an impossible number of read bytes is refused', async (t) => {
  for (const bytesRead of [1e9, NaN, undefined, -1]) {
    const handle = {
      fd: 3,
      stat: () => Promise.resolve({ size: sealed.length, isFile: () => true }),
      read: () => Promise.resolve({ bytesRead }),
    };
    const error = await errorOf(() => openReader(handle as never, { key }));
    t.true(error instanceof RangeError || error instanceof TypeError, String(bytesRead));
  }
});

test('a source that aborts and fails at the same time is reported once', async (t) => {
  const abort = new AbortController();
  const source = {
    size() {
      abort.abort(new Error('enough'));
      throw new Error('of the size');
    },
    read: () => Promise.reject(new Error('not called')),
  };
  t.regex(
    String(await errorOf(() => openReader(source, { key, signal: abort.signal }))),
    /enough|of the size/,
  );
});

test('if one request fails, the others are cancelled', async (t) => {
  let tail: AbortSignal | undefined;
  const source: RandomAccessSource = {
    // More than is read at once, so that it takes two requests.
    size: 10 * sealed.length,
    read(offset, _length, signal) {
      if (offset === 0) return Promise.reject(new Error('of the head'));
      tail = signal;
      return new Promise(() => undefined);
    },
  };
  const large = { ...source, size: 1_000_000 };
  t.regex(String(await errorOf(() => openReader(large, { key }))), /of the head/);
  t.true(tail?.aborted);
});

test('a source is closed once, also if nothing begins or if its close calls the reader’s', async (t) => {
  let closed = 0;
  const readers: SealedReader[] = [];
  const source: RandomAccessSource = {
    size: sealed.length,
    read: (offset, length) => Promise.resolve(sealed.subarray(offset, offset + length)),
    close() {
      closed += 1;
      void readers[0]?.close();
    },
  };
  const signal = AbortSignal.abort();
  await errorOf(() => openReader(source, { key, signal }));
  t.is(closed, 1);
  await errorOf(() => decryptSegments(source, { key, signal }).next());
  t.is(closed, 2);
  readers.push(await openReader(source, { key }));
  await readers[0]?.close();
  t.is(closed, 3);
});
