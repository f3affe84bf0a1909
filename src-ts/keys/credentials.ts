// For whom a stream is sealed, and what opens it. Secrets live in Rust's memory.

import type { NativeCredential, NativeKey, PassphraseStrength, SlotTypeName } from '../../native/binding';
import { native } from '../internal/binding';
import { fixedBytes, isBytes } from '../internal/bytes';
import { disposedOf, rangeError, typeError } from '../api/errors';
import { isSecretKey, keyArgument, nativeKey } from './secret-key';
import { Labelled } from './redacted';
import { checkedInteger, checkedKeyId, checkedOptions, checkedString, checkedText, limits } from '../internal/options';
import { checkedProvider, type KeyProvider, type ProviderAccess } from '../providers/providers';
import type { KeyInput } from '../internal/types';

/** The types of key slots. */
export type SlotType = SlotTypeName;

declare const recipientBrand: unique symbol;
/** Only in types. */
export declare const identityBrand: unique symbol;

/**
 * Someone for whom a stream is sealed: made by {@link passphrase}, {@link secretKey}, {@link x25519}, {@link hybrid} or
 * {@link provider}. It prints as its type alone.
 */
export interface Recipient {
  /** The type of its key slot. */
  readonly type: SlotType;
  /** Only this package makes them. */
  readonly [recipientBrand]: true;
}

/**
 * Something that may open a stream: made by {@link passphrase}, {@link secretKey} or {@link provider}, or a
 * {@link KeyPair}. It prints as its type alone.
 */
export interface Identity {
  /** The type of the key slots that it may open. */
  readonly type: SlotType;
  /** Only this package makes them. */
  readonly [identityBrand]: true;
}

/** Something secret for which streams are sealed and by which they are opened. */
export interface Credential extends Recipient, Identity {
  /** Overwrites it. Later use throws a TypeError; operations under way go on with their own copy. */
  dispose(): void;
  /** The same as `dispose`, for `using`. */
  [Symbol.dispose](): void;
}

/** What Argon2id costs for a passphrase: a name, or exact parameters. */
export type Strength = 'interactive' | 'default' | 'sensitive' | PassphraseStrength;

/**
 * A passphrase, to seal and to open. It counts in Unicode NFC, blanks included.
 *
 * Every attempt with it, right or wrong, takes the time and memory of its slot's strength: `'default'` are 64 MiB, 3 passes
 * and 4 lanes (RFC 9106's second choice), `'interactive'` 19 MiB, 2 passes and 1 lane, `'sensitive'` 2 GiB, 1 pass and 4
 * lanes (its first choice). To open, the slot's own counts.
 *
 * A string can't be overwritten: give UTF-8 bytes, and overwrite them, where that matters.
 *
 * @throws TypeError or RangeError for an empty text, one that is no Unicode, or parameters that Argon2 does not have.
 */
export function passphrase(
  text: string | Uint8Array,
  options: { strength?: Strength | undefined } = {},
): Credential {
  const cost = checkedStrength(checkedOptions(options, PASSPHRASE_OPTIONS).strength ?? 'default');
  const bytes = isBytes(text)
    ? fixedBytes('text', text)
    : encoder.encode(checkedText('text', checkedPassphrase(text)));
  if (bytes.length === 0) throw rangeError('text', 'must not be empty');
  try {
    return new Shared(
      'passphrase',
      named('text', () => native.NativeCredential.passphrase(bytes, cost)),
    );
  } finally {
    if (bytes !== text) bytes.fill(0);
  }
}

/**
 * A 32-byte key, to seal and to open.
 *
 * @param options `id` is a name for the key, at most 255 bytes of UTF-8, that anyone can read in the header: a hint for
 *   whoever opens the stream.
 * @throws TypeError or RangeError.
 */
export function secretKey(key: KeyInput, options: { id?: string | undefined } = {}): Credential {
  const { id = '' } = checkedOptions(options, KEY_OPTIONS);
  return new Shared('key', native.NativeCredential.key(keyArgument('key', key), checkedKeyId('id', id)));
}

/**
 * The holder of an X25519 secret key, by its public key as age writes it: `age1…`. To open takes the {@link KeyPair}.
 *
 * A stream with such a recipient is not safe from quantum computers, whatever its other recipients are: see {@link hybrid}.
 *
 * @throws TypeError or RangeError for another text, and for a key with which no secret can be shared.
 */
export function x25519(publicKey: string): Recipient {
  return publicKeyOf('x25519', publicKey);
}

/**
 * The holder of a post-quantum hybrid secret key (X-Wing: ML-KEM-768 beside X25519), by its public key as age writes it:
 * `age1pq1…`. To open takes the {@link KeyPair}.
 *
 * @throws TypeError or RangeError for another text, and for a key with which no secret can be shared.
 */
export function hybrid(publicKey: string): Recipient {
  return publicKeyOf('hybrid', publicKey);
}

/**
 * Whoever may use a key of a key service. To seal, the service wraps a random key for every stream; to open, it unwraps that
 * again, and is asked for this key id alone.
 *
 * @param keyId Which of the service's keys, at most 65,535 bytes of UTF-8; anyone can read it in the header.
 * @param options `timeout` is how long the service may take for an answer, in milliseconds: 30,000 by default.
 * @throws TypeError or RangeError.
 */
export function provider(
  service: KeyProvider,
  keyId: string,
  options: { timeout?: number | undefined } = {},
): Recipient & Identity {
  const { timeout = DEFAULT_TIMEOUT } = checkedOptions(options, PROVIDER_OPTIONS);
  const id = checkedText('keyId', checkedString('keyId', keyId));
  if (id === '') throw rangeError('keyId', 'must not be empty');
  if (Buffer.byteLength(id) > limits.maxProviderKeyId) {
    throw rangeError('keyId', `must have at most ${limits.maxProviderKeyId} bytes of UTF-8`);
  }
  return new Shared('provider', {
    ...checkedProvider(service),
    keyId: id,
    timeout: checkedInteger('timeout', timeout, 1, MAX_TIMEOUT),
  });
}

