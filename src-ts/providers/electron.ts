/**
 * Electron's `safeStorage` as a key service: streams that this user's login, on this machine, opens.
 *
 * @packageDocumentation
 */

import { typeError } from '../api/errors';
import { checkedBoolean, checkedOptions } from '../internal/options';
import { ServiceFailure } from './provider-error';
import { checkedProviderName, type KeyProvider } from './providers';

/**
 * What is used of Electron's `safeStorage`: the asynchronous functions where they are there, since Electron 46 has no
 * others; else the synchronous ones. What the latter encrypted, the former decrypt; the other way round is not promised.
 */
export interface SafeStorage {
  /** Whether the synchronous functions can be used; never before the app's `ready` event, but for macOS. */
  isEncryptionAvailable?(): boolean;
  /** Encrypts a text. It may ask the user, and blocks meanwhile. */
  encryptString?(plainText: string): Buffer;
  /** Decrypts what `encryptString` gave. */
  decryptString?(encrypted: Buffer): string;
  /** Whether the asynchronous functions can be used. */
  isAsyncEncryptionAvailable?(): Promise<boolean>;
  /** Encrypts a text. */
  encryptStringAsync?(plainText: string): Promise<Buffer>;
  /** Decrypts what either function for encrypting gave. */
  decryptStringAsync?(encrypted: Buffer): Promise<{ result: string }>;
  /** On Linux: where the system's key is kept. `basic_text` means nowhere, and that a password from Electron's source is taken. */
  getSelectedStorageBackend?(): string;
}

/** How to use `safeStorage`. */
export interface SafeStorageOptions {
  /** The service's name, 1 to 255 bytes: `electron-safe-storage` by default. It stands in the header of every stream. */
  name?: string | undefined;
  /**
   * Takes it on a Linux without a secret store too, where what is encrypted is as good as in clear: anyone who has the stream can open
   * it. Electron wants `safeStorage.setUsePlainTextEncryption(true)` for that, too. `false` by default.
   */
  allowBasicText?: boolean | undefined;
}

/**
 * Electron's `safeStorage` as a {@link KeyProvider}, for the main process after the app is ready. macOS keeps its key in the Keychain, Windows
 * protects it by DPAPI, Linux keeps it in the desktop's secret store; so a stream opens for this user on this machine, and, but for Windows
 * and some desktops of Linux, for this app alone. Seal for a second recipient what must survive the machine.
 *
 * The key id is any text, such as the app's name. It is encrypted along with the key, and what has another one is refused.
 *
 * The key passes through strings, which can't be overwritten.
 *
 * @throws TypeError or RangeError for wrong arguments.
 *
 * @example
 * import { app, safeStorage } from 'electron';
 * await app.whenReady();
 * const login = provider(safeStorageProvider(safeStorage), app.getName());
 * await encryptFile('notes.db', 'notes.seal', { recipients: [login, passphrase(recovery)] });
 */
export function safeStorageProvider(safeStorage: SafeStorage, options: SafeStorageOptions = {}): KeyProvider {
  const { name = 'electron-safe-storage', allowBasicText } = checkedOptions(options, OPTIONS);
  return new SafeStorageProvider(
    cipherOf(safeStorage),
    checkedProviderName('name', name),
    checkedBoolean('allowBasicText', allowBasicText, false),
  );
}

class SafeStorageProvider implements KeyProvider {
  readonly #cipher: Cipher;
  readonly #allowsBasicText: boolean;

  constructor(
    cipher: Cipher,
    readonly name: string,
    allowsBasicText: boolean,
  ) {
    this.#cipher = cipher;
    this.#allowsBasicText = allowsBasicText;
  }

  async wrapKey(kek: Uint8Array, keyId: string): Promise<Uint8Array> {
    await this.#checkAvailable();
    const text = `${PREFIX}${view(kek).toString('base64')}:${keyId}`;
    const blob = await this.#cipher.encrypt(text);
    this.#checkProtected(blob, text);
    return blob;
  }

  async unwrapKey(blob: Uint8Array, keyId: string): Promise<Uint8Array> {
    await this.#checkAvailable();
    const text = await this.#decrypted(blob);
    this.#checkProtected(blob, text);
    const end = PREFIX.length + BASE64_SIZE;
    if (!text.startsWith(PREFIX) || text[end] !== ':') {
      throw new ServiceFailure('ERR_PROVIDER_FAILED', 'what was decrypted is no key of a stream', CHANGED);
    }
    if (text.slice(end + 1) !== keyId) {
      throw new ServiceFailure('ERR_PROVIDER_FAILED', 'it was wrapped for another key id', CHANGED);
    }
    return Buffer.from(text.slice(PREFIX.length, end), 'base64');
  }

