// Objects that stand for secrets, and print nothing of them.

import { inspect } from 'node:util';

/** Prints as a label in brackets, whatever prints it. */
export abstract class Labelled {
  readonly #label: string;

  /** @internal */
  constructor(label: string) {
    this.#label = `[${label}]`;
  }

  /** What it is, in brackets: never what it holds. */
  toString(): string {
    return this.#label;
  }

  /** The same as `toString`. */
  toJSON(): string {
    return this.#label;
  }

  /** The same as `toString`. */
  [Symbol.toPrimitive](): string {
    return this.#label;
  }

  /** The same as `toString`. */
  [inspect.custom](): string {
    return this.#label;
  }
}
