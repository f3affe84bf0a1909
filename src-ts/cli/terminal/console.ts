// Writes to standard output and standard error by their descriptors: Node's stream objects would make a pipe non-blocking,
// which the engine and other programs share.

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
 * Writes all of the text or bytes, however long that takes.
 *
 * @throws The system's errors, EPIPE among them.
 */
export function writeAll(fd: number, content: string | Uint8Array): void {
  let rest = typeof content === 'string' ? Buffer.from(content) : content;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (!isRetry(error)) throw error;
      pause();
    }
  }
}

/** Writes to standard error. An error is ignored: there is nowhere to report it. */
export function note(text: string): void {
  try {
    writeAll(STDERR, text);
  } catch {
    // Standard error is closed.
  }
}

/**
 * Text that can't move the cursor, change colours or look like another line: control characters and direction marks become
 * escapes.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const short = SHORT_ESCAPES[character];
    return short ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/**
 * Whether the program was started with this descriptor closed. Node then opens the null device there for reading and
 * writing; a redirection opens it for one of them.
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

/** Whether a system call must be repeated: a signal interrupted it, or another program made the pipe non-blocking. */
export function isRetry(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR');
}

/** Waits 5 ms before a system call is repeated. */
export function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
