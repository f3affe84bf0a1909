// Files that hold secret keys: a key's 32 bytes, or key pairs as age writes them. What is wrong with one is told by what
// its owner can do.

import { KeyPair, SealError, SecretKey } from '../../index';

import { CommandError, refusal, usageError } from '../errors/usage-error';
import { holdsPublicKey, isPublicKey } from './public-key-text';

/** Names the key file where no option does. */
export const KEY_FILE_VARIABLE = 'SEALSTREAM_KEY_FILE';

/**
 * Reads a file with a key.
 *
 * @param written The options that name it, or else a public key.
 * @throws CommandError for one that is not there, can't be read, holds no key, or that others can read; SealError where
 *   reading it fails otherwise.
 */
export function readKeyFile(
  path: string,
  allowReadable: boolean,
  written: KeyOptions = BY_DEFAULT,
): Promise<SecretKey> {
  return read(path, allowReadable, keyHolding(written));
}

/**
 * Reads a file of -i: one key pair or several.
 *
 * @param option What names it.
 * @throws The same.
 */
export function readIdentityFile(path: string, allowReadable: boolean, option = '-i'): Promise<KeyPair[]> {
  return read(path, allowReadable, identityBy(option));
}

/**
 * Has a key or a pair saved in a new file.
 *
 * @throws CommandError where the file exists, SealError where it can't be written.
 */
export async function saveKey(key: SecretKey | KeyPair, path: string): Promise<void> {
  try {
    await key.toFile(path);
  } catch (error) {
    if (error instanceof SealError && error.failure.kind === 'Io' && error.failure.code === 'EEXIST') {
      throw refusal(`${path} exists, and a key is never written over a file`, 'name a new file with -o FILE');
    }
    throw error;
  }
}

/** How the options are written that name a key file, a public key, and a file of them. */
export interface KeyOptions {
  readonly key: string;
  readonly recipient: string;
  readonly file: string;
}

const BY_DEFAULT: KeyOptions = { key: '-k', recipient: '-r', file: '-R' };

/** What a file is to hold, and what to say where it does not. */
interface Holding<T> {
  readonly name: string;
  readonly read: (path: string, options: { allowReadable: boolean }) => Promise<T>;
  readonly dispose: (held: T) => void;
  /** The option that would take a public key in its place. */
  readonly recipient: string;
  /** Advice where the file is not there. */
  readonly missing: string;
  /** What it has instead. */
  readonly wrong: (path: string, problem: string) => Promise<CommandError>;
}

const keyHolding = ({ key: option, recipient, file }: KeyOptions): Holding<SecretKey> => ({
  name: 'key file',
  recipient,
  read: (path, options) => SecretKey.fromFile(path, options),
  dispose: (key) => {
    key.dispose();
  },
  missing: `check the name behind ${option}${option === '-k' ? `, or ${KEY_FILE_VARIABLE}` : ''}; sealstream keygen -o FILE makes a new one`,
  wrong: async (path) =>
    new CommandError(
      'NotAKeyFile',
      `the key file ${path} holds no key`,
      (await holds(path, IDENTITY))
        ? `it holds a key pair: open with -i ${path}, and seal for the public key with ${recipient}`
        : holdsPublicKey(path)
          ? `it holds a public key: seal for that with ${file} ${path}; only the file of its secret key opens`
          : 'a key file has 32 bytes, 64 hexadecimal digits or 44 Base64 characters; sealstream keygen makes one',
    ),
});

const identityBy = (option: string): Holding<KeyPair[]> => ({
  name: 'identity file',
  recipient: '-r',
  read: (path, options) => KeyPair.fromFile(path, options),
  dispose: (pairs) => {
    for (const pair of pairs) pair.dispose();
  },
  missing: `check the name behind ${option}; sealstream keygen --recipient -o FILE makes a new one`,
  wrong: async (path, problem) => {
    const line = /line \d+/.exec(problem)?.[0] ?? 'it';
    if (holdsPublicKey(path)) {
      return new CommandError(
        'NotAKeyFile',
        `the identity file ${path} is none: it holds a public key`,
        option === '--public'
          ? 'that is what --public would print'
          : `only the file of its secret key opens; -R ${path} seals for it`,
      );
    }
    return new CommandError(
      'NotAKeyFile',
      `the identity file ${path} is none: ${line} holds no secret key`,
      (await holds(path, keyHolding(BY_DEFAULT)))
        ? `it is a key file: name it with -k ${path}`
        : 'each line is AGE-SECRET-KEY-1…, AGE-SECRET-KEY-PQ-1…, empty, or a comment behind #',
    );
  },
});

const IDENTITY = identityBy('-i');

async function holds<T>(path: string, { read, dispose }: Holding<T>): Promise<boolean> {
  try {
    dispose(await read(path, { allowReadable: true }));
    return true;
  } catch {
    return false;
  }
}

async function read<T>(path: string, allowReadable: boolean, holding: Holding<T>): Promise<T> {
  const { name } = holding;
  try {
    return await holding.read(path, { allowReadable });
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const { failure } = error;
    if (failure.kind === 'Io') throw ioError(path, failure, holding, error);
    if (failure.kind !== 'InvalidOption') throw error;
    if (!allowReadable && failure.problem.includes('others can read')) {
      // Whether it holds a key at all decides which advice helps.
      holding.dispose(await read(path, true, holding));
      const advice = 'make it yours alone with chmod 600, or allow this with --allow-readable-key';
      throw refusal(`others can read the ${name} ${path}`, advice);
    }
    throw await holding.wrong(path, failure.problem);
  }
}

function ioError(
  path: string,
  { code, message }: { code?: string; message: string },
  { name, recipient, missing }: { name: string; recipient: string; missing: string },
  error: SealError,
): Error {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return isPublicKey(path)
        ? usageError(
            `a public key stands where the name of the ${name} is expected`,
            `to seal for a public key, give it with ${recipient}; only the file of its secret key opens, with -i FILE`,
          )
        : new CommandError('KeyFileMissing', `the ${name} ${path} is not there`, missing);
    case 'EACCES':
      return new CommandError(
        'KeyFileUnreadable',
        `the ${name} ${path} can't be read: permission is denied`,
        `check the permissions of the ${name} and its folder`,
      );
    default:
      if (!message.includes('regular file')) return error;
      return new CommandError(
        'KeyFileUnreadable',
        `the ${name} ${path} is not a regular file`,
        'save the key in a file that only you can read, and name that',
      );
  }
}
