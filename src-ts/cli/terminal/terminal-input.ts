// Reads lines from the terminal without showing them. The terminal is opened by its own name: standard input may be the data.

import { closeSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';

import { writeAll } from './console';
import { CommandError } from '../errors/command-error';
import { interruptible, Interruption } from './interrupt';
import { TypedLine } from './typed-line';

/**
 * Shows a question on the terminal and waits for a line, which is not shown.
 *
 * @returns A copy of its bytes, for the caller to overwrite.
 * @throws Interruption for Ctrl-C and signals; CommandError if the input ends first, and for a line that is too long.
 */
export type Ask = (question: string) => Promise<Uint8Array>;

/**
 * Opens the terminal, calls `work`, and restores the terminal in any case.
 *
 * @param withoutTerminal Advice if there is no terminal.
 * @throws CommandError if there is no terminal; errors of `work`.
 */
export async function onTerminal<T>(withoutTerminal: string, work: (ask: Ask) => Promise<T>): Promise<T> {
  const { input, output, close } = openTerminal(withoutTerminal);
  const interrupt = interruptible();
  const typing = new Typing(input, interrupt.signal);
  try {
    return await work(async (question) => {
      writeAll(output, question);
      try {
        return await typing.line();
      } finally {
        writeAll(output, '\n');
      }
    });
  } finally {
    typing.dispose();
    close();
    interrupt.dispose();
  }
}

function openTerminal(withoutTerminal: string) {
  const undo: (() => void)[] = [];
  const close = (): void => {
    for (const step of undo.splice(0).reverse()) {
      try {
        step();
      } catch {
        // The terminal is gone. Close the rest, and keep the first error.
      }
    }
  };
  try {
    const output = openSync(NAMES.output, 'r+');
    undo.push(() => {
      closeSync(output);
    });
    const input = readStream(openSync(NAMES.input, 'r+'));
    undo.push(() => {
      input.destroy();
    });
    input.setRawMode(true);
    undo.push(() => {
      input.setRawMode(false);
    });
    return { input, output, close };
  } catch {
    close();
    throw new CommandError('NoTerminal', 'there is no terminal to type the passphrase on', withoutTerminal);
  }
}

/** A stream of the descriptor, which is closed if it is not a terminal. */
function readStream(fd: number): ReadStream {
  try {
    return new ReadStream(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The terminal's input, cut into lines. Text that is pasted after a line end belongs to the next line. */
class Typing {
  readonly #pending: Buffer[] = [];
  #wake: () => void = () => undefined;
  #hasEnded = false;
  /** The last byte was a carriage return: a line feed after it is the second half of a pasted line end. */
  #afterReturn = false;

  constructor(
    readonly input: ReadStream,
    readonly signal: AbortSignal,
  ) {
    input.on('data', (chunk: Buffer) => {
      this.#pending.push(chunk);
      this.#wake();
    });
    const end = (): void => {
      this.#hasEnded = true;
      this.#wake();
    };
    // A terminal that disappears causes an error.
    for (const event of ['end', 'close', 'error']) input.on(event, end);
    signal.addEventListener('abort', () => {
      this.#wake();
    });
  }

  async line(): Promise<Uint8Array> {
    const line = new TypedLine();
    try {
      for (;;) {
        this.signal.throwIfAborted();
        const end = this.#feed(line);
        if (end === 'interrupt') throw new Interruption('SIGINT');
        if (end === 'end' || (end === undefined && this.#hasEnded)) {
          throw new CommandError('NoPassphrase', 'no passphrase was typed', 'type it, and press Enter');
        }
        if (end === 'line') {
          if (line.isTooLong) throw tooLong();
          return line.bytes();
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      line.dispose();
    }
  }

  dispose(): void {
    for (const chunk of this.#pending) chunk.fill(0);
  }

  #feed(line: TypedLine): 'line' | 'interrupt' | 'end' | undefined {
    for (;;) {
      let [chunk] = this.#pending;
      if (chunk === undefined) return undefined;
      if (this.#afterReturn && chunk[0] === LINE_FEED) chunk = chunk.subarray(1);
      if (chunk.length > 0) this.#afterReturn = false;
      const taken = line.take(chunk);
      const used = taken?.used ?? chunk.length;
      this.#afterReturn ||= used > 0 && chunk[used - 1] === RETURN;
      chunk.subarray(0, used).fill(0);
      if (used < chunk.length) this.#pending[0] = chunk.subarray(used);
      else this.#pending.shift();
      if (taken !== undefined) return taken.end;
    }
  }
}

/** The error for a passphrase that is too long. */
export function tooLong(): CommandError {
  return new CommandError(
    'NoPassphrase',
    'the passphrase has more than 65,536 bytes',
    'use a shorter one, or a key file',
  );
}

const NAMES =
  process.platform === 'win32'
    ? { input: String.raw`\\.\CONIN$`, output: String.raw`\\.\CONOUT$` }
    : { input: '/dev/tty', output: '/dev/tty' };
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
