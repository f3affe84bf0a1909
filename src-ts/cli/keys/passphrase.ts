// The source of a command's passphrase: a file descriptor, the environment or the terminal, never the command line. Returned
// bytes are a copy that the caller overwrites.

import { isUtf8 } from 'node:buffer';
import { fstatSync, readSync } from 'node:fs';

import type { Arguments } from '../runner/arguments';
import { isRetry, isTerminal, pause, STDERR } from '../terminal/console';
import { CommandError, usageError } from '../errors/command-error';
import { type Ask, onTerminal, tooLong } from '../terminal/terminal-input';
import { LONGEST_LINE } from '../terminal/typed-line';

/**
 * The passphrase to decrypt with: from the descriptor of --passphrase-fd, else from SEALSTREAM_PASSPHRASE, else typed once.
 *
 * @throws CommandError for a missing or invalid passphrase; Interruption.
 */
export async function openingPassphrase(args: Arguments): Promise<Uint8Array> {
  const given = fromDescriptor('passphrase-fd', args) ?? takeVariable();
  return checked(given ?? (await onTerminal(WITHOUT_TERMINAL, (ask) => ask('Passphrase: '))), AS_SEALED);
}

/**
 * The passphrase to encrypt with: from the same sources, but typed twice.
 *
 * @throws As {@link openingPassphrase}.
 */
export async function sealingPassphrase(args: Arguments): Promise<Uint8Array> {
  const given = fromDescriptor('passphrase-fd', args) ?? takeVariable();
  return checked(given ?? (await onTerminal(WITHOUT_TERMINAL, askTwice)), GENERATE);
}

/**
 * The passphrases that rewrap adds: typed twice, and from the descriptor of --add-passphrase-fd. SEALSTREAM_PASSPHRASE is not
 * used: it is the one to decrypt with.
 *
 * @throws As {@link openingPassphrase}.
 */
export async function* addedPassphrases(args: Arguments): AsyncGenerator<Uint8Array, void, undefined> {
  const advice = `use a file descriptor: ${example(ADD_FD)}`;
  if (args.has('add-passphrase')) yield checked(await onTerminal(advice, askTwice), GENERATE);
  const given = fromDescriptor(ADD_FD, args);
  if (given !== undefined) yield checked(given, GENERATE);
}

async function askTwice(ask: Ask): Promise<Uint8Array> {
  const first = await ask('New passphrase: ');
  try {
    // An empty passphrase is an error: don't ask for it again.
    if (first.length === 0) return first.slice();
    const second = await ask('Repeat it: ');
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

/** The first line of the descriptor that an option gives. The rest stays unread. */
function fromDescriptor(option: string, args: Arguments): Uint8Array | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
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
  return firstLine(fd);
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
    for (let length = 0; length <= LONGEST_LINE;) {
      try {
        const isEnd = readSync(fd, line, length, 1, null) === 0;
        if (isEnd || line[length] === LINE_FEED) {
          return line.slice(0, !isEnd && line[length - 1] === RETURN ? length - 1 : length);
        }
        length += 1;
      } catch (error) {
        if (!isRetry(error)) throw error;
        pause();
      }
    }
    throw tooLong();
  } finally {
    line.fill(0);
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

const ADD_FD = 'add-passphrase-fd';
const VARIABLE = 'SEALSTREAM_PASSPHRASE';
const WITHOUT_TERMINAL = `use a file descriptor: ${example('passphrase-fd')}, or set ${VARIABLE}`;
const GENERATE = 'generate a good one: sealstream keygen --passphrase-words';
const AS_SEALED = 'give the passphrase that it was encrypted with';
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
