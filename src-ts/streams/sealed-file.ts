// A sealed file as the source of a stream.

import type { Cancellation, FileInput } from '../../native/binding';
import { native } from '../internal/binding';
import { awaitNative } from '../internal/errors';
import type { ByteSource } from './byte-source';

/** A sealed file that is read in order, behind its header. */
export class SealedFile implements ByteSource {
  #file: FileInput | undefined;
  #offset = 0;
  #isStopped = false;

  constructor(readonly path: string) {}

  async open(cancellation: Cancellation): Promise<FileInput> {
    const file = (this.#file = await native.openFileInput(this.path, cancellation));
    if (this.#isStopped) file.close();
    return file;
  }

  /** Continues behind the header, which the addon has read. */
  skip(headerSize: number): void {
    this.#offset = headerSize;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const bytes = await awaitNative(() => this.#file?.read(this.#offset, READ_SIZE));
    if (bytes === undefined || bytes.length === 0) {
      this.#file?.close();
      return { done: true, value: undefined };
    }
    this.#offset += bytes.length;
    return { done: false, value: bytes };
  }

  stop(): void {
    this.#isStopped = true;
    this.#file?.close();
  }
}

const READ_SIZE = 256 * 1024;
