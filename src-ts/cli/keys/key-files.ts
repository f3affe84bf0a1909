// Files with secret keys: key files, and identity files of key pairs as age writes them.

import { statSync } from 'node:fs';

import { KeyPair, SealError, SecretKey } from '../../index';

import { CommandError, refusal } from '../errors/command-error';
import { KEY_FILE_VARIABLE, written } from './key-arguments';
import { holdsPublicKey, type OptionPrefix, unreadableKeys } from './public-keys';

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
export function readIdentityFile(path: string, allowReadable: boolean, option = '-i'): Promise<KeyPair[]> {
  return read(path, allowReadable, { ...IDENTITY_FILE, option });
}

/**
 * Saves a key or a key pair in a new file.
 *
 * @throws CommandError if the file exists, SealError if it can't be written.
 */
export async function saveKey(key: SecretKey | KeyPair, path: string): Promise<void> {
  try {
    await key.toFile(path);
  } catch (error) {
    if (error instanceof SealError && error.failure.kind === 'Io' && error.failure.code === 'EEXIST') {
      throw refusal(`${path} exists, and a key never replaces a file`, 'name a new file with -o FILE');
    }
    throw error;
  }
}

/** How the options are written that name the file, a public key, and a file of public keys. */
interface KeyOptions {
  readonly option: string;
  readonly recipient: string;
  readonly recipientsFile: string;
}

/** A kind of file with secret keys. */
interface KeyFileKind<T> extends KeyOptions {
  readonly name: string;
  readonly read: (path: string, options: { allowReadable: boolean }) => Promise<T>;
  readonly dispose: (held: T) => void;
  /** Arguments of keygen that make such a file. */
  readonly keygen: string;
}

const KEY_FILE: KeyFileKind<SecretKey> = {
  name: 'key file',
  read: (path, options) => SecretKey.fromFile(path, options),
  dispose: (key) => {
    key.dispose();
  },
  keygen: '-o FILE',
  option: '-k',
  recipient: '-r',
  recipientsFile: '-R',
};

const IDENTITY_FILE: KeyFileKind<KeyPair[]> = {
  ...KEY_FILE,
  name: 'identity file',
  read: (path, options) => KeyPair.fromFile(path, options),
  dispose: (pairs) => {
    for (const pair of pairs) pair.dispose();
  },
  keygen: '--pair -o FILE',
  option: '-i',
};

async function read<T>(path: string, allowReadable: boolean, kind: KeyFileKind<T>): Promise<T> {
  const { name } = kind;
  try {
    return await kind.read(path, { allowReadable });
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const { failure } = error;
    if (failure.kind === 'Io') {
      throw unreadableKeys(path, failure.code, namesOf(kind)) ?? notRegular(path, name) ?? error;
    }
    if (failure.kind !== 'InvalidOption') throw error;
    // Only its permissions are wrong if it can be read without checking them.
    if (!allowReadable && (await holds(path, kind))) {
      const advice = 'make it readable only by you with chmod 600, or use --allow-readable-key';
      throw refusal(`others can read the ${name} ${path}`, advice);
    }
    const { message, advice } =
      name === KEY_FILE.name
        ? { message: `the key file ${path} holds no key`, advice: await adviceForKeyFile(path, kind) }
        : await explainIdentityFile(path, kind.option, LINE.exec(failure.problem)?.[0]);
    throw new CommandError('NotAKeyFile', message, advice);
  }
}

function namesOf({ name, option, recipient, keygen }: KeyOptions & { name: string; keygen: string }) {
  const variable = option === '-k' ? `, or ${KEY_FILE_VARIABLE}` : '';
  return {
    name,
    option,
    ifPublicKey: `encrypt for a public key with ${recipient}; decrypt with the file of its secret key: -i FILE`,
    ifMissing: `check the name after ${option}${variable}; sealstream keygen ${keygen} makes a new one`,
  };
}

function notRegular(path: string, name: string): CommandError | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== false) return undefined;
  return new CommandError(
    'KeyFileUnreadable',
    `the ${name} ${path} is not a regular file`,
    'save the key in a file that only you can read, and name that',
  );
}

async function adviceForKeyFile(path: string, { recipient, recipientsFile }: KeyOptions): Promise<string> {
  if (await holds(path, IDENTITY_FILE)) {
    return `it holds a key pair: decrypt with -i ${path}, and encrypt for its public key with ${recipient}`;
  }
  return holdsPublicKey(path)
    ? `it holds a public key: encrypt for it with ${recipientsFile} ${path}; decrypting takes the file of its secret key`
    : 'a key file has 32 bytes, 64 hexadecimal digits or 44 Base64 characters; sealstream keygen makes one';
}

async function explainIdentityFile(path: string, option: string, line = 'it') {
  const message = `${path} is not an identity file: `;
  if (holdsPublicKey(path)) {
    const seal = `decrypting takes the file of its secret key; encrypt for the public key with -R ${path}`;
    return {
      message: `${message}it holds a public key`,
      advice: option === '-y' ? 'this is a file that -y prints' : seal,
    };
  }
  return {
    message: `${message}${line} holds no secret key`,
    advice: (await holds(path, KEY_FILE))
      ? `it is a key file: name it with -k ${path}`
      : 'each line must be AGE-SECRET-KEY-1…, AGE-SECRET-KEY-PQ-1…, empty, or a comment after #',
  };
}

async function holds<T>(path: string, { read: readAs, dispose }: KeyFileKind<T>): Promise<boolean> {
  const held = await readAs(path, { allowReadable: true }).catch(() => undefined);
  if (held !== undefined) dispose(held);
  return held !== undefined;
}

// The failure has no typed field for the line.
const LINE = /line \d+/;
