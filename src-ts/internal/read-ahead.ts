// Work on the items of a sequence in their order, some of it started ahead.

/** Starts work for up to `limit` items at a time, and returns the results in order. */
export class ReadAhead<Item, Result> {
  readonly #items: Iterator<Item>;
  readonly #started: Promise<Result>[] = [];
  #current: Promise<Result> | undefined;

  constructor(
    items: Iterable<Item>,
    readonly limit: number,
    readonly start: (item: Item) => Promise<Result>,
  ) {
    this.#items = items[Symbol.iterator]();
  }

  /** The next result; `undefined` after the last. */
  next(): Promise<Result> | undefined {
    while (this.#started.length < this.limit) {
      const item = this.#items.next();
      if (item.done === true) break;
      const work = this.start(item.value);
      // The caller may stop at an earlier failure and never await this one.
      work.catch(() => undefined);
      this.#started.push(work);
    }
    return (this.#current = this.#started.shift());
  }

  /** Waits until all started work has ended, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#current, ...this.#started]);
  }
}
