// Streams under test: what goes in, what comes out, and what they tell on the way.

import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';

import { encrypt, type DecryptOptions, type EncryptOptions } from 'sealstream';

import { pattern } from './bytes.mjs';
import { headerSize, key, plaintext, RECORD, sealed, SEGMENTS, withDamage } from './small-segments.mjs';

/** Sizes at every edge of frames of 1024 and segments of 2048. */
export const EDGES = [0, 1, 1023, 1024, 1025, 2047, 2048, 2049, 4096, 4097, 14_000];

/** What a stream may be sealed with besides sizes, and then opened with. */
export const CHOICES: { seal: EncryptOptions; open: DecryptOptions }[] = [
  { seal: {}, open: {} },
  { seal: { digest: 'none' }, open: {} },
  { seal: { digest: 'sha256', keyId: 'a name' }, open: {} },
  { seal: { digest: 'sha512', context: 'tenant-7' }, open: { context: 'tenant-7' } },
  { seal: { digest: 'blake3', context: Buffer.from([0, 255]) }, open: { context: Buffer.from([0, 255]) } },
];

/** Streams that are not as they were sealed, with what of the plaintext is sound in front of the damage. */
export const DAMAGED: Record<string, { stream: Buffer; soundSegments: number }> = {
  'a frame': { stream: withDamage(3), soundSegments: 3 },
  'two frames': { stream: withDamage(2, 4), soundSegments: 2 },
  'the first segment': { stream: withDamage(0), soundSegments: 0 },
  'the last segment': { stream: withDamage(SEGMENTS - 1), soundSegments: SEGMENTS - 1 },
  "a record's header": { stream: changed(headerSize + 4 * RECORD + 9), soundSegments: 4 },
  "a record's digest": { stream: changed(headerSize + 4 * RECORD - 1), soundSegments: 3 },
  'records in another order': { stream: swapped(2, 3), soundSegments: 2 },
  'a record that is missing': { stream: without(5), soundSegments: 5 },
  'a record that is there twice': { stream: twice(1), soundSegments: 2 },
  'the end record': { stream: changed(sealed.length - 100), soundSegments: SEGMENTS },
  'the footer': { stream: changed(sealed.length - 3), soundSegments: SEGMENTS },
  'bytes behind the end': { stream: Buffer.concat([sealed, Buffer.from([0])]), soundSegments: SEGMENTS },
  'a stream behind the end': { stream: Buffer.concat([sealed, sealed]), soundSegments: SEGMENTS },
  'the header': { stream: changed(40), soundSegments: 0 },
  "the header's slot": { stream: changed(150), soundSegments: 0 },
  'no sealed stream at all': { stream: pattern(5000), soundSegments: 0 },
  'nothing at all': { stream: Buffer.alloc(0), soundSegments: 0 },
};

/** Where a stream may be cut: at every edge of its parts and beside it. */
export function* cuts(): Generator<{ size: number; soundSegments: number }> {
  const end = headerSize + 6 * RECORD + (RECORD - 2048 - 32 + 1000);
  const starts = Array.from({ length: SEGMENTS }, (_, index) => headerSize + index * RECORD);
  for (const edge of [
    0,
    64,
    112,
    ...starts,
    starts[3]! + 32,
    starts[3]! + 106,
    end,
    end + 28,
    sealed.length,
  ]) {
    for (const size of [edge - 1, edge, edge + 1]) {
      if (size < 0 || size >= sealed.length) continue;
      const whole = Math.floor(Math.max(0, size - headerSize) / RECORD);
      yield { size, soundSegments: size >= end ? SEGMENTS : Math.min(SEGMENTS - 1, whole) };
    }
  }
}

/** Bytes in chunks of one size, each with memory of its own. */
export function* inChunks(bytes: Uint8Array, size: number): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** What came, even where the source fails; and what it failed with. */
export async function outcome(
  source: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Buffer; error?: unknown; failed: boolean }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of source) chunks.push(chunk);
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error, failed: true };
  }
  return { bytes: Buffer.concat(chunks), failed: false };
}

