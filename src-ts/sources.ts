// What is read by offset: by the addon itself, or by JavaScript for it.

import type { FileHandle } from 'node:fs/promises';
import { types } from 'node:util';

import type { Source } from '../native/binding';
import { fixedBytes, isBytes } from './bytes';
import { rangeError, SealError, typeError } from './errors';
import { checkedInteger, checkedPath } from './options';
import type { Stop } from './stop';

/** A sealed stream that can be read at any place: a path, a `file:` URL, or its bytes. */
export type SourceInput = string | URL | Uint8Array;

/** The same, or what JavaScript reads: an open file, a Blob, or anything else that can be read at any place. */
export type RandomAccessInput = SourceInput | FileHandle | Blob | RandomAccessSource;

/** Anything that can be read at any place. It must not change while it is in use. */
export interface RandomAccessSource {
  /** Bytes in all; or a function that finds out, called once when the source is opened. */
  readonly size: number | ((signal: AbortSignal) => Promise<number>);
  /**
   * The `length` bytes from `offset` on: exactly as many, since nobody asks for what is past `size`. Several calls may be
   * under way at once. What it throws is what the read that needed it rejects with. Once `signal` is aborted nobody waits
   * for the bytes any more. They are copied.
   */
  read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Called once, when what was opened on it is closed or could not be opened, if it is there. */
  close?(): void | Promise<void>;
}

/** @internal */
export function sourceArgument(name: string, source: unknown): Source {
  return isBytes(source) ? { bytes: fixedBytes(name, source) } : { path: checkedPath(name, source) };
}

/** A source as it is used: `direct` where the addon reads it by itself. @internal */
export type Origin =
  | { readonly direct: Source; readonly fetched?: undefined }
  | { readonly direct?: undefined; readonly fetched: FetchedSource };

/** What JavaScript reads for the addon. Its bytes are nobody else's. @internal */
export interface FetchedSource {
  size(stop: Stop): unknown;
  read(offset: number, length: number, stop: Stop): Promise<Uint8Array>;
  close(): unknown;
}

/** @internal */
export function originArgument(name: string, source: unknown): Origin {
  if (typeof source !== 'object' || source === null || source instanceof URL || isBytes(source)) {
    return { direct: sourceArgument(name, source) };
  }
  if (isFileHandle(source)) return { fetched: fileHandleSource(source) };
  if (isBlob(source)) return { fetched: blobSource(source) };
  const { size, read, close } = source as Partial<Record<keyof RandomAccessSource, unknown>>;
  if (typeof read !== 'function') {
    throw typeError(
      name,
      'a path, a file: URL, a Uint8Array, a FileHandle, a Blob, or an object with size and read()',
      source,
    );
  }
  if (typeof size !== 'function') checkedSize(`${name}.size`, size);
  if (close !== undefined && typeof close !== 'function')
    throw typeError(`${name}.close`, 'a function', close);
  return { fetched: copying(source as RandomAccessSource) };
}

/** @internal */
export function checkedSize(name: string, size: unknown): number {
  return checkedInteger(name, size, 0, Number.MAX_SAFE_INTEGER);
}

/** What a stranger's source gives, checked, and copied: the engine reads it while whoever gave it may do anything with it. */
function copying(source: RandomAccessSource): FetchedSource {
  return {
    size: ({ signal }) => (typeof source.size === 'function' ? source.size(signal) : source.size),
    async read(offset, length, { signal }) {
      const bytes: unknown = await source.read(offset, length, signal);
      if (!isBytes(bytes)) throw typeError("what the source's read() gives", 'a Uint8Array', bytes);
      if (bytes.length !== length) {
        throw rangeError("what the source's read() gives", `must have ${length} bytes, not ${bytes.length}`);
      }
      const copy = Buffer.allocUnsafeSlow(length);
      copy.set(bytes);
      return copy;
    },
    close: () => source.close?.(),
  };
}

/** Leaves the handle open: whoever opened it closes it. */
function fileHandleSource(handle: FileHandle): FetchedSource {
  let size = 0;
  return {
    async size() {
      const status = await handle.stat();
      if (!status.isFile()) throw rangeError('source', 'must be open on a regular file');
      size = status.size;
      return size;
    },
    async read(offset, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw becameShorter(size);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => undefined,
  };
}

function becameShorter(expected: number): SealError {
  return new SealError(
    `the source changed since it was opened: it had ${expected} bytes, and now fewer`,
    'ERR_SEAL_SOURCE_CHANGED',
    { kind: 'SourceChanged', expected, relation: 'Shorter' },
  );
}

function blobSource(blob: Blob): FetchedSource {
  return {
    size: () => blob.size,
    async read(offset, length) {
      const bytes = new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      // A blob of a file that was changed fails by itself in Node; elsewhere it may be short.
      if (bytes.length !== length) throw becameShorter(blob.size);
      return bytes;
    },
    close: () => undefined,
  };
}

/** By what they have: they may come from another realm. */
function isFileHandle(source: object): source is FileHandle {
  const { fd, read, stat } = source as Partial<Record<keyof FileHandle, unknown>>;
  return typeof fd === 'number' && typeof read === 'function' && typeof stat === 'function';
}

function isBlob(source: object): source is Blob {
  const { size, slice, arrayBuffer } = source as Partial<Record<keyof Blob, unknown>>;
  return (
    typeof size === 'number' &&
    typeof slice === 'function' &&
    typeof arrayBuffer === 'function' &&
    !types.isAnyArrayBuffer(source)
  );
}
