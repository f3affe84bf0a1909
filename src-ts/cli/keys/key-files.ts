// Files with secret keys: key files, and identity files of key pairs as age writes them.

import type { KeyPair } from '../../index';
import { identitiesFromFile, type IdentityList, SealError, SecretKey } from '../../index';

import { native } from '../../internal/binding';
import { awaitNative } from '../../internal/errors';
import { targetExists } from '../errors/command-error';
import { type KeyFileUse, refusedKeyFile } from '../errors/key-file-refusals';
import { KEY_FILE_VARIABLE, written } from './key-arguments';
import { type OptionPrefix, unreadableKeys } from './public-keys';

/**
 * Reads a key file.
 *
 * @param prefix Of the option that names it.
 * @throws CommandError if the file is missing, unreadable, readable by others, or holds no key; SealError for other errors.
 */
export function readKeyFile(
  path: string,
  allowReadable: boolean,
  prefix: OptionPrefix = '',
): Promise<SecretKey> {
  return read(path, allowReadable, {
    ...KEY_FILE,
    option: written(`${prefix}key`),
    recipient: written(`${prefix}recipient`),
    recipientsFile: written(`${prefix}recipients-file`),
  });
}

/**
 * Reads an identity file: one key pair or several.
 *
 * @param option That names it.
 * @throws As {@link readKeyFile}.
 */
export function readIdentityFile(path: string, allowReadable: boolean, option = '-i'): Promise<IdentityList> {
  return read(path, allowReadable, { ...IDENTITY_FILE, option });
}

/**
 * Reads the public keys in a file or a pipe.
 *
 * @param prefix Of the option that names it.
 * @throws CommandError if the file is missing, unreadable or empty, or has anything else in a line; SealError for other errors.
 */
export function publicKeysIn(path: string, prefix: OptionPrefix): Promise<string[]> {
  const [option, recipient] = [written(`${prefix}recipients-file`), written(`${prefix}recipient`)];
  return read(path, false, { ...RECIPIENTS_FILE, option, recipient, recipientsFile: option });
}

/**
 * Saves a key or a key pair in a new file.
 *
 * @throws CommandError if the file exists, SealError if it can't be written.
 */
export function saveKey(key: SecretKey | KeyPair, path: string): Promise<void> {
  return saveNew(path, () => key.toFile(path));
}

/**
 * Makes a sender key in a new file, and returns its public key.
 *
 * @throws As {@link saveKey}.
 */
export function saveSenderKey(path: string): Promise<string> {
  return saveNew(path, () => awaitNative(() => native.writeSender(path, 'sealstream')));
}

async function saveNew<T>(path: string, save: () => Promise<T>): Promise<T> {
  try {
    return await save();
  } catch (error) {
    if (SealError.is(error, 'ERR_SEAL_TARGET_EXISTS')) {
      throw targetExists(`${path} exists, and a key never replaces a file`, 'name a new file with -o FILE');
    }
    throw error;
  }
}

/** A kind of file with secret keys. */
interface KeyFileKind<T> extends KeyFileUse {
  readonly read: (path: string, options: { allowReadable: boolean }) => Promise<T>;
  /** Arguments of keygen that make such a file. */
  readonly keygen: string;
}

const KEY_FILE: KeyFileKind<SecretKey> = {
  name: 'key file',
  read: (path, options) => SecretKey.fromFile(path, options),
  keygen: '-o FILE',
  option: '-k',
  recipient: '-r',
  recipientsFile: '-R',
};

const IDENTITY_FILE: KeyFileKind<IdentityList> = {
  ...KEY_FILE,
  name: 'identity file',
  read: (path, options) => identitiesFromFile(path, options),
  keygen: '--pair -o FILE',
  option: '-i',
};

const RECIPIENTS_FILE: KeyFileKind<string[]> = {
  ...KEY_FILE,
  name: 'recipients file',
  // As recipientsFromFile does; the command also needs the texts.
  read: async (path) =>
    (await awaitNative(() => native.readRecipients(path))).map(({ publicText }) => publicText),
  keygen: '',
};

async function read<T>(path: string, allowReadable: boolean, kind: KeyFileKind<T>): Promise<T> {
  try {
    return await kind.read(path, { allowReadable });
  } catch (error) {
    if (SealError.is(error, 'ERR_SEAL_KEY_FILE_REFUSED')) {
      throw refusedKeyFile(error.failure, kind);
    }
    if (SealError.is(error, 'ERR_SEAL_IO'))
      throw unreadableKeys(path, error.failure.code, namesOf(kind)) ?? error;
    throw error;
  }
}

function namesOf({ name, option, recipient, keygen }: KeyFileUse & { keygen: string }) {
  if (name === 'recipients file') {
    return {
      name,
      option,
      ifPublicKey: `give the public key with ${recipient}`,
      ifMissing: `check the name after ${option}`,
    };
  }
  const variable = option === '-k' ? `, or ${KEY_FILE_VARIABLE}` : '';
  return {
    name,
    option,
    ifPublicKey: `encrypt for a public key with ${recipient}; decrypt with the file of its secret key: -i FILE`,
    ifMissing: `check the name after ${option}${variable}; sealstream keygen ${keygen} makes a new one`,
  };
}
