// Public keys on the command line.

import { publicKey as recipientOf, type Recipient } from '../../index';

import { CommandError, usageError } from '../errors/command-error';
import { isOptionError } from '../errors/explain-option';
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
