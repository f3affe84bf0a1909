// Makes recipients and identities.

import type { PassphraseParameters } from '../../native/binding';
import { limits, native } from '../internal/binding';
import { checkedBytes, isBytes, overwriteBytes, sizeOf } from '../internal/bytes';
import { awaitNative, rangeError, typeError, withName } from '../internal/errors';
import { optionsBy, optionsOf } from '../internal/option-tables';
import { anything, integer, path as checkedPath, string, text } from '../internal/options';
import { checkedProvider, type KeyProvider } from '../providers/providers';
import { type recipientBrand, Redacted, SecretRecipient } from './redacted';
import { type Held, keyArgument } from './registry';
import type { Credential, Identity, KeyInput, Recipient, SlotType, PassphraseStrength } from './types';

/**
 * Makes a credential from a passphrase, to encrypt and to decrypt. The passphrase is normalised to Unicode NFC; spaces count.
 *
 * Each attempt to decrypt, with the right or a wrong passphrase, takes the time and memory of the slot's strength. `'default'` is
 * 64 MiB, 3 passes and 4 lanes (the second choice of RFC 9106), `'interactive'` 19 MiB, 2 passes and 1 lane, `'sensitive'` 2 GiB,
 * 1 pass and 4 lanes (the first choice of RFC 9106). `strength` matters only to encrypt: to decrypt, the slot's own counts.
 *
 * JavaScript cannot overwrite a string. If that matters, give UTF-8 bytes and overwrite them afterwards.
 *
 * @param secret The passphrase, or its UTF-8.
 * @param options `strength` is the cost of every attempt.
 * @returns A recipient and identity.
 * @throws TypeError or RangeError if the text is empty or is not well-formed Unicode, or if Argon2 does not allow the parameters.
 *
 * @example
 * const credential = passphrase('correct horse battery staple', { strength: 'sensitive' });
 * await encryptFile('a', 'a.seal', { recipients: [credential] });
 */
export function passphrase(secret: string | Uint8Array, options: PassphraseOptions = {}): Credential {
  const { strength } = optionsOf('passphrase', options);
  const cost = checkedStrength(strength ?? 'default');
  const isText = typeof secret === 'string';
  if (!isText && !isBytes(secret)) throw typeError('text', 'a string or a Uint8Array', secret);
  // As bytes, lone surrogates would all be the same character.
  if (isText && /\p{Surrogate}/u.test(secret)) throw rangeError('text', 'must not have lone surrogates');
  const bytes = isText ? encoder.encode(text(0, Infinity)('text', secret)) : checkedBytes('text', secret);
  try {
    if (sizeOf(bytes) === 0) throw rangeError('text', 'must not be empty');
    return new Shared(
      'passphrase',
      withName('text', () => native.NativeCredential.passphrase(bytes, cost)),
    );
  } finally {
    if (isText) overwriteBytes(bytes);
  }
}

/**
 * Makes a credential from a 32-byte key, to encrypt and to decrypt.
 *
 * @param key A SecretKey, 32 bytes, or a secret KeyObject.
 * @param options `keyId` names the key for the holder of several: at most 255 bytes of UTF-8, which anyone can read in the header.
 * @returns A recipient and identity.
 * @throws TypeError or RangeError for wrong arguments.
 *
 * @example
 * const recipients = [secretKey(SecretKey.generate(), { keyId: '2026-05' }), passphrase('recovery passphrase')];
 * await encryptFile('a', 'a.seal', { recipients });
 */
export function secretKey(key: KeyInput, options: SecretKeyOptions = {}): Credential {
  const { keyId = '' } = optionsOf('secretKey', options);
  return new Shared('key', native.NativeCredential.key(keyArgument('key', key), keyId));
}

/**
 * Makes a recipient from a public key in age's notation. Its prefix says the kind: `age1pq1…` is a post-quantum hybrid key (X-Wing:
 * ML-KEM-768 beside X25519), another `age1…` an X25519 key. Only the {@link KeyPair} opens the stream. Whitespace around the text is
 * ignored.
 *
 * A stream with an X25519 recipient is not safe from quantum computers, even if it has other recipients.
 *
 * @param text `age1…` or `age1pq1…`.
 * @returns A recipient.
 * @throws TypeError or RangeError if the text is not such a key, or if no secret can be shared with the key.
 *
 * @example
 * const pair = KeyPair.generate();
 * await encryptFile('a', 'a.seal', { recipients: [publicKey(pair.publicKey)] });
 * await decryptFile('a.seal', 'b', { identities: [pair] });
 */
