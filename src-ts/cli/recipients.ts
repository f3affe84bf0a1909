// For whom a command seals: what its options name, read.

import { closeSync, openSync, readSync } from 'node:fs';

import { hybrid, passphrase, type Strength, type Recipient, secretKey, x25519 } from '../index';

import type { Arguments } from './arguments';
import { CommandError, usageError } from './errors';
import { readKeyFile } from './key-files';
import { keyFiles } from './keys';
import { newPassphrase, passphraseFrom, sealingPassphrase, wantsPassphrase } from './passphrase';
import { parseSize } from './units';

/**
 * Everyone whom -r, -R, -k and -p name, in this order; or else the key of SEALSTREAM_KEY_FILE.
 *
 * @throws CommandError where nobody is named, and for what can't be read or is no public key; Interruption.
 */
export async function sealingRecipients(args: Arguments): Promise<Recipient[]> {
  const strength = strengthOf(args, ['passphrase', 'passphrase-fd'], 'have one asked for with -p');
  const keys = keyFiles(args);
  const keyId = args.value('key-id');
  if (keyId !== undefined && keys.length !== 1) {
    throw usageError('--key-id is the name of one key', 'give one key file with -k FILE');
  }
  const found: Recipient[] = [];
  for (const text of args.values('recipient')) found.push(publicKey(text));
  for (const path of args.values('recipients-file')) found.push(...recipientsOf(path));
  for (const path of keys) {
    const key = await readKeyFile(path, args.has('allow-readable-key'));
    found.push(inRange('--key-id', () => secretKey(key, { id: keyId })));
    key.dispose();
  }
  const count = found.length + (wantsPassphrase(args) ? 1 : 0);
  if (count > MOST) {
    throw usageError(`a file can be for ${MOST} at most, not ${count}`, 'seal it again for the others');
  }
  // Last: nobody is to type one for a command that could not have worked.
  if (wantsPassphrase(args)) {
    const typed = await sealingPassphrase(args);
    found.push(passphraseOf(typed, strength));
  }
  if (found.length === 0) {
    throw usageError(
      'no key is given',
      'name a key file with -k FILE or SEALSTREAM_KEY_FILE, or a public key with -r, or have a passphrase asked for with -p; sealstream keygen -o FILE makes a key file',
    );
  }
  return found;
}

/**
 * What a passphrase that --add-passphrase or --add-passphrase-fd adds is to cost; `undefined` where nothing says it.
 *
 * @throws CommandError for what can't be meant.
 */
export function addedStrength(args: Arguments): Strength | undefined {
  return strengthOf(args, ADDED_PASSPHRASES, 'add one with --add-passphrase');
}

/**
 * Everyone whom --add-recipient, --add-recipients-file, --add-key and --add-passphrase name, in this order.
 *
 * @param strength What an added passphrase costs.
 * @throws As {@link sealingRecipients}; nobody is no error.
 */
export async function addedRecipients(args: Arguments, strength: Strength | undefined): Promise<Recipient[]> {
  const keys = args.values('add-key');
  const keyId = args.value('key-id');
  if (keyId !== undefined && keys.length !== 1) {
    throw usageError('--key-id is the name of one key', 'give one key file with --add-key FILE');
  }
  const found = args.values('add-recipient').map(publicKey);
  for (const path of args.values('add-recipients-file')) found.push(...recipientsOf(path));
  for (const path of keys) {
    const key = await readKeyFile(path, args.has('allow-readable-key'));
    found.push(inRange('--key-id', () => secretKey(key, { id: keyId })));
    key.dispose();
  }
  for (const option of ADDED_PASSPHRASES.filter((name) => args.has(name))) {
    const isTyped = option === 'add-passphrase';
    found.push(passphraseOf(isTyped ? await newPassphrase() : passphraseFrom(option, args), strength));
  }
  return found;
}

/** Overwrites what was typed. */
function passphraseOf(typed: Uint8Array, strength: Strength | undefined): Recipient {
  try {
    return inRange('--passphrase-cost', () => passphrase(typed, { strength }));
  } finally {
    typed.fill(0);
  }
}

