// Public keys, on the command line and in files.

import { closeSync, openSync, readSync } from 'node:fs';

import { hybrid, type Recipient, x25519 } from '../../index';

import { CommandError, refusal, usageError } from '../errors/usage-error';
import { isSystemError } from '../errors/explain-system';
import { isPublicKey } from './public-key-text';

/** How the options that name whom a command seals for are written. */
export interface Written {
  readonly recipient: string;
  readonly file: string;
  readonly key: string;
}

/**
 * The recipient that a public key is of.
 *
 * @throws CommandError for another text.
 */
export function publicKey(text: string, written: Written): Recipient {
  const recipient = parsed(text);
  if (recipient !== undefined) return recipient;
  if (SECRET.test(text)) {
    throw notARecipient(
      `what ${written.recipient} got is a secret key, not a public one`,
      'treat it as known to others, since it stood on the command line, and make another: sealstream keygen --recipient',
    );
  }
  throw notARecipient(
    `${written.recipient} got no public key: ${text}`,
    `write age1… or age1pq1…, all of it; a file of public keys is named with ${written.file} FILE, a key file with ${written.key} FILE`,
  );
}

/**
 * The public keys in a file: one a line, with comments, as age has them.
 *
 * @throws CommandError for a file that holds something else or nobody, or that is not there; what the system says.
 */
export function publicKeysIn(path: string, written: Written): string[] {
  const text = textOf(path, written);
  const found: string[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (parsed(line) === undefined) throw wrongLine(path, index + 1, SECRET.test(line));
    found.push(line);
  }
  if (found.length === 0) {
    throw notARecipient(
      `the recipients file ${path} names nobody`,
      'it has one public key a line, age1… or age1pq1…',
    );
  }
  return found;
}

/** The text of a file or a pipe. */
function textOf(path: string, written: Written): string {
  const bytes = Buffer.alloc(LONGEST_FILE + 1);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, written, error);
  }
  try {
    for (let length = 0; length <= LONGEST_FILE;) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) return bytes.toString('utf8', 0, length);
      length += count;
    }
  } catch (error) {
    throw unreadable(path, written, error);
  } finally {
    closeSync(fd);
  }
  throw notARecipient(
    `the recipients file ${path} is too long for one`,
    'name a file with one public key a line',
  );
}

function unreadable(path: string, { recipient, file }: Written, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return isPublicKey(path)
        ? usageError(
            `a public key stands where the name of a recipients file is expected`,
            `give it with ${recipient}`,
          )
        : new CommandError(
            'KeyFileMissing',
            `the recipients file ${path} is not there`,
            `check the name behind ${file}`,
          );
    case 'EISDIR':
      return refusal(`${file} ${path} is a directory`, 'name a file with one public key a line');
    case 'EACCES':
      return new CommandError(
        'KeyFileUnreadable',
        `the recipients file ${path} can't be read: permission is denied`,
        'check the permissions of the file and its folder',
      );
    default:
      return error;
  }
}

function wrongLine(path: string, line: number, isSecret: boolean): CommandError {
  return isSecret
    ? notARecipient(
        `line ${line} of the recipients file ${path} is a secret key`,
        `its public key is wanted: sealstream keygen --public ${path}`,
      )
    : notARecipient(
        `line ${line} of the recipients file ${path} is no public key`,
        'each line is age1…, age1pq1…, empty, or a comment behind #',
      );
}

function parsed(text: string): Recipient | undefined {
  try {
    return text.startsWith('age1pq1') ? hybrid(text) : x25519(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function notARecipient(message: string, advice: string): CommandError {
  return new CommandError('NotARecipient', message, advice);
}

const SECRET = /^AGE-(?:SECRET-KEY|PLUGIN)-/i;
// Far more than 64 recipients with comments.
const LONGEST_FILE = 2 ** 20;