  async #decrypted(blob: Uint8Array): Promise<string> {
    try {
      return await this.#cipher.decrypt(view(blob));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'it could not be decrypted';
      // Of the asynchronous functions, which reject then.
      if (/temporarily unavailable/i.test(why)) {
        throw new ServiceFailure('ERR_PROVIDER_UNAVAILABLE', why, 'try again later', cause);
      }
      throw new ServiceFailure('ERR_PROVIDER_FAILED', why, ELSEWHERE, cause);
    }
  }

  async #checkAvailable(): Promise<void> {
    if (this.#cipher.backend() === 'basic_text') this.#refuseUnprotected();
    if (!(await this.#cipher.isAvailable())) {
      const why = 'safeStorage is not available';
      throw new ServiceFailure('ERR_PROVIDER_UNAVAILABLE', why, NOT_READY);
    }
  }

  /**
   * Chromium's code below `safeStorage` takes as encrypted what is in clear, and on Linux what the password in its source encrypted, which
   * begins with `v10`: the latter even where there is a secret store, and it makes such ciphertexts where that store can't be had. Anyone
   * can make either.
   */
  #checkProtected(blob: Uint8Array, text: string): void {
    if (view(blob).equals(Buffer.from(text))) {
      throw new ServiceFailure('ERR_PROVIDER_FAILED', 'it is not encrypted', CHANGED);
    }
    const isLinux = this.#cipher.backend() !== undefined;
    if (isLinux && view(blob).subarray(0, 3).toString('latin1') === 'v10') this.#refuseUnprotected();
  }

  #refuseUnprotected(): void {
    if (this.#allowsBasicText) return;
    const why = 'it is not protected by a secret store of this Linux, but by a password that everyone knows';
    throw new ServiceFailure('ERR_PROVIDER_DENIED', why, NO_STORE);
  }
}

/** Either kind of functions. */
interface Cipher {
  isAvailable(): boolean | Promise<boolean>;
  encrypt(text: string): Uint8Array | Promise<Uint8Array>;
  decrypt(bytes: Buffer): string | Promise<string>;
  backend(): string | undefined;
}

function cipherOf(given: unknown): Cipher {
  if (typeof given !== 'object' || given === null) throw typeError('safeStorage', WANTED, given);
  const storage = given as SafeStorage;
  const backend = () => storage.getSelectedStorageBackend?.();
  if (has(storage, 'isAsyncEncryptionAvailable', 'encryptStringAsync', 'decryptStringAsync')) {
    return {
      isAvailable: () => storage.isAsyncEncryptionAvailable(),
      encrypt: (text) => storage.encryptStringAsync(text),
      decrypt: async (bytes) => {
        const { result } = await storage.decryptStringAsync(bytes);
        return result;
      },
      backend,
    };
  }
  if (has(storage, 'isEncryptionAvailable', 'encryptString', 'decryptString')) {
    return {
      isAvailable: () => storage.isEncryptionAvailable(),
      encrypt: (text) => storage.encryptString(text),
      decrypt: (bytes) => storage.decryptString(bytes),
      backend,
    };
  }
  throw typeError('safeStorage', WANTED, given, 'one that lacks its functions');
}

function has<K extends keyof SafeStorage>(
  storage: SafeStorage,
  ...names: readonly K[]
): storage is SafeStorage & Required<Pick<SafeStorage, K>> {
  return names.every((name) => typeof storage[name] === 'function');
}

/** The same memory as a Buffer, rather than a copy of a key. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const OPTIONS: ReadonlySet<string> = new Set(['allowBasicText', 'name']);
const WANTED = "Electron's safeStorage";
const PREFIX = 'sealstream key 1:';
const BASE64_SIZE = 44;
const NOT_READY =
  'use it in the main process after app.whenReady(), and on Linux see that a secret store such as GNOME Keyring or KWallet runs';
const NO_STORE = 'see that GNOME Keyring or KWallet runs and is unlocked, or seal for a passphrase or a key';
const ELSEWHERE =
  'only the user, the machine and the app that sealed it can open it: open it by another recipient';
const CHANGED = 'name the key id that it was sealed with; else the header was changed';
