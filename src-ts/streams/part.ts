// Bytes that come in any chunks and are needed together.

/** A part of a stream, as far as it has come. @internal */
export class Part {
  #memory = Buffer.alloc(0);
  #filled = 0;

  /** @param due Bytes that it has, or at least the ones that tell. */
  constructor(public due: number) {}

  /** Whether all that is due has come. */
  isFull(): boolean {
    return this.#filled >= this.due;
  }

  /** What has come of it. */
  get bytes(): Buffer {
    return this.#memory.length === this.#filled ? this.#memory : this.#memory.subarray(0, this.#filled);
  }

  /** Copies bytes of a chunk from some position on, as many as are due, and returns how many. */
  take(chunk: Uint8Array, from: number): number {
    const count = Math.min(this.due - this.#filled, chunk.length - from);
    this.#reserve(this.#filled + count);
    this.#memory.set(chunk.subarray(from, from + count), this.#filled);
    this.#filled += count;
    return count;
  }

  /** Memory grows with what comes: a size that is only claimed is not allocated. */
  #reserve(size: number): void {
    if (size <= this.#memory.length) return;
    const larger = Math.max(size, 2 * this.#memory.length, AT_ONCE);
    const memory = Buffer.allocUnsafeSlow(Math.min(this.due, larger));
    this.#memory.copy(memory, 0, 0, this.#filled);
    this.#memory = memory;
  }
}

/** Segments of the default size get their memory at once. */
const AT_ONCE = 2 * 1024 * 1024;
