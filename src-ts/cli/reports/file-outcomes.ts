// What commands that work on many files tell of each, and at last of all.

import { printable } from '../terminal/console';
import { worstOf } from '../errors/exit-codes';
import type { Explanation } from '../errors/explanation';

/** A file that could not be worked on, and why. */
export interface Failed {
  readonly path: string;
  readonly failure: Explanation;
}

/** Lines about such a file; `head` is the word that they begin with. */
export function failedText(head: string, { path, failure: { message, advice } }: Failed): string {
  const told = message.includes(path) ? message : `${path}: ${message}`;
  return lines(`${head}${printable(told)}`, advice === '' ? [] : [printable(advice)]);
}

/** The same as an object. */
export function failedObject(status: string, { path: file, failure: found }: Failed): object {
  const { code, kind, message, advice, exitCode, failure } = found;
  return { file, status, error: { code, kind, message, advice, exitCode, failure: failure ?? null } };
}

/** A line, and others that belong to it. */
export function lines(first: string, below: readonly string[]): string {
  return [first, ...below.map((line) => `  ${line}`), ''].join('\n');
}

/** How long it took, and how it ends. */
export class Tally {
  readonly #began = Date.now();
  readonly #exitCodes = new Set<number>();

  /** Counts an exit code of one of the files. */
  add(exitCode: number): void {
    this.#exitCodes.add(exitCode);
  }

  /** The exit code of it all: that of the worst. */
  get exitCode(): number {
    return worstOf(this.#exitCodes);
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return Date.now() - this.#began;
  }
}