/** What stands behind a recipient or an identity. @internal */
export type Held = NativeCredential | ProviderAccess;

/** @internal */
export function isAccess(held: NativeKey | Uint8Array | Held): held is ProviderAccess {
  // Its own: whatever somebody put on Object.prototype is none.
  return Object.hasOwn(held, 'service');
}

/** What stands behind a recipient. @internal */
export function heldByRecipient(name: string, value: unknown): NativeKey | Held {
  if (isSecretKey(value)) return nativeKey(name, value);
  const entry = entryOf(value);
  if (entry?.seals === true) return stillHeld(name, entry);
  const found = entry && 'a KeyPair: give its publicKey to hybrid() or x25519()';
  throw typeError(name, RECIPIENT, value, found);
}

/** What stands behind an identity. @internal */
export function heldByIdentity(name: string, value: unknown): NativeKey | Held {
  if (isSecretKey(value)) return nativeKey(name, value);
  const entry = entryOf(value);
  if (entry?.opens === true) return stillHeld(name, entry);
  throw typeError(name, IDENTITY, value, entry && 'a public key, which opens nothing');
}

/** What an object stands for. */
interface Entry {
  readonly seals: boolean;
  readonly opens: boolean;
  /** Until it is disposed of. */
  held: Held | undefined;
}

/** Has an object stand for what is held. @internal */
export function hold(holder: object, held: Held, use: Pick<Entry, 'seals' | 'opens'>): void {
  entries.set(holder, { ...use, held });
}

/** Overwrites what the object stood for. @internal */
export function letGo(holder: object): void {
  const entry = entries.get(holder);
  if (entry?.held && !isAccess(entry.held)) entry.held.dispose();
  if (entry) entry.held = undefined;
}

function entryOf(value: unknown): Entry | undefined {
  return typeof value === 'object' && value !== null ? entries.get(value) : undefined;
}

function stillHeld(name: string, { held }: Entry): Held {
  if (held === undefined) throw disposedOf(name);
  return held;
}

function checkedPassphrase(text: unknown): string {
  if (typeof text !== 'string') throw typeError('text', 'a string or a Uint8Array', text);
  return text;
}

/** Calls the addon, which says what is wrong with `name`. */
function named<T>(name: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw rangeError(name, error instanceof Error ? error.message : String(error));
  }
}

class PublicKey extends Labelled implements Recipient {
  declare readonly [recipientBrand]: true;

  constructor(
    readonly type: SlotType,
    key: Held,
  ) {
    super(type);
    hold(this, key, { seals: true, opens: false });
  }
}

class Shared extends Labelled implements Credential {
  declare readonly [recipientBrand]: true;
  declare readonly [identityBrand]: true;

  constructor(
    readonly type: SlotType,
    secret: Held,
  ) {
    super(type);
    hold(this, secret, { seals: true, opens: true });
  }

  dispose(): void {
    letGo(this);
  }

  [Symbol.dispose](): void {
    letGo(this);
  }
}

function publicKeyOf(type: 'x25519' | 'hybrid', text: unknown): Recipient {
  // As it stands in a file, with the end of its line.
  const checked = checkedString('publicKey', text).trim();
  const credential = named('publicKey', () => native.NativeCredential.publicKey(checked));
  if (credential.type !== type) {
    throw rangeError('publicKey', `is that of another kind of key pair: use ${credential.type}()`);
  }
  return new PublicKey(type, credential);
}

function checkedStrength(strength: unknown): PassphraseStrength {
  if (typeof strength === 'string') {
    if (!Object.hasOwn(strengths, strength)) {
      throw rangeError(
        'strength',
        `must be one of ${Object.keys(strengths).join(', ')}, or exact parameters`,
      );
    }
    return strengths[strength as keyof typeof strengths];
  }
  if (typeof strength !== 'object' || strength === null) {
    throw typeError('strength', 'a name or an object', strength);
  }
  const { memoryKiB, passes, lanes } = checkedOptions(strength as PassphraseStrength, STRENGTH_OPTIONS);
  const checkedLanes = checkedInteger('strength.lanes', lanes, 1, MAX_LANES);
  return {
    memoryKiB: checkedInteger('strength.memoryKiB', memoryKiB, 8 * checkedLanes, MAX_U32),
    passes: checkedInteger('strength.passes', passes, 1, MAX_U32),
    lanes: checkedLanes,
  };
}

const RECIPIENT = 'a recipient: what passphrase, secretKey, x25519, hybrid or provider returns';
const IDENTITY = 'an identity: a SecretKey, a KeyPair, or what passphrase, secretKey or provider returns';
const entries = new WeakMap<object, Entry>();
const encoder = new TextEncoder();
const strengths = native.passphraseStrengths();
const MAX_U32 = 0xffff_ffff;
const MAX_LANES = limits.maxPassphraseLanes;
const DEFAULT_TIMEOUT = 30_000;
/** A longer one would be none at all: timers have 31 bits. */
const MAX_TIMEOUT = 0x7fff_ffff;
const PASSPHRASE_OPTIONS: ReadonlySet<string> = new Set(['strength']);
const STRENGTH_OPTIONS: ReadonlySet<string> = new Set(['memoryKiB', 'passes', 'lanes']);
const KEY_OPTIONS: ReadonlySet<string> = new Set(['id']);
const PROVIDER_OPTIONS: ReadonlySet<string> = new Set(['timeout']);
