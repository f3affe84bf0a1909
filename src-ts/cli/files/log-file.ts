// A text file that grows line by line. Each line is flushed to the disk.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, statSync } from 'node:fs';

import { writeAll } from '../terminal/console';
import { CommandError, refusal } from '../errors/command-error';
import { explainSystem, isSystemError } from '../errors/explain-system';

/** A log, to read and to append to. */
export class LogFile {
  readonly #fd: number;

  /**
   * Opens a log, or creates one that only its owner can read.
   *
   * @param option The option that names it.
   * @param isLine Whether a text is a line of such a log.
   * @throws CommandError for a file that is not such a log; the system's errors.
   */
  constructor(
    readonly path: string,
    option: string,
    isLine: (text: string) => boolean,
  ) {
    // Checked first: opening a device can have effects.
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() === false) {
      throw refusal(`${option} ${path} is not a regular file`, `name a file with ${option}`);
    }
    this.#fd = openSync(path, 'a+', 0o600);
    try {
      const { size } = fstatSync(this.#fd);
      // The first lines only: a file that is named by mistake may be of any size.
      if (size > 0 && !Array.from(this.lines(CHECKED_BYTES)).some(isLine)) {
        throw refusal(
          `${option} ${path} is not a log: it has other contents`,
          `name a new file with ${option}`,
        );
      }
      // Ends a last line that was cut short.
      const last = Buffer.alloc(1);
      if (size > 0 && readSync(this.#fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) {
        this.#write('\n');
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Every complete line, from the first. Lines that are longer than any log line are skipped. */
  *lines(end: number = Number.MAX_SAFE_INTEGER): Generator<string, void, undefined> {
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
   * Appends a line and flushes it to the disk.
   *
   * @throws CommandError if it can't be written.
   */
  add(line: string): void {
    this.#write(`${line}\n`);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(text: string): void {
    try {
      writeAll(this.#fd, text);
      fsyncSync(this.#fd);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const { message, advice } = explainSystem(error);
      throw new CommandError('LogUnwritable', `can't write the log ${this.path}: ${message}`, advice);
    }
  }
}

const NEWLINE = 0x0a;
// A path has at most 4,096 bytes, and JSON may escape each as six.
const LONGEST_LINE = 2 ** 16;
const CHECKED_BYTES = 2 ** 20;
