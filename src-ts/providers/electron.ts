/// <reference types="node" preserve="true" />

/**
 * Electron's `safeStorage` as a provider: this user's login on this machine opens the streams.
 *
 * @packageDocumentation
 */

import { isError, typeError } from '../internal/errors';
import { optionsBy } from '../internal/option-tables';
import { anything, boolean, hasMethods, integer, string } from '../internal/options';
import { KnownFailure } from './provider-error';
import { provider } from '../keys/credentials';
import type { Identity, Recipient } from '../keys/types';
import { type KeyProvider, providerName } from './providers';

/**
 * The functions of Electron's `safeStorage` that are used: the asynchronous ones if they exist, since Electron 46 has no others,
 * else the synchronous ones. The asynchronous functions decrypt what the synchronous ones encrypted; Electron does not promise the
 * reverse.
 */
export interface SafeStorage {
  /** Whether the synchronous functions can be used. Before the app's `ready` event that is so only on macOS. */
  isEncryptionAvailable?(): boolean;
  /** Encrypts a text. It blocks, and may ask the user. */
  encryptString?(plainText: string): Buffer;
  /** Decrypts what `encryptString` returned. */
  decryptString?(encrypted: Buffer): string;
  /** Whether the asynchronous functions can be used. */
  isAsyncEncryptionAvailable?(): Promise<boolean>;
  /** Encrypts a text. */
  encryptStringAsync?(plainText: string): Promise<Buffer>;
  /** Decrypts what `encryptString` or `encryptStringAsync` returned. */
  decryptStringAsync?(encrypted: Buffer): Promise<{ result: string }>;
  /** On Linux: the store of the system's key. `basic_text` means that there is none, and a password from Electron's source is used. */
  getSelectedStorageBackend?(): string;
}

/** Options of {@link safeStorageKey}. */
export interface SafeStorageKeyOptions {
  /** Electron's `safeStorage`. */
  safeStorage: SafeStorage;
  /** Any text, such as the app's name: `default` by default. It is encrypted with the key, and another key id is refused. */
  keyId?: string | undefined;
  /** The provider's name, 1 to 255 bytes: `electron-safe-storage` by default. It stands in the header of every stream. */
  name?: string | undefined;
  /**
   * Accept a Linux without a secret store, where encryption protects nothing: anyone who has the stream can open it. Electron also
   * needs `safeStorage.setUsePlainTextEncryption(true)` for that. `false` by default.
   */
  allowBasicText?: boolean | undefined;
  /** Limits the wait for one answer, in milliseconds: 30,000 by default. The system may ask the user in that time. */
  timeout?: number | undefined;
}

/**
 * Makes a recipient and identity of Electron's `safeStorage`, for the main process after the app is ready. macOS keeps the key in the
 * Keychain, Windows protects it with DPAPI, Linux keeps it in the desktop's secret store. So a stream opens for this user on this
 * machine; except on Windows and some Linux desktops, only for this app. If a stream must outlive the machine, encrypt it for a second
 * recipient.
 *
 * The key passes through strings, which can't be overwritten.
 *
 * @param options `safeStorage`, a name for the key, and what to accept.
 * @returns A recipient and identity.
 * @throws TypeError or RangeError for wrong arguments.
 *
 * @example
 * import { app, safeStorage } from 'electron';
 * await app.whenReady();
 * const login = safeStorageKey({ safeStorage, keyId: app.getName() });
 * await encryptFile('notes.db', 'notes.seal', { recipients: [login, passphrase(recovery)] });
 */
