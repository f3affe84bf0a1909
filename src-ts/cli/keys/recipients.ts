// The recipients that a command seals for.

import { createHash } from 'node:crypto';

import { passphrase, type Recipient, secretKey, type SecretKey, type PassphraseStrength } from '../../index';
import { limits } from '../../internal/binding';

import type { Arguments } from '../runner/arguments';
import { disposeAll } from './dispose';
import { usageError } from '../errors/command-error';
import { isOptionError } from '../errors/explain-option';
import { keyFiles, wantsPassphrase, written } from './key-arguments';
import { publicKeysIn, readKeyFile } from './key-files';
import { sealingPassphrase } from './passphrase';
import { strengthOf } from './passphrase-strength';
import { type OptionPrefix, publicKey } from './public-keys';

/** The recipients that options name, and how many passphrases follow. */
export interface NamedRecipients {
  /** In the order of the options: public keys, files of them, key files. Passphrases are added by `askFor`. */
  readonly recipients: Recipient[];
  /**
   * One for each recipient but passphrases, which differ for different recipients and are no secret: a public key, or a hash
   * of a key, whose 256 bits can't be guessed.
   */
  readonly fingerprints: readonly string[];
  readonly strength: PassphraseStrength | undefined;
}

/**
 * The recipients of -r, -R, -k and -p, in this order; if no option names any, the key of SEALSTREAM_KEY_FILE.
 *
 * @throws CommandError if there are none, and for a file that can't be read or holds no public key; Interruption.
 */
export async function sealingRecipients(args: Arguments): Promise<readonly Recipient[]> {
  const hasPassphrase = wantsPassphrase(args);
  const named = await namedRecipients(args, '', keyFiles(args), hasPassphrase ? 1 : 0);
  if (hasPassphrase) await askFor(named, () => [sealingPassphrase(args)]);
  if (named.recipients.length === 0) {
    throw usageError(
      'no key is given',
      'name a key file with -k FILE or SEALSTREAM_KEY_FILE, or a public key with -r, or use -p, which asks for a passphrase; sealstream keygen -o FILE makes a key file',
    );
  }
  return named.recipients;
}

/**
 * The recipients of --add-recipient, --add-recipients-file and --add-key, in this order.
 *
 * @throws As {@link sealingRecipients}; there may be none.
 */
export function addedRecipients(args: Arguments): Promise<NamedRecipients> {
  const passphrases = ['add-passphrase', 'add-passphrase-fd'].filter((option) => args.has(option));
  return namedRecipients(args, 'add-', args.values('add-key'), passphrases.length);
}

/**
 * Adds the recipients of passphrases. Called last, so that no passphrase is typed for a command that then fails.
 *
 * @throws CommandError for a missing or invalid passphrase; Interruption. The recipients are then overwritten.
 */
export async function askFor(
  { recipients, strength }: NamedRecipients,
  passphrases: () => AsyncIterable<Uint8Array> | Iterable<Promise<Uint8Array>>,
): Promise<void> {
  try {
    for await (const typed of passphrases()) {
      try {
        recipients.push(nameOption('--passphrase-cost', () => passphrase(typed, { strength })));
      } finally {
        typed.fill(0);
      }
    }
  } catch (error) {
    disposeAll(recipients);
    throw error;
  }
}

async function namedRecipients(
  args: Arguments,
  prefix: OptionPrefix,
  keys: readonly string[],
  passphraseCount: number,
): Promise<NamedRecipients> {
  const adviceForPassphrase = prefix === '' ? 'use -p, which asks for one' : 'add one with --add-passphrase';
  const strength = strengthOf(args, passphraseCount > 0, adviceForPassphrase);
  const keyId = args.value('key-id');
  if (keyId !== undefined && keys.length !== 1) {
    throw usageError(
      '--key-id names exactly one key',
      `give one key file with ${written(`${prefix}key`)} FILE`,
    );
  }
  const recipients: Recipient[] = [];
  try {
    // A recipient that is named twice gets one key slot.
    const texts = new Set(args.values(`${prefix}recipient`));
    for (const path of args.values(`${prefix}recipients-file`)) {
      for (const text of await publicKeysIn(path, prefix)) texts.add(text);
    }
    for (const text of texts) recipients.push(publicKey(text, prefix));
    const fingerprints = new Set(texts);
    for (const path of keys) {
      const key = await readKeyFile(path, args.has('allow-readable-key'), prefix);
      try {
        const fingerprint = fingerprintOf(key);
        if (fingerprints.has(fingerprint)) continue;
        recipients.push(nameOption('--key-id', () => secretKey(key, { keyId })));
        fingerprints.add(fingerprint);
      } finally {
        key.dispose();
      }
    }
    const count = recipients.length + passphraseCount;
    if (count > limits.maxSlots) {
      const message = `a file can have at most ${limits.maxSlots} recipients, not ${count}`;
      throw usageError(message, 'seal it again for the others');
    }
    return { recipients, fingerprints: [...fingerprints], strength };
  } catch (error) {
    disposeAll(recipients);
    throw error;
  }
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
    if (!isOptionError(error)) throw error;
    throw usageError(`${option}${error.message.replace(/^\S+/, '')}`, 'see the help of the command: --help');
  }
}

// Part of the log's format: another label would make rewrap --log forget what was done.
const FINGERPRINT_LABEL = 'sealstream mark of a key\0';
