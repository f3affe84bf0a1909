// Sources that are read by offset: by the addon itself, or by JavaScript for it.

import type { FileHandle } from 'node:fs/promises';
import { types } from 'node:util';

import type { CallerBytes, Source } from '../../native/binding';
import { native } from '../internal/binding';
import { nullPrototype } from '../internal/null-prototype';
import { isBytes, newMemory, sizeOf, takenBytes } from '../internal/bytes';
import type { Canceller } from '../internal/canceller';
import { rangeError, typeError } from '../internal/errors';
import { byteCount, callback, hasMethods, integer, member, path as checkedPath } from '../internal/options';
import { SealError } from '../api/errors';

/** A sealed stream that can be read at any offset: a path, a `file:` URL, or its bytes. */
export type SourceInput = string | URL | Uint8Array;

/** A {@link SourceInput}, or a source that JavaScript reads: an open file, a Blob, or another object that reads by offset. */
export type RandomAccessInput = SourceInput | FileHandle | Blob | RandomAccessSource;

/** An object that reads by offset. Its bytes must not change while it is in use. */
export interface RandomAccessSource {
  /** The number of bytes; or a function that finds it out, called once when the source is opened. */
  readonly size: number | ((signal: AbortSignal) => Promise<number>);
  /**
   * Reads exactly `length` bytes from `offset` on; never past `size`. Several calls may run at once. If it throws, the read that needed
   * the bytes rejects with the same error. After `signal` is aborted, no caller waits for the bytes. They are copied.
   */
  read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * Called once, if it exists, when the stream over the source is closed or could not be opened. Reads whose signal was aborted may
   * still be running.
   */
  close?(): void | Promise<void>;
}

/** A source that the addon reads, with its header if that is detached. Release it after its last operation. */
export function sourceArgument(name: string, source: unknown, header?: Uint8Array): Source {
  if (!isBytes(source)) return fileSource(pathOfSource(name, source), header);
  return nullPrototype({ bytes: takenBytes(name, source), ...(header && { header }) });
}

/** Checks a source that is not bytes. */
export function pathOfSource(name: string, source: unknown): string {
  if (typeof source === 'string' || source instanceof URL) return checkedPath(name, source);
  throw typeError(name, 'a path, a file: URL or a Uint8Array', source);
}

/** The file at a path that was checked, with its header if that is detached. */
export function fileSource(path: string, header?: Uint8Array): Source {
  return nullPrototype({ path, ...(header && { header }) });
}

/** Frees the bytes of a source when no operation needs them. */
export function releaseSource({ bytes, fetched }: Source): void {
  bytes?.release();
  for (const part of fetched?.parts ?? []) part.bytes.release();
}

/** A source that the addon reads by itself, or one that JavaScript reads for it. */
export type Origin =
  | { readonly direct: Source; readonly fetched?: undefined }
  | {
      readonly direct?: undefined;
      readonly fetched: Fetcher;
      /** The detached header, if the source is only the body. */
      readonly header?: Uint8Array;
    };

/** Reads for the addon. The bytes that it returns are copies. */
export interface Fetcher {
  size(canceller: Canceller): unknown;
  read(offset: number, length: number, canceller: Canceller): Promise<CallerBytes>;
  close(): unknown;
}

/** Checks a source, with its header if that is detached. */
export function originArgument(name: string, source: unknown, header?: Uint8Array): Origin {
  const isAddress = typeof source === 'string' || source instanceof URL;
  if (isAddress && /^https?:\/\//i.test(String(source))) {
    // The message must not show the address: its query may be a secret.
    throw rangeError(name, 'must not be a web address: httpSource(url) reads from one');
  }
  if (isAddress || isBytes(source)) return nullPrototype({ direct: sourceArgument(name, source, header) });
  return nullPrototype({ fetched: fetcher(name, source), ...(header && { header }) });
}

