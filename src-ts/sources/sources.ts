// What is read by offset: by the addon itself, or by JavaScript for it.

import type { FileHandle } from 'node:fs/promises';
import { types } from 'node:util';

import type { Source } from '../../native/binding';
import { bare } from '../internal/null-prototype';
import { fixedBytes, isBytes } from '../internal/bytes';
import { rangeError, SealError, typeError } from '../api/errors';
import { checkedInteger, checkedPath } from '../internal/options';
import type { Stop } from '../internal/canceller';

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
  /**
   * Called once, when what was opened on it is closed or could not be opened, if it is there. Reads whose signal was aborted
   * may still be under way.
   */
  close?(): void | Promise<void>;
}

/** @internal */
export function sourceArgument(name: string, source: unknown): Source {
  return isBytes(source) ? bare({ bytes: fixedBytes(name, source) }) : fileAt(checkedPath(name, source));
}

/** A source with its detached header, if there is one. @internal */
export function sourceWith(source: Source, header: Uint8Array | undefined): Source {
  return header === undefined ? source : bare({ ...source, header });
}

/** The file at a path that was checked. @internal */
export function fileAt(path: string): Source {
  return bare({ path });
}

/** A source as it is used: `direct` where the addon reads it by itself. @internal */
export type Origin =
  | { readonly direct: Source; readonly fetched?: undefined }
  | {
      readonly direct?: undefined;
      readonly fetched: Fetcher;
      /** The detached header, if the source is only the body. */
      readonly header?: Uint8Array;
    };

/** What JavaScript reads for the addon. Its bytes are nobody else's. @internal */
export interface Fetcher {
  size(stop: Stop): unknown;
  read(offset: number, length: number, stop: Stop): Promise<Uint8Array>;
  close(): unknown;
}

/** @internal */
export function originArgument(name: string, source: unknown): Origin {
  if (isWebAddress(source)) {
    // Its query may be a secret, and is not shown.
    throw rangeError(name, 'must not be a web address: httpSource(url) reads from one');
  }
  if (typeof source === 'string' || source instanceof URL || isBytes(source)) {
    return { direct: sourceArgument(name, source) };
  }
  if (typeof source !== 'object' || source === null) throw typeError(name, SOURCES, source);
  if (isFileHandle(source)) return { fetched: fileHandleSource(source) };
  if (source instanceof Blob) return { fetched: blobSource(source) };
  if (isBlobLike(source)) return { fetched: blobLikeSource(source) };
  const { size, read, close } = source as Partial<Record<keyof RandomAccessSource, unknown>>;
  if (typeof read !== 'function' || size === undefined) {
    // A stream has a read() too.
    throw typeError(name, SOURCES, source);
  }
  if (typeof size !== 'function') checkedSize(`${name}.size`, size);
  if (close !== undefined && typeof close !== 'function')
    throw typeError(`${name}.close`, 'a function', close);
  return { fetched: copying(source as RandomAccessSource) };
}

/** The same source as the body of a detached header. @internal */
export function originWith(origin: Origin, header: Uint8Array | undefined): Origin {
  if (header === undefined) return origin;
  return origin.fetched ? { ...origin, header } : { direct: sourceWith(origin.direct, header) };
}

/** @internal */
export function checkedSize(name: string, size: unknown): number {
  return checkedInteger(name, size, 0, Number.MAX_SAFE_INTEGER);
}

/** What a stranger's source gives, checked, and copied: the engine reads it while whoever gave it may do anything with it. */
function copying(source: RandomAccessSource): Fetcher {
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
function fileHandleSource(handle: FileHandle): Fetcher {
  let size = 0;
  const underWay = new Set<Promise<unknown>>();
  const readFully = async (offset: number, length: number): Promise<Buffer> => {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw becameShorter(size);
      checkedInteger("what the handle's read() gives as bytesRead", bytesRead, 1, length - done);
      done += bytesRead;
    }
    return bytes;
  };
  return {
    async size() {
      const status = await handle.stat();
      if (!status.isFile()) throw rangeError('source', 'must be open on a regular file');
      size = status.size;
      return size;
    },
    async read(offset, length) {
      const reading = readFully(offset, length);
      underWay.add(reading);
      try {
        return await reading;
      } finally {
        underWay.delete(reading);
      }
    },
    // The handle stays open; who closes it then must not do so under a read that was given up.
    close: () => Promise.allSettled(underWay),
  };
}

function becameShorter(expected: number): SealError {
  return new SealError(
    `the source changed since it was opened: it had ${expected} bytes, and now fewer`,
    'ERR_SEAL_SOURCE_CHANGED',
    { kind: 'SourceChanged', expected, relation: 'Shorter' },
  );
}

function blobSource(blob: Blob): Fetcher {
  return {
    size: () => blob.size,
    async read(offset, length) {
      // Its own methods, whose memory is nobody else's, whatever an object that inherits from it has.
      const part = Blob.prototype.slice.call(blob, offset, offset + length);
      const bytes = new Uint8Array(await Blob.prototype.arrayBuffer.call(part));
      // A blob of a file that was changed fails by itself in Node; elsewhere it may be short.
      if (bytes.length !== length) throw becameShorter(blob.size);
      return bytes;
    },
    close: () => undefined,
  };
}

/** What has the methods of a Blob, as one of another realm: its memory may be anybody's. */
function blobLikeSource(blob: Blob): Fetcher {
  return copying({
    size: blob.size,
    async read(offset, length) {
      const memory: unknown = await blob.slice(offset, offset + length).arrayBuffer();
      if (!types.isAnyArrayBuffer(memory))
        throw typeError("what the source's arrayBuffer() gives", 'an ArrayBuffer', memory);
      return new Uint8Array(memory);
    },
  });
}

function isWebAddress(source: unknown): boolean {
  if (source instanceof URL) return /^https?:$/.test(source.protocol);
  return typeof source === 'string' && /^https?:\/\//i.test(source);
}

const SOURCES =
  'a path, a file: URL, a Uint8Array, a FileHandle, a Blob, or an object with size and read(offset, length, signal)';

/** By what they have: they may come from another realm. */
function isFileHandle(source: object): source is FileHandle {
  const { fd, read, stat } = source as Partial<Record<keyof FileHandle, unknown>>;
  return typeof fd === 'number' && typeof read === 'function' && typeof stat === 'function';
}

function isBlobLike(source: object): source is Blob {
  const { size, slice, arrayBuffer } = source as Partial<Record<keyof Blob, unknown>>;
  return (
    typeof size === 'number' &&
    typeof slice === 'function' &&
    typeof arrayBuffer === 'function' &&
    !types.isAnyArrayBuffer(source)
  );
}

/** Bytes that are read of a source first, together with its last: the header of a file. A source may have them ready. @internal */
export const HEAD = 4096;
