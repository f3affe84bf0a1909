// Secret keys. Their bytes stay in the addon's memory; they come to JavaScript only when a caller exports them.

import type { NativeKey } from '../../native/binding';
import { native } from '../internal/binding';
import { awaitNative, callNative, rangeError, typeError } from '../internal/errors';
import { isBytes, newMemory, type NodeBuffer, SECRET_SIZE } from '../internal/bytes';
import { optionsOf } from '../internal/option-tables';
import { path as checkedPath, string } from '../internal/options';
import { Secret } from './redacted';
import { keyArgument } from './registry';

/**
 * A 32-byte secret key. Prints `[SecretKey]`; only {@link SecretKey.exportBytes} and {@link SecretKey.toFile} give its bytes away.
 *
 * @example
 * const key = SecretKey.generate();
 * await key.toFile('secret.key');
 * await encryptFile('a', 'a.seal', { key });
 */
export class SecretKey extends Secret {
  private constructor(key: NativeKey) {
    if (!(key instanceof native.NativeKey)) {
      throw new TypeError(
        'a SecretKey is made by SecretKey.generate, fromBytes, fromHex, fromBase64 or fromFile',
      );
    }
    super('SecretKey', 'key', key);
  }

  /**
   * Generates a new key with the system's random generator.
   *
   * @returns The key.
   * @throws SealError if the random generator fails.
   *
   * @example
   * const key = SecretKey.generate();
   */
  static generate(): SecretKey {
    return new SecretKey(callNative(() => native.NativeKey.generate()));
  }

  /**
   * Makes a key from a copy of 32 bytes. Overwrite yours afterwards.
   *
   * @param bytes The 32 bytes.
   * @returns The key.
   * @throws TypeError or RangeError for another argument.
   *
   * @example
   * const key = SecretKey.fromBytes(bytes);
   */
  static fromBytes(bytes: Uint8Array): SecretKey {
    if (!isBytes(bytes)) throw typeError('bytes', 'a Uint8Array', bytes);
    return new SecretKey(native.NativeKey.fromBytes(keyArgument('bytes', bytes) as Uint8Array));
  }

  /**
   * Makes a key from 64 hexadecimal digits of either case. Decoding takes constant time.
   *
   * @param text 64 hexadecimal digits.
   * @returns The key.
   * @throws TypeError or RangeError for another argument.
   *
   * @example
   * const key = SecretKey.fromHex(process.env['KEY'] ?? '');
   */
  static fromHex(text: string): SecretKey {
    const key = native.NativeKey.fromHex(string('text', text));
    if (key !== null) return new SecretKey(key);
    throw rangeError('text', 'must be 64 hexadecimal digits, which are the 32 bytes of a key');
  }

  /**
   * Makes a key from 44 characters of padded standard Base64. Decoding takes constant time.
   *
   * @param text 44 characters.
   * @returns The key.
   * @throws TypeError or RangeError for another argument.
   *
   * @example
   * const key = SecretKey.fromBase64(process.env['KEY'] ?? '');
   */
  static fromBase64(text: string): SecretKey {
    const key = native.NativeKey.fromBase64(string('text', text));
    if (key !== null) return new SecretKey(key);
    throw rangeError('text', 'must be 44 characters of Base64, which are the 32 bytes of a key');
  }

  /**
   * Reads a key file: 32 raw bytes, or a line of hexadecimal digits or Base64 after `#` comments.
   *
   * @param path The file.
   * @param options `allowReadable` accepts a file that the group or others can read; on Unix such a file is refused by default.
   * @returns The key.
   * @throws SealError of kind `KeyFileRefused` if the file holds no key or others can read it, or `Io`.
   *
   * @example
   * const key = await SecretKey.fromFile('secret.key');
   */
  static async fromFile(path: string | URL, options: KeyFileOptions = {}): Promise<SecretKey> {
    const { allowReadable = false } = optionsOf('SecretKey.fromFile', options);
    const file = checkedPath('path', path);
    return new SecretKey(await awaitNative(() => native.readKey(file, allowReadable)));
  }

  /**
   * Writes the key to a new file that only its owner can read, and flushes it. Never overwrites a file.
   *
   * @param path The file, which must not exist.
   * @throws SealError of kind `TargetExists` if the file exists, or `Io`.
   *
   * @example
   * await key.toFile('secret.key');
   */
  async toFile(path: string | URL): Promise<void> {
    await awaitNative(() => this.#native.writeFile(checkedPath('path', path)));
  }

  /**
   * Copies the key's 32 bytes out of the addon's memory. Overwrite them after use.
   *
   * @returns 32 bytes in memory of their own.
   *
   * @example
   * const bytes = key.exportBytes();
   * bytes.fill(0);
   */
  exportBytes(): NodeBuffer {
    // In memory of its own: Node's pool would keep the bytes.
    const bytes = newMemory(SECRET_SIZE);
    this.#native.exportInto(bytes);
    return bytes;
  }

  get #native(): NativeKey {
    return keyArgument('the key', this) as NativeKey;
  }

  /** For `Object.prototype.toString`. */
  readonly [Symbol.toStringTag] = 'SecretKey';
}

/** Options to read a file of secret keys. */
export interface KeyFileOptions {
  /** Accept a file that the group or others can read; on Unix such a file is refused by default. */
  allowReadable?: boolean | undefined;
}
