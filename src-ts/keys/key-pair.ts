// Key pairs: what is sealed for the public key opens with the secret one alone.

import type { NativeCredential } from '../../native/binding';
import { native } from '../internal/binding';
import { heldByIdentity, hold, type Identity, identityBrand, letGo } from './credentials';
import { calling, rangeError, translated } from '../api/errors';
import { Labelled } from './redacted';
import { checkedBoolean, checkedOptions, checkedPath, checkedString } from '../internal/options';

/** What a pair is of. */
export type KeyPairType = 'hybrid' | 'x25519';

/**
 * A secret key with its public key: an identity that opens what was sealed for the public key. Texts and files are as age has
 * them, so that a pair serves both. It prints as `[KeyPair]`.
 */
export class KeyPair extends Labelled implements Identity {
  declare readonly [identityBrand]: true;
  /** What the pair is of. */
  readonly type: KeyPairType;
  /** The public key, for {@link hybrid} or {@link x25519}: `age1pq1…` or `age1…`. */
  readonly publicKey: string;

  private constructor(pair: NativeCredential) {
    if (!(pair instanceof native.NativeCredential)) {
      throw new TypeError('a KeyPair is made by KeyPair.generate, fromText or fromFile');
    }
    super('KeyPair');
    this.type = pair.type as KeyPairType;
    hold(this, pair, { seals: false, opens: true });
    this.publicKey = pair.publicText;
  }

  /**
   * A new pair from the system's generator.
   *
   * @param type `'hybrid'`, the default, is X-Wing: post-quantum ML-KEM-768 beside X25519. `'x25519'` has short public keys, and
   *   is not safe from quantum computers.
   * @throws SealError if the system gives no random bytes; RangeError for another `type`.
   */
  static generate(type: KeyPairType = 'hybrid'): KeyPair {
    const name: string = type;
    if (name !== 'hybrid' && name !== 'x25519') throw rangeError('type', "must be 'hybrid' or 'x25519'");
    return new KeyPair(calling(() => native.NativeCredential.generatePair(name === 'hybrid')));
  }

  /**
   * A pair from its secret key: `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`.
   *
   * @throws TypeError or RangeError for another text, which is not told.
   */
  static fromText(text: string): KeyPair {
    const checked = checkedString('text', text);
    let pair: NativeCredential;
    try {
      pair = native.NativeCredential.secretKey(checked);
    } catch (error) {
      throw rangeError(
        'text',
        error instanceof Error ? `is no secret key: ${error.message}` : 'is no secret key',
      );
    }
    return new KeyPair(pair);
  }

  /**
   * The pairs in a file: a secret key on each line that is neither empty nor a comment.
   *
   * @param options `allowReadable` takes a file that group or others can read, which is refused by default on Unix.
   * @throws SealError of kind `Io`, or `InvalidOption` for a line that is no secret key, for a file without any, and for one
   *   that others can read.
   */
  static async fromFile(
    path: string | URL,
    options: { allowReadable?: boolean | undefined } = {},
  ): Promise<KeyPair[]> {
    const allowReadable = checkedBoolean('allowReadable', checkedOptions(options).allowReadable, false);
    try {
      const pairs = await native.readPairs(checkedPath('path', path), allowReadable);
      return pairs.map((pair) => new KeyPair(pair));
    } catch (error) {
      throw translated(error);
    }
  }

  /**
   * Writes a new file that only its owner can read, and flushes it. An existing file is never overwritten.
   *
   * @throws SealError of kind `Io`, with the failure's `code` `'EEXIST'` for an existing file.
   */
  async toFile(path: string | URL): Promise<void> {
    try {
      await this.#get().writeFile(checkedPath('path', path));
    } catch (error) {
      throw translated(error);
    }
  }

  /** The secret key as age writes it. A string can't be overwritten: {@link KeyPair.toFile} makes none. */
  exportText(): string {
    return this.#get().secretText();
  }

  /** Overwrites the secret key. Later use throws a TypeError; operations under way go on with their own copy. */
  dispose(): void {
    letGo(this);
  }

  /** The same as {@link KeyPair.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #get(): NativeCredential {
    return heldByIdentity('the key pair', this) as NativeCredential;
  }
}
