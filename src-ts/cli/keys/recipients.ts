// For whom a command seals: what its options name, read.

import { createHash } from 'node:crypto';

import { passphrase, type Recipient, secretKey, type SecretKey } from '../../index';
import { limits } from '../../internal/binding';

import type { Arguments } from '../runner/arguments';
import { disposeAll } from './dispose';
import { usageError } from '../errors/usage-error';
import { readKeyFile } from './key-files';
import { keyFiles } from './named-keys';
import { newPassphrase, passphraseFrom, sealingPassphrase, wantsPassphrase } from './passphrase';
import { publicKey, publicKeysIn, type Written } from './public-keys';
import { strengthOf } from './passphrase-cost';

/** Whom options name. */
export interface Named {
  /** In the order of the options: public keys, files of them, key files; and passphrases, once they were asked for. */
  readonly recipients: readonly Recipient[];
  /**
   * What tells each of them from any other and gives no secret away: a public key, or a hash of a key,
   * whose 256 bits nobody guesses. A passphrase has none.
   */
  readonly marks: readonly string[];
  /** Asks for the passphrases: last, since nobody is to type one for a command that could not have worked. */
  readonly ask: () => Promise<void>;
  /** Overwrites what is secret. */
  readonly dispose: () => void;
}

/**
 * Everyone whom -r, -R, -k and -p name, in this order; or else the key of SEALSTREAM_KEY_FILE.
 *
 * @throws CommandError where nobody is named, and for what can't be read or is no public key; Interruption.
 */
export async function sealingRecipients(args: Arguments): Promise<readonly Recipient[]> {
  const named = await recipientsNamed(args, {
    options: { recipient: 'recipient', file: 'recipients-file' },
    written: { recipient: '-r', file: '-R', key: '-k' },
    keys: keyFiles(args),
    passphrases: wantsPassphrase(args) ? [() => sealingPassphrase(args)] : [],
    adviceToAsk: 'have one asked for with -p',
  });
  try {
    await named.ask();
  } catch (error) {
    named.dispose();
    throw error;
  }
  if (named.recipients.length === 0) {
    throw usageError(
      'no key is given',
      'name a key file with -k FILE or SEALSTREAM_KEY_FILE, or a public key with -r, or have a passphrase asked for with -p; sealstream keygen -o FILE makes a key file',
    );
  }
  return named.recipients;
}

/**
 * Everyone whom --add-recipient, --add-recipients-file, --add-key and --add-passphrase name, in this order.
 *
 * @throws As {@link sealingRecipients}; nobody is no error.
 */
export function addedRecipients(args: Arguments): Promise<Named> {
  return recipientsNamed(args, {
    options: { recipient: 'add-recipient', file: 'add-recipients-file' },
    written: { recipient: '--add-recipient', file: '--add-recipients-file', key: '--add-key' },
    keys: args.values('add-key'),
    passphrases: [
      ...(args.has('add-passphrase') ? [newPassphrase] : []),
      ...(args.has(ADDED_FD) ? [() => Promise.resolve(passphraseFrom(ADDED_FD, args))] : []),
    ],
    adviceToAsk: 'add one with --add-passphrase',
  });
}

/** Where a command names whom it seals for. */
interface Naming {
  /** The names of the options for public keys and files of them. */
  readonly options: Pick<Written, 'recipient' | 'file'>;
  /** The same as a person writes them. */
  readonly written: Written;
  readonly keys: readonly string[];
  readonly passphrases: readonly (() => Promise<Uint8Array>)[];
  /** How to have a passphrase asked for. */
  readonly adviceToAsk: string;
}

async function recipientsNamed(args: Arguments, naming: Naming): Promise<Named> {
  const { options, written, keys, passphrases, adviceToAsk } = naming;
  const strength = strengthOf(args, passphrases.length > 0, adviceToAsk);
  const keyId = args.value('key-id');
  if (keyId !== undefined && keys.length !== 1) {
    throw usageError('--key-id is the name of one key', `give one key file with ${written.key} FILE`);
  }
  const recipients: Recipient[] = [];
  const known = new Set<string>();
  const dispose = (): void => {
    disposeAll(recipients);
  };
  const ask = async (): Promise<void> => {
    for (const passphraseTyped of passphrases) {
      const typed = await passphraseTyped();
      try {
        recipients.push(inRange('--passphrase-cost', () => passphrase(typed, { strength })));
      } finally {
        typed.fill(0);
      }
    }
  };
  try {
    const texts = [
      ...args.values(options.recipient),
      ...args.values(options.file).flatMap((path) => publicKeysIn(path, written)),
    ];
    for (const text of texts) {
      // Also twice, it is one.
      if (known.has(text)) continue;
      known.add(text);
      recipients.push(publicKey(text, written));
    }
    for (const path of keys) {
      const key = await readKeyFile(path, args.has('allow-readable-key'), written);
      try {
        const mark = markOf(key);
        if (!known.has(mark)) recipients.push(inRange('--key-id', () => secretKey(key, { id: keyId })));
        known.add(mark);
      } finally {
        key.dispose();
      }
    }
    const count = recipients.length + passphrases.length;
    if (count > MOST) {
      throw usageError(`a file can be for ${MOST} at most, not ${count}`, 'seal it again for the others');
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { recipients, marks: [...known], ask, dispose };
}

/** The label keeps it apart from every other hash of the key. */
function markOf(key: SecretKey): string {
  const bytes = key.exportBytes();
  try {
    return createHash('sha256').update(MARK_LABEL).update(bytes).digest('hex');
  } finally {
    bytes.fill(0);
  }
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

const ADDED_FD = 'add-passphrase-fd';
const MARK_LABEL = 'sealstream mark of a key\0';
// What a header has room for.
const MOST = limits.maxSlots;
