// Maps the objects that callers hold to the secrets behind them, which stay in the addon's memory.

import type { KeyObject } from 'node:crypto';
import { types } from 'node:util';

import type { NativeCredential, NativeKey } from '../../native/binding';
import { native } from '../internal/binding';
import { isBytes, secretBytes } from '../internal/bytes';
import { disposedError, rangeError, typeError, withName } from '../internal/errors';
import type { ProviderAccess } from '../providers/providers';

/** A key or a credential in the addon's memory. */
export type NativeSecret = NativeKey | NativeCredential;

/** A key's bytes, or a secret in the addon's memory. */
export type SecretArgument = Uint8Array | NativeSecret;

/** What an object can stand for: a secret, or access to a provider. */
export type Held = NativeSecret | ProviderAccess;

/** What an object is used for: a key and other shared secrets seal and open, a public key seals, a key pair opens. */
export type Use = 'key' | 'shared' | 'public' | 'pair';

interface Entry {
  readonly use: Use;
  /** `undefined` after it was disposed of. */
  held: Held | undefined;
}

/** Makes `object` stand for `held`. */
export function register(object: object, use: Use, held: Held): void {
  entries.set(object, { use, held });
}

/** Overwrites the secret that `object` stands for. */
export function overwrite(object: object): void {
  const entry = entries.get(object);
  if (entry?.held && !isAccess(entry.held)) entry.held.dispose();
  if (entry) entry.held = undefined;
}

export function isAccess(held: SecretArgument | Held): held is ProviderAccess {
  // An own property: a program may have put `keyProvider` on Object.prototype.
  return Object.hasOwn(held, 'keyProvider');
}

/** What the recipient `value` stands for. A key pair stands for its public key here. */
export function heldByRecipient(name: string, value: unknown): Held {
  if (typeof value === 'string') return publicKeyOf(name, value);
  const entry = entryOf(value);
  if (!entry) throw typeError(name, RECIPIENT, value);
  const held = notDisposed(name, entry);
  if (entry.use !== 'pair') return held;
  return native.NativeCredential.publicKey((held as NativeCredential).publicText);
}

/** What the identity `value` stands for. */
export function heldByIdentity(name: string, value: unknown): Held {
  if (typeof value === 'string') return secretKeyOf(name, value);
  const entry = entryOf(value);
  if (entry && entry.use !== 'public') return notDisposed(name, entry);
  throw typeError(name, IDENTITY, value, entry && 'a public key, which opens nothing');
}

/** Whether `value` is a recipient that opens nothing. */
export function isPublicKey(value: unknown): boolean {
  return entryOf(value)?.use === 'public';
}

/** Messages do not show the text: it may be a secret in the wrong place. */
function publicKeyOf(name: string, text: string): NativeCredential {
  const trimmed = text.trim();
  if (IS_SECRET_KEY.test(trimmed)) {
    throw rangeError(name, 'is the text of a secret key: give its public key, age1…');
  }
  if (!IS_PUBLIC_KEY.test(trimmed)) {
    throw rangeError(
      name,
      'is a text that is no public key, age1… or age1pq1…: give a passphrase as passphrase(text)',
    );
  }
  return withName(name, () => native.NativeCredential.publicKey(trimmed));
}

function secretKeyOf(name: string, text: string): NativeCredential {
  const trimmed = text.trim();
  if (IS_PUBLIC_KEY.test(trimmed)) {
    throw rangeError(
      name,
      'is the text of a public key, which opens nothing: give its secret key, AGE-SECRET-KEY-…',
    );
  }
  if (!IS_SECRET_KEY.test(trimmed)) {
    throw rangeError(
      name,
      'is a text that is no secret key, AGE-SECRET-KEY-…: give a passphrase as passphrase(text)',
    );
  }
  return withName(name, () => native.NativeCredential.secretKey(trimmed), 'is no secret key: ');
}

/** A SecretKey, a KeyObject or the 32 bytes of one, as the addon takes it. */
export function keyArgument(name: string, value: unknown): NativeKey | Uint8Array {
  if (isBytes(value)) return secretBytes(name, value);
  // Of any realm.
  if (types.isKeyObject(value)) return keyOfObject(name, value);
  const entry = entryOf(value);
  if (entry?.use === 'key') return notDisposed(name, entry) as NativeKey;
  if (entry) throw typeError(name, KEY, value, NO_KEY[entry.use]);
  throw typeError(name, KEY, value);
}

function keyOfObject(name: string, key: KeyObject): NativeKey {
  if (key.type !== 'secret') throw typeError(name, 'a secret KeyObject', key, `a ${key.type} one`);
  const bytes = key.export();
  try {
    return native.NativeKey.fromBytes(secretBytes(name, bytes));
  } finally {
    bytes.fill(0);
  }
}

function entryOf(value: unknown): Entry | undefined {
  return typeof value === 'object' && value !== null ? entries.get(value) : undefined;
}

function notDisposed(name: string, { held }: Entry): Held {
  if (held === undefined) throw disposedError(name);
  return held;
}

const entries = new WeakMap<object, Entry>();
const IS_PUBLIC_KEY = /^age1/i;
const IS_SECRET_KEY = /^AGE-SECRET-KEY-/i;
const KEY = 'a SecretKey, a Uint8Array or a secret KeyObject';
const NO_KEY = {
  key: undefined,
  shared: 'a passphrase or another credential: give it as recipients or identities',
  public: 'a public key: give it as recipients',
  pair: 'a KeyPair: give it as recipients or identities',
} as const;
const RECIPIENT =
  "a recipient: a SecretKey, a KeyPair, a text 'age1…', or what passphrase, secretKey, publicKey or provider returns";
const IDENTITY =
  "an identity: a SecretKey, a KeyPair, a text 'AGE-SECRET-KEY-…', or what passphrase, secretKey or provider returns";