function fetcher(name: string, source: unknown): Fetcher {
  if (typeof source !== 'object' || source === null) throw typeError(name, SOURCES, source);
  if (isFileHandle(source)) return fileHandleFetcher(source);
  if (source instanceof Blob || isBlobLike(source)) return blobFetcher(source);
  const [size, read, close] = ['size', 'read', 'close'].map((property) => member(source, property));
  // A stream has read() too, but no size.
  if (typeof read !== 'function' || size === undefined) throw typeError(name, SOURCES, source);
  if (typeof size !== 'function') byteCount(`${name}.size`, size);
  if (close !== undefined) callback(`${name}.close`, close);
  return objectFetcher(source as RandomAccessSource);
}

function objectFetcher(source: RandomAccessSource): Fetcher {
  return {
    size: ({ signal }) => (typeof source.size === 'function' ? source.size(signal) : source.size),
    read: async (offset, length, { signal }) => copyOf(await source.read(offset, length, signal), length),
    close: () => (hasMethods(source, 'close') ? source.close() : undefined),
  };
}

/** Checks and copies what a caller's source returned: the engine reads it while the source may change it. */
function copyOf(bytes: unknown, length: number): CallerBytes {
  if (!isBytes(bytes)) throw typeError("what the source's read() gives", 'a Uint8Array', bytes);
  const size = sizeOf(bytes);
  if (size === length) return new native.CallerBytes(bytes, true);
  throw rangeError("what the source's read() gives", `must have ${length} bytes, not ${size}`);
}

/** Leaves the handle open: its opener closes it. */
function fileHandleFetcher(handle: FileHandle): Fetcher {
  let size = 0;
  const running = new Set<Promise<unknown>>();
  const readFully = async (offset: number, length: number): Promise<CallerBytes> => {
    const bytes = newMemory(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw sourceShrank(size);
      done += integer(1, length - done)("what the handle's read() gives as bytesRead", bytesRead);
    }
    return copyOf(bytes, length);
  };
  return {
    async size() {
      const status = await handle.stat();
      if (!status.isFile()) throw rangeError('source', 'must be open on a regular file');
      return (size = status.size);
    },
    read(offset, length) {
      const reading = readFully(offset, length).finally(() => running.delete(reading));
      running.add(reading);
      return reading;
    },
    // The caller may close the handle next, which must not happen during a cancelled read.
    close: () => Promise.allSettled(running),
  };
}

function sourceShrank(expected: number): SealError {
  return new SealError(
    `the source changed since it was opened: it had ${expected} bytes, and now fewer`,
    'ERR_SEAL_SOURCE_CHANGED',
    { kind: 'SourceChanged', expected, relation: 'shorter' },
  );
}

function blobFetcher(blob: Blob): Fetcher {
  // The class's own methods, even if a subclass overrides them.
  const isOwn: boolean = blob instanceof Blob;
  return {
    size: () => blob.size,
    async read(offset, length) {
      const [start, end] = [offset, offset + length];
      const memory: unknown = isOwn
        ? await Blob.prototype.arrayBuffer.call(Blob.prototype.slice.call(blob, start, end))
        : await blob.slice(start, end).arrayBuffer();
      if (!types.isAnyArrayBuffer(memory)) {
        throw typeError("what the source's arrayBuffer() gives", 'an ArrayBuffer', memory);
      }
      const bytes = new Uint8Array(memory);
      // In Node a changed file fails by itself; elsewhere its blob may become shorter.
      if (isOwn && sizeOf(bytes) !== length) throw sourceShrank(blob.size);
      return copyOf(bytes, length);
    },
    close: () => undefined,
  };
}

function isFileHandle(source: object): source is FileHandle {
  return hasMethods(source, 'read', 'stat') && typeof (source as Partial<FileHandle>).fd === 'number';
}

function isBlobLike(source: object): source is Blob {
  if (!hasMethods(source, 'slice', 'arrayBuffer') || types.isAnyArrayBuffer(source)) return false;
  return typeof (source as Partial<Blob>).size === 'number';
}

const SOURCES =
  'a path, a file: URL, a Uint8Array, a FileHandle, a Blob, or an object with size and read(offset, length, signal)';

/** Bytes of a source that are read first, together with its last: the header of a file. A source may fetch them in advance. */
export const HEAD_SIZE = 4096;