export function publicKey(text: string): Recipient {
  // Trimmed, because a key from a file ends with its line.
  const trimmed = string('text', text).trim();
  const credential = withName('text', () => native.NativeCredential.publicKey(trimmed));
  return new PublicKey(credential.type, credential);
}

/**
 * Reads the public keys in a file, as the command's `-R` does: one on each line that is neither empty nor a comment.
 *
 * @param path The file.
 * @returns At least one recipient, in the file's order.
 * @throws SealError of kind `KeyFileRefused` if a line is not a public key or the file has none; or `Io`.
 *
 * @example
 * await encryptFile('a', 'a.seal', { recipients: await recipientsFromFile('team.txt') });
 */
export async function recipientsFromFile(path: string | URL): Promise<Recipient[]> {
  const file = checkedPath('path', path);
  const credentials = await awaitNative(() => native.readRecipients(file));
  return credentials.map((credential) => new PublicKey(credential.type, credential));
}

/**
 * Makes a recipient and identity from a key of a provider. To encrypt, the provider wraps a random key for each stream. To decrypt,
 * it unwraps that key; it is asked only for this key id.
 *
 * @param keyProvider The provider: any object of this shape.
 * @param keyId The id of the provider's key, at most 65,535 bytes of UTF-8. Anyone can read it in the header.
 * @param options `timeout` limits the wait for one answer, in milliseconds: 30,000 by default.
 * @returns A recipient and identity.
 * @throws TypeError or RangeError for wrong arguments.
 *
 * @example
 * await encryptFile('a', 'a.seal', { recipients: provider(vault, 'backup', { timeout: 5000 }) });
 */
export function provider(
  keyProvider: KeyProvider,
  keyId: string,
  options: ProviderOptions = {},
): Recipient & Identity {
  const { timeout = DEFAULT_TIMEOUT_MS } = optionsOf('provider', options);
  const id = PROVIDER_KEY_ID('keyId', keyId);
  return new Shared('provider', { ...checkedProvider(keyProvider), keyId: id, timeout });
}

/** Options of {@link passphrase}. */
export interface PassphraseOptions {
  /** The cost of an attempt: `'default'` by default. */
  strength?: PassphraseStrength | undefined;
}

/** Options of {@link secretKey}. */
export interface SecretKeyOptions {
  /** A name for the key, at most 255 bytes of UTF-8: a hint for the holder of several keys. Anyone can read it. */
  keyId?: string | undefined;
}

/** Options of {@link provider}. */
export interface ProviderOptions {
  /** Limits the wait for one answer, in milliseconds: 30,000 by default. */
  timeout?: number | undefined;
}

class PublicKey extends Redacted implements Recipient {
  declare readonly [recipientBrand]: true;

  constructor(
    readonly type: SlotType,
    key: Held,
  ) {
    super(type, 'public', key);
  }
}

class Shared extends SecretRecipient implements Credential {
  constructor(
    readonly type: SlotType,
    secret: Held,
  ) {
    super(type, 'shared', secret);
  }
}

function checkedStrength(strength: unknown): PassphraseParameters {
  if (typeof strength === 'string') {
    if (Object.hasOwn(STRENGTHS, strength)) return STRENGTHS[strength as keyof typeof STRENGTHS];
    const names = Object.keys(STRENGTHS).join(', ');
    throw rangeError('strength', `must be one of ${names}, or exact parameters`);
  }
  if (typeof strength !== 'object' || strength === null) {
    throw typeError('strength', 'a name or an object', strength);
  }
  const given = optionsBy('strength', strength, STRENGTH, 'strength');
  const lanes = integer(1, limits.maxPassphraseLanes)('strength.lanes', given.lanes);
  return {
    memoryKiB: integer(8 * lanes, MAX_U32)('strength.memoryKiB', given.memoryKiB),
    passes: integer(1, MAX_U32)('strength.passes', given.passes),
    lanes,
  };
}

const encoder = new TextEncoder();
const STRENGTHS = native.passphraseStrengths();
const MAX_U32 = 0xffff_ffff;
const PROVIDER_KEY_ID = text(1, limits.maxProviderKeyId);
const DEFAULT_TIMEOUT_MS = 30_000;
const STRENGTH = { memoryKiB: anything, passes: anything, lanes: anything };
