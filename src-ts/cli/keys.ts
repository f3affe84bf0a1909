// The key files that a command names.

import { SealError, SecretKey } from '../index';

import type { Arguments } from './arguments';
import { CommandError, refusal, usageError } from './errors';

/**
 * Reads the key files of -k, or else the one that SEALSTREAM_KEY_FILE names.
 *
 * @throws CommandError where none is named, and for a file that is not there, can't be read, holds no key, or that
 * others can read; SealError where reading it fails otherwise.
 */
export async function readKeys(args: Arguments): Promise<SecretKey[]> {
  const paths = keyFiles(args);
  if (paths.length === 0) {
    throw usageError(
      'no key is given',
      `name a key file with -k FILE or ${VARIABLE}; sealstream keygen -o FILE makes a new one`,
    );
  }
  return readKeyFiles(paths, args.has('allow-readable-key'));
}

/**
 * Reads key files.
 *
 * @throws As {@link readKeys}; none is left in memory then.
 */
export async function readKeyFiles(paths: readonly string[], allowReadable: boolean): Promise<SecretKey[]> {
  const keys: SecretKey[] = [];
  try {
    for (const path of paths) keys.push(await readKey(path, allowReadable));
    return keys;
  } catch (error) {
    for (const key of keys) key.dispose();
    throw error;
  }
}

/**
 * Whether a command that works without a key too is to have one.
 *
 * @throws CommandError for a key and --no-key.
 */
export function wantsKey(args: Arguments): boolean {
  if (!args.has('no-key')) return keyFiles(args).length > 0;
  if (args.has('key')) throw usageError('-k and --no-key exclude each other', 'give one of them');
  return false;
}

/**
 * Saves a key in a new file.
 *
 * @throws CommandError where the file exists, SealError where it can't be written.
 */
export async function saveKey(key: SecretKey, path: string): Promise<void> {
  try {
    await key.toFile(path);
  } catch (error) {
    if (error instanceof SealError && error.failure.kind === 'Io' && error.failure.code === 'EEXIST') {
      throw refusal(`${path} exists, and a key is never written over a file`, 'name a new file with -o FILE');
    }
    throw error;
  }
}

/** Every key file that is named, also the one of the environment where -k goes before it. */
export function keyFilesInReach(args: Arguments): string[] {
  return [...args.values('key'), ...fromEnvironment()];
}

/** Whether the key is the one that the environment names. */
export function isKeyFromEnvironment(args: Arguments): boolean {
  return !args.has('key') && fromEnvironment().length > 0;
}

function keyFiles(args: Arguments): string[] {
  return args.has('key') ? args.values('key') : fromEnvironment();
}

function fromEnvironment(): string[] {
  const path = process.env[VARIABLE] ?? '';
  return path === '' ? [] : [path];
}

async function readKey(path: string, allowReadable: boolean): Promise<SecretKey> {
  try {
    return await SecretKey.fromFile(path, { allowReadable });
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const { failure } = error;
    if (failure.kind === 'Io') throw ioError(path, failure, error);
    if (failure.kind !== 'InvalidOption') throw error;
    if (!allowReadable && failure.problem.includes('others can read')) {
      // Whether it is a key at all decides which advice helps.
      (await readKey(path, true)).dispose();
      const advice = 'make it yours alone with chmod 600, or allow this with --allow-readable-key';
      throw refusal(`others can read the key file ${path}`, advice);
    }
    throw new CommandError(
      'NotAKeyFile',
      `the key file ${path} holds no key`,
      'a key file has 32 bytes, 64 hexadecimal digits or 44 Base64 characters; sealstream keygen makes one',
    );
  }
}

function ioError(
  path: string,
  { code, message }: { code?: string; message: string },
  error: SealError,
): Error {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return new CommandError(
        'KeyFileMissing',
        `the key file ${path} is not there`,
        `check the name behind -k, or ${VARIABLE}; sealstream keygen -o FILE makes a new one`,
      );
    case 'EACCES':
      return new CommandError(
        'KeyFileUnreadable',
        `the key file ${path} can't be read: permission is denied`,
        'check the permissions of the key file and its folder',
      );
    default:
      if (!message.includes('regular file')) return error;
      return new CommandError(
        'KeyFileUnreadable',
        `the key file ${path} is not a regular file`,
        'save the key in a file that only you can read, and name that with -k FILE',
      );
  }
}

const VARIABLE = 'SEALSTREAM_KEY_FILE';
