// Secret keys. Their bytes live in Rust's memory and come to JavaScript only where that is asked for.

import type { NativeKey } from '../../native/binding';
import { native } from '../internal/binding';
import { fixedBytes, isBytes } from '../internal/bytes';
import { calling, disposedOf, rangeError, translated, typeError } from '../api/errors';
import { Labelled } from './redacted';
import { checkedBoolean, checkedOptions, checkedPath, checkedString } from '../internal/options';

// Set inside the class, which alone sees its private fields.
let nativeOf: (name: string, key: SecretKey) => NativeKey;
/** Whether it is one of this class. @internal */
export let isSecretKey: (value: unknown) => value is SecretKey;

/**
 * A 32-byte secret key. Whatever prints it prints `[SecretKey]`; {@link SecretKey.exportBytes} and
 * {@link SecretKey.toFile} are the only ways out for its bytes.
 */
export class SecretKey extends Labelled {
  readonly #native: NativeKey;
  #disposed = false;

  private constructor(key: NativeKey) {
    if (!(key instanceof native.NativeKey)) {
      throw new TypeError(
        'a SecretKey is made by SecretKey.generate, fromBytes, fromHex, fromBase64 or fromFile',
      );
    }
    super('SecretKey');
    this.#native = key;
  }

  static {
    nativeOf = (name, key) => {
      if (key.#disposed) throw disposedOf(name);
      return key.#native;
    };
    isSecretKey = (value): value is SecretKey =>
      typeof value === 'object' && value !== null && #native in value;
  }

  /**
   * A new key from the system's generator.
   *
   * @throws SealError if the system gives no random bytes.
   */
  static generate(): SecretKey {
    return new SecretKey(calling(() => native.NativeKey.generate()));
  }

  /**
   * A key from a copy of 32 bytes. Overwrite yours afterwards.
   *
   * @throws TypeError or RangeError for anything else.
   */
  static fromBytes(bytes: Uint8Array): SecretKey {
    return new SecretKey(native.NativeKey.fromBytes(keyBytes('bytes', bytes)));
  }

  /**
   * A key from 64 hexadecimal digits of either case, decoded in constant time.
   *
   * @throws TypeError or RangeError for anything else.
   */
  static fromHex(text: string): SecretKey {
    const key = native.NativeKey.fromHex(checkedString('text', text));
    if (key === null)
      throw rangeError('text', 'must be 64 hexadecimal digits, which are the 32 bytes of a key');
    return new SecretKey(key);
  }

  /**
   * A key from 44 characters of padded standard Base64, decoded in constant time.
   *
   * @throws TypeError or RangeError for anything else.
   */
  static fromBase64(text: string): SecretKey {
    const key = native.NativeKey.fromBase64(checkedString('text', text));
    if (key === null)
      throw rangeError('text', 'must be 44 characters of Base64, which are the 32 bytes of a key');
    return new SecretKey(key);
  }

  /**
   * Reads a key file: 32 raw bytes, or a line of hexadecimal digits or Base64 behind `#` comments.
   *
   * @param options `allowReadable` takes a file that group or others can read, which is refused by default on Unix.
   * @throws SealError of kind `Io`, or `InvalidOption` for a file that holds no key or that others can read.
   */
  static async fromFile(
    path: string | URL,
    options: { allowReadable?: boolean | undefined } = {},
  ): Promise<SecretKey> {
    const allowReadable = checkedBoolean('allowReadable', checkedOptions(options).allowReadable, false);
    try {
      return new SecretKey(await native.readKey(checkedPath('path', path), allowReadable));
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
      await nativeOf('the key', this).writeFile(checkedPath('path', path));
    } catch (error) {
      throw translated(error);
    }
  }

  /** The key's 32 bytes, copied out of Rust's memory. Overwrite them when they have served. */
  exportBytes(): Uint8Array {
    // Memory of its own: Node's pool would keep the bytes beside other people's.
    const bytes = new Uint8Array(KEY_SIZE);
    nativeOf('the key', this).exportInto(bytes);
    return bytes;
  }

  /** Overwrites the key. Later use throws a TypeError; operations under way go on with their own copy. */
  dispose(): void {
    this.#disposed = true;
    this.#native.dispose();
  }

  /** The same as {@link SecretKey.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** For `Object.prototype.toString`. */
  readonly [Symbol.toStringTag] = 'SecretKey';
}

/** A new key: the same as {@link SecretKey.generate}. */
export function generateKey(): SecretKey {
  return SecretKey.generate();
}

/** A key as the addon takes it. @internal */
export function keyArgument(name: string, key: unknown): NativeKey | Uint8Array {
  return isSecretKey(key) ? nativeOf(name, key) : keyBytes(name, key);
}

/** What stands behind a key. @internal */
export function nativeKey(name: string, key: SecretKey): NativeKey {
  return nativeOf(name, key);
}

function keyBytes(name: string, key: unknown): Uint8Array {
  if (!isBytes(key)) throw typeError(name, 'a SecretKey or a Uint8Array', key);
  if (key.length !== KEY_SIZE) throw rangeError(name, `must have ${KEY_SIZE} bytes, not ${key.length}`);
  return fixedBytes(name, key);
}

const KEY_SIZE = 32;
