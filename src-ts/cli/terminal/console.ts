// Text to standard output and standard error, and what these are. It writes to the descriptors themselves: Node's
// stream objects would make a pipe non-blocking, and the engine and other programs use the same pipe.

import { fstatSync, readSync, statSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Standard input. */
export const STDIN = 0;
/** Standard output. */
export const STDOUT = 1;
/** Standard error. */
export const STDERR = 2;

/** Whether the descriptor is a terminal. */
export function isTerminal(fd: number): boolean {
  return isatty(fd);
}

/** Columns of the terminal at standard error. */
export function terminalWidth(): number {
  return process.stderr.columns || 80;
}

/**
 * Writes all of the text or bytes, waiting as long as it takes.
 *
 * @throws What the system says, EPIPE among it.
 */
export function writeAll(fd: number, content: string | Uint8Array): void {
  let rest = typeof content === 'string' ? Buffer.from(content) : content;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (!isRetry(error)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Writes to standard error, where failing to is not worth failing for. */
export function note(text: string): void {
  try {
    writeAll(STDERR, text);
  } catch {
    // Nobody is there to be told.
  }
}

/**
 * Text that shows what it holds and cannot move the cursor, change colours, or pass for another line: control
 * characters and marks of direction are shown as escapes.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const short = SHORT_ESCAPES[character];
    return short ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/**
 * Whether the program was started with this descriptor closed. Node then opens the null device there, to read and
 * to write; a redirection to or from that device has one direction only.
 */
export function wasClosed(fd: typeof STDIN | typeof STDOUT): boolean {
  if (process.platform === 'win32') return false;
  try {
    const [found, nothing] = [fstatSync(fd), statSync('/dev/null')];
    if (!found.isCharacterDevice() || found.rdev !== nothing.rdev) return false;
    if (fd === STDIN) writeSync(fd, '');
    else readSync(fd, new Uint8Array(1));
    return true;
  } catch {
    return false;
  }
}

/** Whether a call to the system is to be made again. */
export function isRetry(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR');
}

const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
