// The recipients that a command seals for.

import { createHash } from 'node:crypto';

import { passphrase, type Recipient, secretKey, type SecretKey } from '../../index';
import { limits } from '../../internal/options';

import type { Arguments } from '../runner/arguments';
import { disposeAll } from './dispose';
import { usageError } from '../errors/command-error';
import { keyFiles, wantsPassphrase, written } from './key-arguments';
import { readKeyFile } from './key-files';
import { newPassphrase, passphraseFrom, sealingPassphrase } from './passphrase';
import { strengthOf } from './passphrase-strength';
import { type OptionPrefix, publicKey, publicKeysIn } from './public-keys';

/** The recipients that options name. */
export interface NamedRecipients {
  /** In the order of the options: public keys, files of them, key files; and passphrases, after they were asked for. */
  readonly recipients: readonly Recipient[];
  /**
   * One for each recipient but passphrases, which differ for different recipients and are no secret: a public key, or a hash
   * of a key, whose 256 bits can't be guessed.
   */
  readonly fingerprints: readonly string[];
  /** Asks for the passphrases. Last, so that no passphrase is typed for a command that then fails. */
  readonly askPassphrases: () => Promise<void>;
  /** Overwrites the secrets. */
  readonly dispose: () => void;
}

/**
 * The recipients of -r, -R, -k and -p, in this order; if no option names any, the key of SEALSTREAM_KEY_FILE.
 *
 * @throws CommandError if there are none, and for a file that can't be read or holds no public key; Interruption.
 */
export async function sealingRecipients(args: Arguments): Promise<readonly Recipient[]> {
  const passphrases = wantsPassphrase(args) ? [() => sealingPassphrase(args)] : [];
  const named = await namedRecipients(args, '', keyFiles(args), passphrases);
  try {
    await named.askPassphrases();
  } catch (error) {
    named.dispose();
    throw error;
  }
  if (named.recipients.length === 0) {
    throw usageError(
      'no key is given',
      'name a key file with -k FILE or SEALSTREAM_KEY_FILE, or a public key with -r, or use -p, which asks for a passphrase; sealstream keygen -o FILE makes a key file',
    );
  }
  return named.recipients;
}

/**
 * The recipients of --add-recipient, --add-recipients-file, --add-key and --add-passphrase, in this order.
 *
 * @throws As {@link sealingRecipients}; there may be none.
 */
export function addedRecipients(args: Arguments): Promise<NamedRecipients> {
  return namedRecipients(args, 'add-', args.values('add-key'), [
    ...(args.has('add-passphrase') ? [newPassphrase] : []),
    ...(args.has(ADDED_FD) ? [() => Promise.resolve(passphraseFrom(ADDED_FD, args))] : []),
  ]);
}

async function namedRecipients(
  args: Arguments,
  prefix: OptionPrefix,
  keys: readonly string[],
  passphrases: readonly (() => Promise<Uint8Array>)[],
): Promise<NamedRecipients> {
  const strength = strengthOf(
    args,
    passphrases.length > 0,
    prefix === '' ? 'use -p, which asks for one' : 'add one with --add-passphrase',
  );
  const keyId = args.value('key-id');
  if (keyId !== undefined && keys.length !== 1) {
    throw usageError(
      '--key-id names exactly one key',
      `give one key file with ${written(`${prefix}key`)} FILE`,
    );
  }
  const recipients: Recipient[] = [];
  const known = new Set<string>();
  const dispose = (): void => {
    disposeAll(recipients);
  };
  const askPassphrases = async (): Promise<void> => {
    for (const ask of passphrases) {
      const typed = await ask();
      try {
        recipients.push(nameOption('--passphrase-cost', () => passphrase(typed, { strength })));
      } finally {
        typed.fill(0);
      }
    }
  };
  try {
    const texts = [
      ...args.values(`${prefix}recipient`),
      ...args.values(`${prefix}recipients-file`).flatMap((path) => publicKeysIn(path, prefix)),
    ];
    // A recipient that is named twice gets one key slot.
    for (const text of new Set(texts)) {
      known.add(text);
      recipients.push(publicKey(text, prefix));
    }
    for (const path of keys) {
      const key = await readKeyFile(path, args.has('allow-readable-key'), prefix);
      try {
        const fingerprint = fingerprintOf(key);
        if (!known.has(fingerprint)) {
          recipients.push(nameOption('--key-id', () => secretKey(key, { id: keyId })));
        }
        known.add(fingerprint);
      } finally {
        key.dispose();
      }
    }
    const count = recipients.length + passphrases.length;
    if (count > limits.maxSlots) {
      throw usageError(
        `a file can have at most ${limits.maxSlots} recipients, not ${count}`,
        'seal it again for the others',
      );
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { recipients, fingerprints: [...known], askPassphrases, dispose };
}

/** The label separates it from every other hash of the key. */
function fingerprintOf(key: SecretKey): string {
  const bytes = key.exportBytes();
  try {
    return createHash('sha256').update(FINGERPRINT_LABEL).update(bytes).digest('hex');
  } finally {
    bytes.fill(0);
  }
}

/** Replaces the library's name of an argument, the first word of a RangeError, by the option that it came from. */
function nameOption<T>(option: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw usageError(`${option}${error.message.replace(/^\S+/, '')}`, 'see the help of the command: --help');
  }
}

const ADDED_FD = 'add-passphrase-fd';
// Part of the log's format: another label would make rewrap --log forget what was done.
const FINGERPRINT_LABEL = 'sealstream mark of a key\0';