/** All that comes. */
export async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Every event of a stream's end, in order. */
export function endings(stream: EventEmitter): string[] {
  const told: string[] = [];
  for (const name of ['finish', 'end', 'error', 'close']) {
    stream.on(name, () => told.push(name));
  }
  return told;
}

/** What a function of Node's calls back with, where it is an error. */
export function calledBack(call: (done: (error?: Error | null) => void) => void): Promise<unknown> {
  return new Promise((resolve) => {
    call((error) => {
      resolve(error ?? undefined);
    });
  });
}

/** Waits for an event, whatever errors there are. */
export function heard(stream: EventEmitter, name: string): Promise<unknown> {
  return new Promise((resolve) => stream.once(name, resolve));
}

/** Waits until a stream has told all that it will. */
export function over(stream: Duplex): Promise<unknown> {
  return stream.closed ? Promise.resolve() : heard(stream, 'close');
}

/** What a stream says of itself. */
export function stateOf(stream: Duplex): object {
  const { destroyed, closed, errored, readableEnded, readableAborted, writableEnded, writableFinished } =
    stream;
  return { destroyed, closed, errored, readableEnded, readableAborted, writableEnded, writableFinished };
}

/** Lets all that can go on go on: the engine's threads have had other things to do since, and so had the event loop. */
export async function quiet(): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    await Promise.all(Array.from({ length: 4 }, () => encrypt(plaintext, { key })));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A promise with its functions. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((...functions) => ([resolve, reject] = functions));
  return { promise, resolve, reject };
}

/** An iterable that counts what is done with it; endless unless `size` says how many chunks there are. */
export function counted(chunk: Uint8Array, size = Infinity) {
  const counts = { started: 0, pulled: 0, returned: 0 };
  const ended = deferred();
  const iterable: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      counts.started += 1;
      return {
        next: () => {
          counts.pulled += 1;
          return Promise.resolve(
            counts.pulled <= size ? { value: chunk, done: false } : { value: undefined, done: true },
          );
        },
        return: () => {
          counts.returned += 1;
          ended.resolve();
          return Promise.resolve({ value: undefined, done: true });
        },
      };
    },
  };
  return { counts, iterable, ended: ended.promise };
}

/** Uint8Arrays with the same bytes in every kind of memory. */
export function inEveryMemory(bytes: Uint8Array): Record<string, Uint8Array> {
  const Resizable = ArrayBuffer as new (size: number, options: { maxByteLength: number }) => ArrayBuffer;
  const kinds = {
    buffer: Buffer.from(bytes),
    array: Uint8Array.from(bytes),
    part: new Uint8Array(bytes.length + 9).subarray(5, bytes.length + 5),
    shared: new Uint8Array(new SharedArrayBuffer(bytes.length)),
    resizable: new Uint8Array(new Resizable(bytes.length, { maxByteLength: 2 * bytes.length })),
  };
  for (const kind of Object.values(kinds)) kind.set(bytes);
  return kinds;
}

function changed(at: number): Buffer {
  const stream = Buffer.from(sealed);
  stream[at]! ^= 1;
  return stream;
}

function record(index: number): Buffer {
  return sealed.subarray(headerSize + index * RECORD, headerSize + (index + 1) * RECORD);
}

function swapped(one: number, other: number): Buffer {
  const stream = Buffer.from(sealed);
  record(other).copy(stream, headerSize + one * RECORD);
  record(one).copy(stream, headerSize + other * RECORD);
  return stream;
}

function without(index: number): Buffer {
  const start = headerSize + index * RECORD;
  return Buffer.concat([sealed.subarray(0, start), sealed.subarray(start + RECORD)]);
}

function twice(index: number): Buffer {
  const end = headerSize + (index + 1) * RECORD;
  return Buffer.concat([sealed.subarray(0, end), record(index), sealed.subarray(end)]);
}
