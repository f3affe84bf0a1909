// Which keys a command names, before any of them is read.

import type { Arguments } from '../runner/arguments';
import { usageError } from '../errors/usage-error';
import { KEY_FILE_VARIABLE } from './key-files';
import { wantsPassphrase } from './passphrase';
import type { NamedFile } from './same-file-check';

/**
 * Whether a command that works without a key too is to have one.
 *
 * @throws CommandError for a key and --no-key.
 */
export function wantsKey(args: Arguments): boolean {
  if (!args.has('no-key')) return namesKey(args) || fromEnvironment().length > 0;
  const named = NAMES.find((name) => args.has(name));
  if (named === undefined) return false;
  const option = named === 'key' ? '-k' : `--${named}`;
  throw usageError(`${option} and --no-key exclude each other`, 'give one of them');
}

/** Every file with keys that is named, also the one of the environment where another goes before it. */
export function keyFilesInReach(args: Arguments): NamedFile[] {
  const files = (name: string, paths: readonly string[]): NamedFile[] =>
    paths.map((path) => ({ path, what: `the ${name} ${path}` }));
  return [
    ...files('key file', [...args.values('key'), ...args.values('add-key'), ...fromEnvironment()]),
    ...files('identity file', args.values('identity')),
    ...files('recipients file', [...args.values('recipients-file'), ...args.values('add-recipients-file')]),
  ];
}

/** Whether the key is the one that the environment names. */
export function isKeyFromEnvironment(args: Arguments): boolean {
  return !namesKey(args) && fromEnvironment().length > 0;
}

/** The key files of -k, or else, where nothing else is named either, the one of the environment. */
export function keyFiles(args: Arguments): string[] {
  return namesKey(args) ? args.values('key') : fromEnvironment();
}

/** The types of key slots that what the arguments name may open. */
export function kindsNamed(args: Arguments): string[] {
  const kinds: string[] = [];
  if (keyFiles(args).length > 0) kinds.push('key');
  if (args.has('identity')) kinds.push('x25519', 'hybrid');
  if (wantsPassphrase(args)) kinds.push('passphrase');
  return kinds;
}

/** Whether the options name anything to seal for or to open with. */
function namesKey(args: Arguments): boolean {
  return NAMES.some((name) => args.has(name));
}

function fromEnvironment(): string[] {
  const path = process.env[KEY_FILE_VARIABLE] ?? '';
  return path === '' ? [] : [path];
}

const NAMES = ['key', 'identity', 'recipient', 'recipients-file', 'passphrase', 'passphrase-fd'];
