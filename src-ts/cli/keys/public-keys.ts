// Public keys, on the command line and in files.

import { closeSync, openSync, readSync } from 'node:fs';

import { publicKey as recipientOf, type Recipient } from '../../index';

import { CommandError, refusal, usageError } from '../errors/command-error';
import { isOptionError } from '../errors/explain-option';
import { isSystemError } from '../errors/explain-system';
import { written } from './key-arguments';

/** Prefix of the options that name recipients: `--recipient` or `--add-recipient`, and so on. */
export type OptionPrefix = '' | 'add-';

/**
 * The recipient of a public key.
 *
 * @throws CommandError for any other text.
 */
export function publicKey(text: string, prefix: OptionPrefix): Recipient {
  const recipient = parse(text);
  if (recipient !== undefined) return recipient;
  const option = written(`${prefix}recipient`);
  if (SECRET.test(text)) {
    throw notARecipient(
      `the value of ${option} is a secret key, not a public one`,
      'other users may have seen it on the command line: make a new one with sealstream keygen --pair',
    );
  }
  throw notARecipient(
    `the value of ${option} is not a public key: ${text}`,
    `write the whole key, age1… or age1pq1…; name a file of public keys with ${written(`${prefix}recipients-file`)} FILE, a key file with ${written(`${prefix}key`)} FILE`,
  );
}

/**
 * The public keys in a file: one a line, with comments, as in age.
 *
 * @throws CommandError if the file is missing, unreadable or empty, or has anything else in a line; the system's errors.
 */
export function publicKeysIn(path: string, prefix: OptionPrefix): string[] {
  const found: string[] = [];
  for (const [index, raw] of readText(path, prefix).split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (parse(line) === undefined) throw wrongLine(path, index + 1, SECRET.test(line));
    found.push(line);
  }
  if (found.length === 0) {
    throw notARecipient(
      `the recipients file ${path} has no public key`,
      'write one public key a line, age1… or age1pq1…',
    );
  }
  return found;
}

/** The text of a file or a pipe. */
function readText(path: string, prefix: OptionPrefix): string {
  const bytes = Buffer.alloc(LONGEST_FILE + 1);
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    for (let length = 0; length <= LONGEST_FILE;) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) return bytes.toString('utf8', 0, length);
      length += count;
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const option = written(`${prefix}recipients-file`);
    if (error.code === 'EISDIR') {
      throw refusal(`${option} ${path} is a directory`, 'name a file with one public key a line');
    }
    throw (
      unreadableKeys(path, error.code, {
        name: 'recipients file',
        option,
        ifPublicKey: `give the public key with ${written(`${prefix}recipient`)}`,
        ifMissing: `check the name after ${option}`,
      }) ?? error
    );
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  throw notARecipient(
    `the recipients file ${path} is too long`,
    'name a file of at most 1 MiB with one public key a line',
  );
}

/** A kind of file with keys, for errors about its name. */
export interface KeyFileName {
  readonly name: string;
  /** The option that names the file. */
  readonly option: string;
  /** What to do about a public key in the place of the name, and about a missing file. */
  readonly ifPublicKey: string;
  readonly ifMissing: string;
}

/** The error for a file with keys that can't be opened; `undefined` if the system's error says enough. */
export function unreadableKeys(
  path: string,
  code: string | undefined,
  { name, option, ifPublicKey, ifMissing }: KeyFileName,
): CommandError | undefined {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return PUBLIC.test(path)
        ? usageError(`${option} needs the name of the ${name}, not a public key`, ifPublicKey)
        : new CommandError('KeyFileMissing', `the ${name} ${path} does not exist`, ifMissing);
    case 'EACCES':
      return new CommandError(
        'KeyFileUnreadable',
        `can't read the ${name} ${path}: permission denied`,
        'check the permissions of the file and its folder',
      );
    default:
      return undefined;
  }
}

function wrongLine(path: string, line: number, isSecret: boolean): CommandError {
  return isSecret
    ? notARecipient(
        `line ${line} of the recipients file ${path} is a secret key`,
        `use its public key: sealstream keygen -y ${path}`,
      )
    : notARecipient(
        `line ${line} of the recipients file ${path} is not a public key`,
        'each line must be age1…, age1pq1…, empty, or a comment after #',
      );
}

function parse(text: string): Recipient | undefined {
  try {
    return recipientOf(text);
  } catch (error) {
    if (isOptionError(error)) return undefined;
    throw error;
  }
}

function notARecipient(message: string, advice: string): CommandError {
  return new CommandError('NotARecipient', message, advice);
}

const PUBLIC = /^age1[a-z0-9]{50}/;
const SECRET = /^AGE-(?:SECRET-KEY|PLUGIN)-/i;
// Far more than 64 recipients with comments.
const LONGEST_FILE = 2 ** 20;
