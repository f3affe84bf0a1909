// Key pairs: a stream that is sealed for the public key opens only with the secret key.

import type { NativeCredential } from '../../native/binding';
import { native } from '../internal/binding';
import { awaitNative, callNative, rangeError, withName } from '../internal/errors';
import type { KeyFileOptions } from './secret-key';
import { optionsOf } from '../internal/option-tables';
import { oneOf, path as checkedPath, string } from '../internal/options';
import { SecretRecipient } from './redacted';
import { heldByIdentity } from './registry';
import type { Identity, Recipient } from './types';

/** The algorithm of a key pair. */
export type KeyPairType = 'hybrid' | 'x25519';

/**
 * A secret key with its public key. As a recipient it is its public key, as an identity its secret key. Texts and files use age's notation,
 * so that a pair works with both. Prints `[KeyPair]`.
 *
 * @example
 * const pair = KeyPair.generate();
 * await pair.toFile('identity.txt');
 * await encryptFile('a', 'a.seal', { recipients: pair });
 * await decryptFile('a.seal', 'b', { identities: await KeyPair.fromFile('identity.txt') });
 */
export class KeyPair extends SecretRecipient implements Recipient, Identity {
  /** The pair's algorithm. */
  readonly type: KeyPairType;
  /** The public key, which is a recipient by itself: `age1pq1…` or `age1…`. */
  readonly publicKey: string;

  private constructor(pair: NativeCredential) {
    if (!(pair instanceof native.NativeCredential)) {
      throw new TypeError('a KeyPair is made by KeyPair.generate, fromText or fromFile');
    }
    super('KeyPair', 'pair', pair);
    this.type = pair.type as KeyPairType;
    this.publicKey = pair.publicText;
  }

  /**
   * Generates a new pair with the system's random generator.
   *
   * @param type `'hybrid'`, the default, is X-Wing: post-quantum ML-KEM-768 beside X25519. `'x25519'` has short public keys, and
   *   is not safe from quantum computers.
   * @returns The pair.
   * @throws SealError if the random generator fails; TypeError or RangeError for another `type`.
   *
   * @example
   * const pair = KeyPair.generate();
   */
  static generate(type: KeyPairType = 'hybrid'): KeyPair {
    const isHybrid = oneOf<KeyPairType>(['hybrid', 'x25519'])('type', type) === 'hybrid';
    return new KeyPair(callNative(() => native.NativeCredential.generatePair(isHybrid)));
  }

  /**
   * Makes a pair from its secret key: `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`.
   *
   * @param text The secret key.
   * @returns The pair.
   * @throws TypeError or RangeError for another text, which the message does not show.
   *
   * @example
   * const pair = KeyPair.fromText(process.env['IDENTITY'] ?? '');
   */
  static fromText(text: string): KeyPair {
    const secret = string('text', text);
    return new KeyPair(
      withName('text', () => native.NativeCredential.secretKey(secret), 'is no secret key: '),
    );
  }

  /**
   * Reads the pair in a file: a secret key on a line, beside comments. {@link identitiesFromFile} reads several.
   *
   * @param path The file.
   * @param options `allowReadable` accepts a file that the group or others can read; on Unix such a file is refused by default.
   * @returns The pair.
   * @throws SealError of kind `KeyFileRefused` if a line is not a secret key, the file has none, or others can read it; or `Io`.
   *   RangeError if the file has several pairs.
   *
   * @example
   * const pair = await KeyPair.fromFile('identity.txt');
   */
  static async fromFile(path: string | URL, options: KeyFileOptions = {}): Promise<KeyPair> {
    const { allowReadable = false } = optionsOf('KeyPair.fromFile', options);
    const pairs = await identitiesFromFile(path, { allowReadable });
    const [pair] = pairs;
    if (pair !== undefined && pairs.length === 1) return pair;
    pairs.dispose();
    throw rangeError('path', `names a file of ${pairs.length} key pairs: identitiesFromFile reads them`);
  }

  /** @internal */
  static over(pair: NativeCredential): KeyPair {
    return new KeyPair(pair);
  }

  /**
   * Writes the pair to a new file that only its owner can read, and flushes it. Never overwrites a file.
   *
   * @param path The file, which must not exist.
   * @throws SealError of kind `TargetExists` if the file exists, or `Io`.
   *
   * @example
   * await pair.toFile('identity.txt');
   */
  async toFile(path: string | URL): Promise<void> {
    await awaitNative(() => this.#native.writeFile(checkedPath('path', path)));
  }

  /**
   * Returns the secret key in age's notation. A string can't be overwritten; {@link KeyPair.toFile} makes none.
   *
   * @returns `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`.
   *
   * @example
   * const text = pair.exportText();
   */
  exportText(): string {
    return this.#native.secretText();
  }

  get #native(): NativeCredential {
    return heldByIdentity('the key pair', this) as NativeCredential;
  }
}

/** Identities that were read together. */
export interface IdentityList extends ReadonlyArray<KeyPair>, Disposable {
  /** Overwrites the secrets of all of them. Later use throws a TypeError; running operations continue with their own copies. */
  dispose(): void;
}

/**
 * Reads the key pairs in a file, as the command's `-i` does: a secret key, `AGE-SECRET-KEY-…`, on each line that is neither empty nor a
 * comment.
 *
 * @param path The file, as `KeyPair.toFile` or age-keygen writes it.
 * @param options `allowReadable` accepts a file that the group or others can read; on Unix such a file is refused by default.
 * @returns At least one pair, in the file's order.
 * @throws SealError of kind `KeyFileRefused` if a line is not a secret key, the file has none, or others can read it; or `Io`.
 *
 * @example
 * using identities = await identitiesFromFile('identities.txt');
 * await decryptFile('a.seal', 'a', { identities });
 */
export async function identitiesFromFile(
  path: string | URL,
  options: KeyFileOptions = {},
): Promise<IdentityList> {
  const { allowReadable = false } = optionsOf('identitiesFromFile', options);
  const file = checkedPath('path', path);
  const pairs = (await awaitNative(() => native.readPairs(file, allowReadable))).map((pair) =>
    KeyPair.over(pair),
  );
  const dispose = () => {
    for (const pair of pairs) pair.dispose();
  };
  // Not enumerable, as an array's own methods are.
  return Object.defineProperties(pairs, {
    dispose: { value: dispose },
    [Symbol.dispose]: { value: dispose },
  }) as KeyPair[] & IdentityList;
}