export function safeStorageKey(options: SafeStorageKeyOptions): Recipient & Identity {
  const given = optionsBy('safeStorageKey', options, OPTIONS);
  const { name = 'electron-safe-storage', keyId: ownId = 'default', allowBasicText = false, timeout } = given;
  const cipher = cipherOf(given.safeStorage);
  const checkAvailable = async () => {
    if (cipher.backend() === 'basic_text' && !allowBasicText) throw unprotected();
    if (await cipher.isAvailable()) return;
    throw new KnownFailure('ERR_PROVIDER_UNAVAILABLE', 'safeStorage is not available', NOT_READY);
  };
  /**
   * Refuses a key that is not protected. Chromium's code below `safeStorage` accepts plaintext as if it were encrypted. On Linux it
   * also accepts what the password in its source encrypted, which begins with `v10`, even if there is a secret store; and it makes
   * such ciphertexts if the store is unavailable. Anyone can make both.
   */
  const checkProtected = (blob: Uint8Array, text: string) => {
    if (view(blob).equals(Buffer.from(text))) throw changed('it is not encrypted');
    const isLinux = cipher.backend() !== undefined;
    const isBasicText = isLinux && view(blob).subarray(0, 3).toString('latin1') === 'v10';
    if (isBasicText && !allowBasicText) throw unprotected();
  };
  const keyProvider: KeyProvider = {
    name,
    async wrapKey({ key, keyId }) {
      await checkAvailable();
      const text = `${PREFIX}${view(key).toString('base64')}:${keyId}`;
      const blob = await cipher.encrypt(text);
      checkProtected(blob, text);
      return blob;
    },
    async unwrapKey({ wrappedKey: blob, keyId }) {
      await checkAvailable();
      const text = await decrypted(cipher, blob);
      checkProtected(blob, text);
      const end = PREFIX.length + BASE64_SIZE;
      if (!text.startsWith(PREFIX) || text[end] !== ':') {
        throw changed('the decrypted text is not the key of a stream');
      }
      if (text.slice(end + 1) !== keyId) throw changed('it was wrapped for another key id');
      return Buffer.from(text.slice(PREFIX.length, end), 'base64');
    },
  };
  return provider(keyProvider, ownId, { timeout });
}

async function decrypted(cipher: Cipher, blob: Uint8Array): Promise<string> {
  try {
    return await cipher.decrypt(view(blob));
  } catch (cause) {
    const why = isError(cause) ? cause.message : 'it could not be decrypted';
    // The asynchronous functions reject with this text.
    if (/temporarily unavailable/i.test(why)) {
      throw new KnownFailure('ERR_PROVIDER_UNAVAILABLE', why, 'try again later', cause);
    }
    throw new KnownFailure('ERR_PROVIDER_FAILED', why, ELSEWHERE, cause);
  }
}

function unprotected(): KnownFailure {
  const why = 'no secret store of this Linux protects it, only a password that everyone knows';
  return new KnownFailure('ERR_PROVIDER_DENIED', why, NO_STORE);
}

function changed(why: string): KnownFailure {
  return new KnownFailure('ERR_PROVIDER_FAILED', why, CHANGED);
}

/** The asynchronous or the synchronous functions. */
interface Cipher {
  isAvailable(): boolean | Promise<boolean>;
  encrypt(text: string): Uint8Array | Promise<Uint8Array>;
  decrypt(bytes: Buffer): string | Promise<string>;
  backend(): string | undefined;
}

function cipherOf(given: unknown): Cipher {
  if (typeof given !== 'object' || given === null) throw typeError('safeStorage', EXPECTED, given);
  const storage = given as Required<SafeStorage>;
  const has = (...names: (keyof SafeStorage)[]) => hasMethods(storage, ...names);
  const backend = () => (has('getSelectedStorageBackend') ? storage.getSelectedStorageBackend() : undefined);
  if (has('isAsyncEncryptionAvailable', 'encryptStringAsync', 'decryptStringAsync')) {
    return {
      isAvailable: () => storage.isAsyncEncryptionAvailable(),
      encrypt: (text) => storage.encryptStringAsync(text),
      decrypt: (bytes) => storage.decryptStringAsync(bytes).then(({ result }) => result),
      backend,
    };
  }
  if (has('isEncryptionAvailable', 'encryptString', 'decryptString')) {
    return {
      isAvailable: () => storage.isEncryptionAvailable(),
      encrypt: (text) => storage.encryptString(text),
      decrypt: (bytes) => storage.decryptString(bytes),
      backend,
    };
  }
  throw typeError('safeStorage', EXPECTED, given, 'one that lacks its functions');
}

/** A Buffer over the same memory, which makes no copy of a key. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const OPTIONS = {
  safeStorage: anything<unknown>,
  keyId: string,
  name: providerName,
  allowBasicText: boolean,
  timeout: integer(1, 0x7fff_ffff),
};
const EXPECTED = "Electron's safeStorage";
const PREFIX = 'sealstream key 1:';
const BASE64_SIZE = 44;
const NOT_READY =
  'use it in the main process after app.whenReady(); on Linux start a secret store such as GNOME Keyring or KWallet';
const NO_STORE = 'start and unlock GNOME Keyring or KWallet, or encrypt for a passphrase or a key';
const ELSEWHERE =
  'only the user, the machine and the app that sealed it can open it: open it with another identity';
const CHANGED = 'give the key id that it was sealed with; if it is right, the header was changed';

// As in `index.ts`.
Object.freeze(module.exports);
