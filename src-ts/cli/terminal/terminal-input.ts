// Lines that are typed on the terminal unseen. The terminal is opened by its own name, since standard input may be the data.

import { closeSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';

import { writeAll } from './console';
import { CommandError } from '../errors/usage-error';
import { interruptible, Interruption } from './interrupt';
import { TypedLine } from './typed-line';

/** Asks for lines on a terminal that shows nothing of them. */
export interface Asker {
  /**
   * Shows the question and waits for a line.
   *
   * @returns Its bytes as they were typed, in memory of their own, for the caller to overwrite.
   * @throws Interruption for Ctrl-C and signals; CommandError where nothing was typed and the input ended, and where too much
   *   was.
   */
  readonly ask: (question: string) => Promise<Uint8Array>;
  /** Says something. */
  readonly tell: (text: string) => void;
}

/**
 * Takes the terminal, has `work` ask, and gives the terminal back as it was, however that ends.
 *
 * @param otherwise What else can be done where there is no terminal, as advice.
 * @throws CommandError where there is no terminal; what `work` throws.
 */
export async function onTerminal<T>(otherwise: string, work: (asker: Asker) => Promise<T>): Promise<T> {
  const terminal = openTerminal(otherwise);
  const interrupt = interruptible();
  const typing = new Typing(terminal.input, interrupt.signal);
  const tell = (text: string): void => {
    writeAll(terminal.output, text);
  };
  try {
    return await work({
      tell,
      ask: async (question) => {
        tell(question);
        try {
          return await typing.line();
        } finally {
          tell('\n');
        }
      },
    });
  } finally {
    typing.dispose();
    terminal.close();
    interrupt.dispose();
  }
}

interface Terminal {
  readonly input: ReadStream;
  readonly output: number;
  readonly close: () => void;
}

function openTerminal(otherwise: string): Terminal {
  const undo: (() => void)[] = [];
  const close = (): void => {
    for (const step of undo.splice(0).reverse()) {
      try {
        step();
      } catch {
        // A terminal that has gone away: the rest is closed nevertheless, and what happened before is what counts.
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
    throw new CommandError(
      'NoTerminal',
      'the passphrase is to be typed on a terminal, and there is none',
      otherwise,
    );
  }
}

/** A stream of its own descriptor, which is closed where that is no terminal. */
function readStream(fd: number): ReadStream {
  try {
    return new ReadStream(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** What comes from the terminal, cut into lines. What is pasted behind a line belongs to the next. */
class Typing {
  readonly #pending: Buffer[] = [];
  #wake: () => void = () => undefined;
  #hasEnded = false;
  #follows = false;

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
    // A terminal that goes away says so by an error.
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
      // The second half of a pasted line end.
      if (this.#follows && chunk[0] === LINE_FEED) chunk = chunk.subarray(1);
      if (chunk.length > 0) this.#follows = false;
      const taken = line.take(chunk);
      const used = taken?.used ?? chunk.length;
      this.#follows ||= used > 0 && chunk[used - 1] === RETURN;
      chunk.subarray(0, used).fill(0);
      if (used < chunk.length) this.#pending[0] = chunk.subarray(used);
      else this.#pending.shift();
      if (taken !== undefined) return taken.end;
    }
  }
}

/** A passphrase that is longer than any. */
export function tooLong(): CommandError {
  return new CommandError(
    'NoPassphrase',
    'the passphrase has more than 65,536 bytes',
    'use a key file for that much',
  );
}

const NAMES =
  process.platform === 'win32'
    ? { input: String.raw`\\.\CONIN$`, output: String.raw`\\.\CONOUT$` }
    : { input: '/dev/tty', output: '/dev/tty' };
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
