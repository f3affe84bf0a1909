// A text file that grows by a line at a time, each on the disk before the next step.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, statSync } from 'node:fs';

import { writeAll } from '../terminal/console';
import { CommandError, refusal } from '../errors/usage-error';
import { explainSystem, isSystemError } from '../errors/explain-system';

/** A log that is read, and added to. */
export class LogFile {
  readonly #fd: number;

  /**
   * Opens a log, or makes one that only its owner can read.
   *
   * @param option The option that names it.
   * @param isLine Whether a text is a line of such a log.
   * @throws CommandError for a file that is something else; what the system says.
   */
  constructor(
    readonly path: string,
    option: string,
    isLine: (text: string) => boolean,
  ) {
    // Before it is opened: that alone does something to a device.
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() === false) {
      throw refusal(`${option} ${path} is not a regular file`, `name a file with ${option}`);
    }
    this.#fd = openSync(path, 'a+', 0o600);
    try {
      const { size } = fstatSync(this.#fd);
      if (size > 0 && !this.#holds(isLine)) {
        throw refusal(
          `${option} ${path} is not a log: it holds something else`,
          `name a new file with ${option}`,
        );
      }
      // The last line may be torn.
      const last = Buffer.alloc(1);
      if (size > 0 && readSync(this.#fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) {
        this.#write('\n');
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Every line that is complete, from the first. One that is longer than any that is written counts as none. */
  *lines(end = Infinity): Generator<string, void, undefined> {
    const buffer = Buffer.alloc(LONGEST_LINE);
    let [position, filled, isTooLong] = [0, 0, false];
    while (position < end) {
      const count = readSync(this.#fd, buffer, filled, buffer.length - filled, position);
      if (count === 0) return;
      position += count;
      filled += count;
      let start = 0;
      for (;;) {
        const next = buffer.subarray(0, filled).indexOf(NEWLINE, start);
        if (next === -1) break;
        if (!isTooLong) yield buffer.toString('utf8', start, next);
        isTooLong = false;
        start = next + 1;
      }
      buffer.copyWithin(0, start, filled);
      filled -= start;
      if (filled === buffer.length) [filled, isTooLong] = [0, true];
    }
  }

  /**
   * Adds a line, and has it on the disk.
   *
   * @throws CommandError where it can't be written.
   */
  add(line: string): void {
    this.#write(`${line}\n`);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Looks at the first lines only: what it is given by mistake may be of any size. */
  #holds(isLine: (text: string) => boolean): boolean {
    for (const line of this.lines(LOOKED_AT)) if (isLine(line)) return true;
    return false;
  }

  #write(text: string): void {
    try {
      writeAll(this.#fd, text);
      fsyncSync(this.#fd);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const { message, advice } = explainSystem(error);
      throw new CommandError('LogUnwritable', `the log ${this.path} can't be written: ${message}`, advice);
    }
  }
}

const NEWLINE = 0x0a;
// A path has 4,096 bytes at most, of which JSON may write each as six.
const LONGEST_LINE = 2 ** 16;
const LOOKED_AT = 2 ** 20;
