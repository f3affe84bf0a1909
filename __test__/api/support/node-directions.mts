// Node's streams of either direction, for tests that hold for both.

import type { Duplex } from 'node:stream';

import test, { type ExecutionContext } from 'ava';
import { createDecryptStream, createEncryptStream } from 'sealstream';

import { all } from './conversions.mjs';
import { key, plaintext, sealed, SIZES } from './small-segments.mjs';

type Marks = Partial<Record<'highWaterMark' | 'readableHighWaterMark' | 'writableHighWaterMark', number>>;
/** Makes one. */
export type Make = (options?: Marks & { concurrency?: number; signal?: AbortSignal }) => Duplex;

const BOTH: [name: string, make: Make, input: Buffer][] = [
  ['sealing', (options) => createEncryptStream({ key, ...SIZES, ...options }), plaintext],
  ['opening', (options) => createDecryptStream({ key, ...options }), sealed],
];

/** A test of each kind of stream. */
export function both(
  title: string,
  run: (t: ExecutionContext, make: Make, input: Buffer) => Promise<void>,
): void {
  for (const [name, make, input] of BOTH) {
    test(`${title} (${name})`, (t) => run(t, make, input));
  }
}

/** The result of bytes written to a sealing stream. */
export function seal(bytes: Uint8Array, options: object = {}): Promise<Buffer> {
  return all(createEncryptStream({ key, ...SIZES, ...options }).end(bytes));
}

/** The result of bytes written to an opening stream. */
export function open(bytes: Uint8Array, options: object = {}): Promise<Buffer> {
  return all(createDecryptStream({ key, ...options }).end(bytes));
}
