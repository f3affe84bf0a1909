// The source of a command's passphrase: a file descriptor, the environment or the terminal, never the command line. Returned
// bytes are a copy that the caller overwrites.

import { isUtf8 } from 'node:buffer';
import { fstatSync, readSync } from 'node:fs';

import type { Arguments } from '../runner/arguments';
import { isRetry, isTerminal, pause, STDERR } from '../terminal/console';
import { CommandError, usageError } from '../errors/command-error';
import { onTerminal, type Prompt, tooLong } from '../terminal/terminal-input';
import { LONGEST_LINE } from '../terminal/typed-line';

/**
 * The passphrase to open with: from the descriptor of --passphrase-fd, else from SEALSTREAM_PASSPHRASE, else typed once.
 *
 * @throws CommandError for a missing or invalid passphrase; Interruption.
 */
export function openingPassphrase(args: Arguments): Promise<Uint8Array> {
  return passphrase(args, AS_SEALED, (prompt) => prompt.ask('Passphrase: '));
}

/**
 * The passphrase to seal with: from the same sources, but typed twice.
 *
 * @throws CommandError for a missing or invalid passphrase; Interruption.
 */
export function sealingPassphrase(args: Arguments): Promise<Uint8Array> {
  return passphrase(args, GENERATE, askTwice);
}

/**
 * The passphrase to seal with, from the first line of a descriptor. The rest stays unread.
 *
 * @param option The option that gives the descriptor, without its dashes.
 * @throws CommandError for a descriptor that can't be read, and for an invalid passphrase.
 */
export function passphraseFrom(option: string, args: Arguments): Uint8Array {
  return checked(firstLine(descriptor(option, args)), GENERATE);
}

async function passphrase(
  args: Arguments,
  ifEmpty: string,
  ask: (prompt: Prompt) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (args.has('passphrase-fd')) return checked(firstLine(descriptor('passphrase-fd', args)), ifEmpty);
  return checked(takeVariable() ?? (await onTerminal(WITHOUT_TERMINAL, ask)), ifEmpty);
}

/**
 * A new passphrase, typed twice. SEALSTREAM_PASSPHRASE is not used: it is the one to open with.
 *
 * @throws CommandError for a missing or invalid passphrase; Interruption.
 */
export async function newPassphrase(): Promise<Uint8Array> {
  return checked(
    await onTerminal(`use a file descriptor: ${example('add-passphrase-fd')}`, askTwice),
    GENERATE,
  );
}

async function askTwice(prompt: Prompt): Promise<Uint8Array> {
  const first = await prompt.ask('New passphrase: ');
  try {
    // An empty passphrase is an error: don't ask for it again.
    if (first.length === 0) return first.slice();
    const second = await prompt.ask('Repeat it: ');
    const isSame = Buffer.compare(first, second) === 0;
    second.fill(0);
    if (!isSame) {
      throw new CommandError('NoPassphrase', 'the two passphrases differ', 'type the same one twice');
    }
    return first.slice();
  } finally {
    first.fill(0);
  }
}

/** Takes the passphrase out of the environment, so that no child process inherits it. */
function takeVariable(): Uint8Array | undefined {
  const text = process.env[VARIABLE];
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
  delete process.env[VARIABLE];
  return text === undefined ? undefined : new TextEncoder().encode(text);
}

function descriptor(option: string, args: Arguments): number {
  const text = args.value(option) ?? '';
  if (!/^\d{1,9}$/.test(text)) {
    throw usageError(
      `--${option} is not the number of a descriptor: ${text}`,
      `for example: ${example(option)}`,
    );
  }
  const fd = Number(text);
  if (fd === 0 && args.operands.includes('-')) {
    throw usageError(
      `--${option} 0 and - both need standard input`,
      `use another descriptor: ${example(option)}`,
    );
  }
  if ((fd > 0 && fd <= STDERR) || !isReadable(fd)) {
    throw usageError(`can't read from descriptor ${fd} of --${option}`, `open it: ${example(option)}`);
  }
  if (isTerminal(fd)) {
    throw usageError(
      `descriptor ${fd} of --${option} is a terminal, which would show the passphrase`,
      'use -p, which asks for it',
    );
  }
  return fd;
}

function example(option: string): string {
  return `--${option} 3 3< FILE`;
}

/** Whether the descriptor is a file, a pipe, a socket or a device. Descriptors of Node itself are none of these. */
function isReadable(fd: number): boolean {
  try {
    const found = fstatSync(fd);
    return found.isFile() || found.isFIFO() || found.isSocket() || found.isCharacterDevice();
  } catch {
    return false;
  }
}

/** Reads byte by byte, so that the rest of the descriptor stays unread. */
function firstLine(fd: number): Uint8Array {
  const line = new Uint8Array(LONGEST_LINE + 1);
  try {
    for (let length = 0; ; length += 1) {
      const count = readByte(fd, line, length);
      if (count === 0 || line[length] === LINE_FEED) {
        const end = count > 0 && length > 0 && line[length - 1] === RETURN ? length - 1 : length;
        return line.slice(0, end);
      }
      if (length === LONGEST_LINE) throw tooLong();
    }
  } finally {
    line.fill(0);
  }
}

function readByte(fd: number, into: Uint8Array, offset: number): number {
  for (;;) {
    try {
      return readSync(fd, into, offset, 1, null);
    } catch (error) {
      if (!isRetry(error)) throw error;
      pause();
    }
  }
}

function checked(bytes: Uint8Array, ifEmpty: string): Uint8Array {
  if (bytes.length === 0) {
    throw new CommandError('NoPassphrase', 'the passphrase is empty', ifEmpty);
  }
  if (bytes.length > LONGEST_LINE) throw tooLong();
  if (!isUtf8(bytes)) {
    bytes.fill(0);
    throw new CommandError(
      'NoPassphrase',
      "the passphrase is not UTF-8, so it can't be typed",
      'use text; for random bytes use a key file',
    );
  }
  return bytes;
}

const VARIABLE = 'SEALSTREAM_PASSPHRASE';
const WITHOUT_TERMINAL = `use a file descriptor: ${example('passphrase-fd')}, or set ${VARIABLE}`;
const GENERATE = 'generate a good one: sealstream keygen --passphrase-words';
const AS_SEALED = 'give the passphrase that it was sealed with';
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
