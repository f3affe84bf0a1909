// Where a command's passphrase comes from: a descriptor, the environment or the terminal, never the command line. What is
// returned is memory of its own that the caller overwrites.

import { isUtf8 } from 'node:buffer';
import { fstatSync, readSync } from 'node:fs';

import type { Arguments } from '../runner/arguments';
import { isRetry, isTerminal, STDERR } from '../terminal/console';
import { CommandError, usageError } from '../errors/usage-error';
import { type Asker, onTerminal, tooLong } from '../terminal/terminal-input';
import { LONGEST_LINE } from '../terminal/typed-line';

/**
 * Whether a passphrase is asked for, by whatever option.
 *
 * @throws CommandError where two options say where it comes from.
 */
export function wantsPassphrase(args: Arguments): boolean {
  const [typed, read] = [args.has('passphrase'), args.has('passphrase-fd')];
  if (typed && read) throw usageError('-p and --passphrase-fd exclude each other', 'give one of them');
  return typed || read;
}

/**
 * The passphrase to open with: from the descriptor of --passphrase-fd, else from SEALSTREAM_PASSPHRASE, else typed once.
 *
 * @throws CommandError where none comes, or one that can't be; Interruption.
 */
export function openingPassphrase(args: Arguments): Promise<Uint8Array> {
  return passphrase(args, THE_SAME, (asker) => asker.ask('Passphrase: '));
}

/**
 * The passphrase to seal with: as to open, but it is typed twice.
 *
 * @throws CommandError where none comes, or one that can't be; Interruption.
 */
export function sealingPassphrase(args: Arguments): Promise<Uint8Array> {
  return passphrase(args, GENERATE, askTwice);
}

/**
 * The first line of a descriptor, to seal with. What follows it is left there.
 *
 * @param option The option that names the descriptor, without its dashes.
 * @throws CommandError for a number that is no descriptor for this, and for a passphrase that can't be.
 */
export function passphraseFrom(option: string, args: Arguments): Uint8Array {
  return checked(firstLine(descriptor(option, args)), GENERATE);
}

async function passphrase(
  args: Arguments,
  ifEmpty: string,
  ask: (asker: Asker) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (args.has('passphrase-fd')) return checked(firstLine(descriptor('passphrase-fd', args)), ifEmpty);
  return checked(takeVariable() ?? (await onTerminal(OTHERWISE, ask)), ifEmpty);
}

/**
 * A passphrase that is typed twice, whatever the environment holds: that one is to open with.
 *
 * @throws CommandError where none comes, or one that can't be; Interruption.
 */
export async function newPassphrase(): Promise<Uint8Array> {
  return checked(
    await onTerminal(`give it by a descriptor, ${like('add-passphrase-fd')}`, askTwice),
    GENERATE,
  );
}

async function askTwice(asker: Asker): Promise<Uint8Array> {
  const first = await asker.ask('New passphrase: ');
  try {
    // Asking for nothing again would only annoy.
    if (first.length === 0) return first.slice();
    const second = await asker.ask('The same again: ');
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

/** The passphrase of the environment, which no program that is started from here on inherits. */
function takeVariable(): Uint8Array | undefined {
  const text = process.env[VARIABLE];
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
  delete process.env[VARIABLE];
  return text === undefined ? undefined : new TextEncoder().encode(text);
}

function descriptor(option: string, args: Arguments): number {
  const text = args.value(option) ?? '';
  if (!/^\d{1,9}$/.test(text)) {
    throw usageError(`--${option} is not a descriptor's number: ${text}`, `write it like ${like(option)}`);
  }
  const fd = Number(text);
  if (fd === 0 && args.operands.includes('-')) {
    throw usageError(`--${option} 0 and - both need standard input`, `use another: ${like(option)}`);
  }
  if ((fd > 0 && fd <= STDERR) || !isReadable(fd)) {
    throw usageError(`nothing can be read from descriptor ${fd} of --${option}`, `open it: ${like(option)}`);
  }
  if (isTerminal(fd)) {
    throw usageError(
      `descriptor ${fd} of --${option} is a terminal, which would show the passphrase`,
      'have it asked for with -p',
    );
  }
  return fd;
}

function like(option: string): string {
  return `--${option} 3 3< FILE`;
}

/** Whether something was opened there. What Node opened for itself is none of these. */
function isReadable(fd: number): boolean {
  try {
    const found = fstatSync(fd);
    return found.isFile() || found.isFIFO() || found.isSocket() || found.isCharacterDevice();
  } catch {
    return false;
  }
}

/** Byte by byte: the rest of the descriptor is not this passphrase's. */
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
      // Another program has made the pipe non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
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
      'the passphrase is not UTF-8, so it could not be typed elsewhere',
      'write it as text; random bytes belong in a key file',
    );
  }
  return bytes;
}

const VARIABLE = 'SEALSTREAM_PASSPHRASE';
const OTHERWISE = `give it by a descriptor, ${like('passphrase-fd')}, or in the variable ${VARIABLE}`;
const GENERATE = 'have a good one made: sealstream keygen --passphrase-words';
const THE_SAME = 'give the one that it was sealed with';
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