/** What --passphrase-strength or --passphrase-cost says of the passphrase that one of the options `asking` asks for. */
function strengthOf(args: Arguments, asking: readonly string[], advice: string): Strength | undefined {
  const given = ['passphrase-strength', 'passphrase-cost'].filter((option) => args.has(option));
  const [option, other] = given;
  if (option === undefined) return undefined;
  if (other !== undefined)
    throw usageError(`--${option} and --${other} exclude each other`, 'give one of them');
  if (!asking.some((name) => args.has(name))) {
    throw usageError(`--${option} counts only with a passphrase`, advice);
  }
  const cost = args.value('passphrase-cost');
  return cost === undefined ? args.choice('passphrase-strength', STRENGTHS) : exactStrength(cost);
}

function exactStrength(text: string): Strength {
  const [memory, passes, lanes, ...more] = text.split(',');
  const bytes = parseSize(memory ?? '');
  const [passCount, laneCount] = [passes, lanes].map((count) =>
    /^[1-9]\d{0,8}$/.test(count ?? '') ? Number(count) : undefined,
  );
  if (bytes === undefined || passCount === undefined || laneCount === undefined || more.length > 0) {
    throw usageError(
      `--passphrase-cost is not MEMORY,PASSES,LANES: ${text}`,
      'write it like --passphrase-cost 64M,3,4',
    );
  }
  if (laneCount > MAX_LANES) {
    throw usageError(`--passphrase-cost ${text} has too many lanes`, `${MAX_LANES} are the most`);
  }
  if (bytes % KIB !== 0 || bytes < MEMORY_PER_LANE * laneCount) {
    throw usageError(
      `--passphrase-cost ${text} has a memory that Argon2 does not take`,
      'it must be whole KiB, and at least 8K for each lane',
    );
  }
  return { memoryKiB: bytes / KIB, passes: passCount, lanes: laneCount };
}

/** Has what the library says of a value said of the option that it came from. */
function inRange<T>(option: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const said = error.message.replace(/^(?:id|strength\.\w+)/, option);
    throw usageError(said, 'see the help of the command: --help');
  }
}

function publicKey(text: string): Recipient {
  const recipient = parsed(text);
  if (recipient !== undefined) return recipient;
  if (SECRET.test(text)) {
    throw notARecipient(
      'what -r got is a secret key, not a public one',
      'treat it as known to others, since it stood on the command line, and make another: sealstream keygen --recipient',
    );
  }
  throw notARecipient(
    `-r got no public key: ${text}`,
    'write age1… or age1pq1…, all of it; a file of public keys is named with -R FILE, a key file with -k FILE',
  );
}

/** One public key a line, with comments, as age has them. */
function recipientsOf(path: string): Recipient[] {
  const text = textOf(path);
  const found: Recipient[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const recipient = parsed(line);
    if (recipient === undefined) throw wrongLine(path, index + 1, SECRET.test(line));
    found.push(recipient);
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
function textOf(path: string): string {
  const bytes = Buffer.alloc(LONGEST_FILE + 1);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CommandError(
      'KeyFileMissing',
      `the recipients file ${path} is not there`,
      'check the name behind -R',
    );
  }
  try {
    for (let length = 0; length <= LONGEST_FILE;) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) return bytes.toString('utf8', 0, length);
      length += count;
    }
  } finally {
    closeSync(fd);
  }
  throw notARecipient(
    `the recipients file ${path} is too long for one`,
    'name a file with one public key a line',
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
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
// What a header has room for.
const MOST = 64;
// Far more than 64 recipients with comments.
const LONGEST_FILE = 2 ** 20;
const ADDED_PASSPHRASES = ['add-passphrase', 'add-passphrase-fd'];
const STRENGTHS = ['interactive', 'default', 'sensitive'] as const;
const KIB = 1024;
const MAX_LANES = 255;
const MEMORY_PER_LANE = 8 * KIB;
