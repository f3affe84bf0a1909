// The keys that a command's arguments name, before any of them is read.

import type { SlotType } from '../../index';
import { SLOT_TYPES } from '../../internal/options';

import { type Arguments, exclusive, oneOf } from '../runner/arguments';

/** Names the key file if no option names a key. */
export const KEY_FILE_VARIABLE = 'SEALSTREAM_KEY_FILE';

/** A file that a command reads or writes. */
export interface NamedFile {
  readonly path: string;
  /** Its role in the command, such as `the input`. */
  readonly role: string;
}

/**
 * Whether a command that works with or without a key is given one.
 *
 * @throws CommandError for a key together with --no-key.
 */
export function wantsKey(args: Arguments): boolean {
  if (!args.has('no-key')) return keyFiles(args).length > 0 || namesKey(args);
  const named = KEY_OPTIONS.find((name) => args.has(name));
  if (named !== undefined) throw exclusive(`--${named}`, '--no-key');
  return false;
}

/**
 * Whether -p or --passphrase-fd is given.
 *
 * @throws CommandError for both.
 */
export function wantsPassphrase(args: Arguments): boolean {
  const [typed, read] = [args.has('passphrase'), args.has('passphrase-fd')];
  if (typed && read) throw exclusive('-p', '--passphrase-fd');
  return typed || read;
}

/** Every file with keys that is named, including the one of the environment even if an option takes precedence. */
export function namedKeyFiles(args: Arguments): NamedFile[] {
  const files = (kind: string, paths: readonly string[]): NamedFile[] =>
    paths.map((path) => ({ path, role: `the ${kind} ${path}` }));
  return [
    ...files('key file', [...args.values('key'), ...args.values('add-key'), ...fromEnvironment()]),
    ...files('identity file', args.values('identity')),
    ...files('recipients file', [...args.values('recipients-file'), ...args.values('add-recipients-file')]),
  ];
}

/** Whether the environment names the key. */
export function isKeyFromEnvironment(args: Arguments): boolean {
  return !namesKey(args) && fromEnvironment().length > 0;
}

/** The key files of -k; if no option names a key, that of the environment. */
export function keyFiles(args: Arguments): string[] {
  return namesKey(args) ? args.values('key') : fromEnvironment();
}

/** The types of key slots that the given keys can open. */
export function offeredSlotTypes(args: Arguments): SlotType[] {
  return [
    ...(keyFiles(args).length > 0 ? (['key'] as const) : []),
    ...(args.has('identity') ? (['x25519', 'hybrid'] as const) : []),
    ...(wantsPassphrase(args) ? (['passphrase'] as const) : []),
  ];
}

/** The types of key slots of --accept-slots. */
export function acceptedSlots(args: Arguments): SlotType[] | undefined {
  const types = args.value('accept-slots')?.split(',');
  return types?.map((type) => {
    const name = type === '' ? 'between two commas' : type;
    return oneOf(type, SLOT_TYPES, `--accept-slots has no type ${name}`);
  });
}

/** An option as messages name it: by its letter if it has one. */
export function written(option: string): string {
  return LETTERS[option] ?? `--${option}`;
}

function namesKey(args: Arguments): boolean {
  return KEY_OPTIONS.some((name) => args.has(name));
}

function fromEnvironment(): string[] {
  const path = process.env[KEY_FILE_VARIABLE] ?? '';
  return path === '' ? [] : [path];
}

const KEY_OPTIONS = ['key', 'identity', 'recipient', 'recipients-file', 'passphrase', 'passphrase-fd'];
const LETTERS: Readonly<Record<string, string>> = {
  key: '-k',
  identity: '-i',
  recipient: '-r',
  'recipients-file': '-R',
  y: '-y',
};
