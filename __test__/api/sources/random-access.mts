// Random access under : sources that record how they are read, and helpers for readers.

import { writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { type ExecutionContext } from 'ava';
import { openReader, type RandomAccessInput, type RandomAccessSource, type SealedReader } from 'sealstream';

import { temporaryDirectory } from '../support/files.mjs';
import { key, plaintext, sealed, SIZES } from '../support/small-segments.mjs';

/** A source of the caller's own, which notes what is asked of it. */
export class RecordingSource implements RandomAccessSource {
  readonly reads: { readonly offset: number; readonly length: number; readonly signal: AbortSignal }[] = [];
  closed = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly answer: (bytes: Uint8Array, reads: number) => unknown = (bytes) => bytes,
  ) {}

  get size(): number {
    return this.bytes.length;
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    this.reads.push({ offset, length, signal });
    const bytes = Uint8Array.from(this.bytes.subarray(offset, offset + length));
    return (await this.answer(bytes, this.reads.length)) as Uint8Array;
  }

  close(): void {
    this.closed += 1;
  }
}

/** The same stream from every kind of source. */
export async function sources(
  t: ExecutionContext,
  bytes: Buffer = sealed,
): Promise<Record<string, RandomAccessInput>> {
  const path = join(temporaryDirectory(t), 'sealed');
  writeFileSync(path, bytes);
  const handle = await openFile(path);
  t.teardown(() => handle.close());
  return {
    path,
    url: pathToFileURL(path),
    bytes,
    'shared bytes': shared(bytes),
    'file handle': handle,
    blob: new Blob([bytes]),
    'own source': new RecordingSource(bytes),
    'own source that has to find its size': {
      size: () => Promise.resolve(bytes.length),
      read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    } satisfies RandomAccessSource,
  };
}

export function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

export async function opened(t: ExecutionContext, source: RandomAccessInput = sealed, cacheSize?: number) {
  const reader = await openReader(source, { key, cacheSize });
  t.teardown(() => reader.close());
  return reader;
}

export const [FRAME, SEGMENT, SIZE] = [SIZES.frameSize, SIZES.segmentSize, plaintext.length];
export const PLACES = [
  0,
  1,
  FRAME - 1,
  FRAME,
  SEGMENT - 1,
  SEGMENT,
  SEGMENT + 1,
  3 * SEGMENT,
  SIZE - 1,
  SIZE,
  SIZE + 5,
];

export async function gather<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of from) all.push(each);
  return all;
}

export async function bytesOf(stream: ReturnType<SealedReader['stream']>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Long enough for whatever was begun to have asked its source. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}
