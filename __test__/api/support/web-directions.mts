// The web's streams of either direction, for tests that hold for both.

import { ReadableStream, type WritableStream } from 'node:stream/web';

import test, { type ExecutionContext } from 'ava';
import { DecryptionStream, EncryptionStream, type DecryptReport, type EncryptReport } from 'sealstream';

import { all } from './conversions.mjs';
import { key, plaintext, sealed, SIZES } from './small-segments.mjs';

/** Either of the two. */
export interface Pair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly report: Promise<EncryptReport | DecryptReport>;
}
type Make = (options?: { concurrency?: number; signal?: AbortSignal }) => Pair;

export const sealing = (options: object = {}) => new EncryptionStream({ key, ...SIZES, ...options });
export const opening = (options: object = {}) => new DecryptionStream({ key, ...options });

const BOTH: [name: string, make: Make, input: Buffer, output: number][] = [
  ['sealing', sealing, plaintext, sealed.length],
  ['opening', opening, sealed, plaintext.length],
];

/** A test of each kind of stream. */
export function both(
  title: string,
  run: (t: ExecutionContext, make: Make, input: Buffer, output: number) => Promise<void>,
): void {
  for (const [name, make, input, output] of BOTH) {
    test(`${title} (${name})`, (t) => run(t, make, input, output));
  }
}

/** What goes through a pair. */
export function through(pair: Pair, ...chunks: (ArrayBuffer | ArrayBufferView)[]): Promise<Buffer> {
  return all(ReadableStream.from(chunks).pipeThrough(pair));
}
