// Electron's safeStorage by its documented interface: Electron itself can't run here.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import test from 'ava';
import type { KeyProvider, ProviderErrorCode } from 'sealstream';
import { type SafeStorage, safeStorageKey, type SafeStorageKeyOptions } from 'sealstream/electron';

import {
  accessOf,
  accessTo,
  askToUnwrap,
  askToWrap,
  KEK,
  providerError,
} from '../support/provider-calls.mjs';

const NOTHING = new Uint8Array();

/** What the operating system keeps: one login's key, and whether it can be had. */
class Login {
  readonly key = randomBytes(32);
  isAvailable = true;
  /** Whether the system is a Linux, and has a place for the key. */
  linux: { hasStore: boolean } | undefined;

  encrypt(text: string): Buffer {
    // What Chromium writes in front tells which key it is, on each system in its own way.
    const hasOwnKey = this.linux === undefined || this.linux.hasStore;
    return sealed(this.linux?.hasStore === true ? 'v11' : 'v10', hasOwnKey ? this.key : KNOWN_TO_ALL, text);
  }

  decrypt(encrypted: Buffer): string {
    if (!Buffer.isBuffer(encrypted)) throw new TypeError('Expected the first argument to be a buffer');
    const version = encrypted.toString('latin1', 0, 3);
    // As old data that was never encrypted: so do Electron's asynchronous functions.
    if (version !== 'v10' && version !== 'v11') return encrypted.toString();
    const key = this.linux !== undefined && version === 'v10' ? KNOWN_TO_ALL : this.key;
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, encrypted.subarray(3, 15));
      decipher.setAuthTag(encrypted.subarray(-16));
      return decipher.update(encrypted.subarray(15, -16), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new Error('Error while decrypting the ciphertext provided to safeStorage.decryptString.');
    }
  }
}

/** What Chromium takes on a Linux without a secret store. */
const KNOWN_TO_ALL = Buffer.alloc(32, 'peanuts');

function sealed(version: string, key: Buffer, text: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  return Buffer.concat([
    Buffer.from(version),
    iv,
    cipher.update(text, 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** Before Electron 46; its functions are those of an object, as in Electron. */
class SynchronousStorage implements SafeStorage {
  constructor(readonly login: Login) {}
  isEncryptionAvailable(): boolean {
    return this.login.isAvailable;
  }
  encryptString(text: string): Buffer {
    return this.login.encrypt(text);
  }
  decryptString(encrypted: Buffer): string {
    return this.login.decrypt(encrypted);
  }
  getSelectedStorageBackend?(): string;
}

/** Since Electron 46. */
class AsynchronousStorage implements SafeStorage {
  constructor(readonly login: Login) {}
  isAsyncEncryptionAvailable(): Promise<boolean> {
    return Promise.resolve(this.login.isAvailable);
  }
  encryptStringAsync(text: string): Promise<Buffer> {
    return Promise.resolve(this.login.encrypt(text));
  }
  decryptStringAsync(encrypted: Buffer): Promise<{ result: string; shouldReEncrypt: boolean }> {
    return Promise.resolve().then(() => ({ result: this.login.decrypt(encrypted), shouldReEncrypt: false }));
  }
}

function onLinux<T extends SafeStorage & { login: Login }>(
  storage: T,
  backend: string,
  hasStore = backend !== 'basic_text',
): T {
  storage.login.linux = { hasStore };
  return Object.assign(storage, { getSelectedStorageBackend: () => backend });
}

/** The provider behind a key, which the tests ask for other key ids too. */
function providerOf(
  safeStorage: SafeStorage,
  options: Omit<SafeStorageKeyOptions, 'safeStorage'> = {},
): KeyProvider {
  return accessOf(safeStorageKey({ safeStorage, ...options })).keyProvider;
}

function wrapped(keyProvider: KeyProvider, keyId = 'notes'): Promise<Uint8Array> {
  return askToWrap(accessTo(keyProvider, keyId), KEK, NOTHING);
}

function unwrapped(keyProvider: KeyProvider, blob: Uint8Array, keyId = 'notes'): Promise<Uint8Array> {
  return askToUnwrap(accessTo(keyProvider, keyId), blob, NOTHING);
}

for (const Storage of [SynchronousStorage, AsynchronousStorage]) {
  test(`a key is unwrapped, and the blob does not show it: ${Storage.name}`, async (t) => {
    const keyProvider = providerOf(new Storage(new Login()));
    t.is(keyProvider.name, 'electron-safe-storage');
    for (const keyId of ['notes', '', 'a:b', 'Größe']) {
      const blob = await wrapped(keyProvider, keyId);
      t.false(Buffer.from(blob).includes(Buffer.from(KEK)));
      t.false(Buffer.from(blob).includes(Buffer.from(KEK).toString('base64')));
      t.deepEqual(await unwrapped(keyProvider, blob, keyId), KEK);
    }
  });

  test(`a key for another key id is refused: ${Storage.name}`, async (t) => {
    const keyProvider = providerOf(new Storage(new Login()));
    const blob = await wrapped(keyProvider);
    const error = await providerError(() => unwrapped(keyProvider, blob, 'mail'));
    t.is(error.code, 'ERR_PROVIDER_FAILED');
    t.regex(error.message, /"mail": it was wrapped for another key id; give the key id/);
  });

  test(`a blob of another login, or a changed one, is refused: ${Storage.name}`, async (t) => {
    const keyProvider = providerOf(new Storage(new Login()));
    const foreign = await wrapped(providerOf(new Storage(new Login())));
    const changed = await wrapped(keyProvider);
    changed[20]! ^= 1;
    for (const blob of [foreign, changed, Buffer.from('v10')]) {
      const error = await providerError(() => unwrapped(keyProvider, blob));
      t.is(error.code, 'ERR_PROVIDER_FAILED');
      t.regex(error.message, /Error while decrypting .*; only the user, the machine and the app/);
    }
  });

  test(`other texts of the app are refused and not shown: ${Storage.name}`, async (t) => {
    const login = new Login();
    const keyProvider = providerOf(new Storage(login));
    for (const text of ['hunter2', '', `sealstream key 1:${'A'.repeat(43)}`]) {
      const error = await providerError(() => unwrapped(keyProvider, login.encrypt(text)));
      t.is(error.code, 'ERR_PROVIDER_FAILED');
      t.regex(error.message, /the decrypted text is not the key of a stream/);
      t.false(error.message.includes('hunter2'));
    }
  });

  test(`an unavailable storage, as before the app is ready, is reported: ${Storage.name}`, async (t) => {
    const login = new Login();
    const keyProvider = providerOf(new Storage(login));
    const blob = await wrapped(keyProvider);
    login.isAvailable = false;
    for (const call of [() => wrapped(keyProvider), () => unwrapped(keyProvider, blob)]) {
      const error = await providerError(call);
      t.is(error.code, 'ERR_PROVIDER_UNAVAILABLE');
      t.regex(error.message, /safeStorage is not available; .*app\.whenReady\(\)/);
    }
  });

  test(`a Linux without a secret store is refused, unless allowBasicText is set: ${Storage.name}`, async (t) => {
    const storage = onLinux(new Storage(new Login()), 'basic_text');
    const refusing = providerOf(storage);
    const allowing = providerOf(storage, { allowBasicText: true });
    const blob = await wrapped(allowing);
    t.deepEqual(await unwrapped(allowing, blob), KEK);
    for (const call of [() => wrapped(refusing), () => unwrapped(refusing, blob)]) {
      const error = await providerError(call);
      t.is(error.code, 'ERR_PROVIDER_DENIED');
      t.regex(error.message, /no secret store of this Linux protects it/);
    }
  });

  test(`a password that everyone knows does not replace an unavailable secret store: ${Storage.name}`, async (t) => {
    const storage = onLinux(new Storage(new Login()), 'gnome_libsecret', false);
    const error = await providerError(() => wrapped(providerOf(storage)));
    t.is(error.code, 'ERR_PROVIDER_DENIED');
  });

  test(`an unprotected blob is refused: ${Storage.name}`, async (t) => {
    const login = new Login();
    const text = `sealstream key 1:${Buffer.from(KEK).toString('base64')}:notes`;
    const clear = await providerError(() => unwrapped(providerOf(new Storage(login)), Buffer.from(text)));
    t.is(clear.code, 'ERR_PROVIDER_FAILED');
    t.regex(clear.message, /it is not encrypted/);

    const keyProvider = providerOf(onLinux(new Storage(login), 'gnome_libsecret'));
    const known = await providerError(() => unwrapped(keyProvider, sealed('v10', KNOWN_TO_ALL, text)));
    t.is(known.code, 'ERR_PROVIDER_DENIED');
  });

  test(`a Linux with a secret store serves: ${Storage.name}`, async (t) => {
    const keyProvider = providerOf(onLinux(new Storage(new Login()), 'gnome_libsecret'));
    t.deepEqual(await unwrapped(keyProvider, await wrapped(keyProvider)), KEK);
  });
}

test('keys of the synchronous functions open after an upgrade of Electron', async (t) => {
  const login = new Login();
  const blob = await wrapped(providerOf(new SynchronousStorage(login)));
  t.deepEqual(await unwrapped(providerOf(new AsynchronousStorage(login)), blob), KEK);
});

test('the asynchronous functions are preferred to the synchronous ones', async (t) => {
  const login = new Login();
  const both = Object.assign(new AsynchronousStorage(login), {
    isEncryptionAvailable: () => t.fail(),
    encryptString: () => t.fail(),
    decryptString: () => t.fail(),
  });
  const keyProvider = providerOf(both);
  t.deepEqual(await unwrapped(keyProvider, await wrapped(keyProvider)), KEK);
});

for (const [said, code] of [
  [
    'safeStorage.decryptStringAsync is temporarily unavailable. Please try again.',
    'ERR_PROVIDER_UNAVAILABLE',
  ],
  ['Error while decrypting', 'ERR_PROVIDER_FAILED'],
] as const satisfies (readonly [string, ProviderErrorCode])[]) {
  test(`a rejection of the asynchronous functions is classified: ${said}`, async (t) => {
    const storage = Object.assign(new AsynchronousStorage(new Login()), {
      decryptStringAsync: () => Promise.reject(new Error(said)),
    });
    const error = await providerError(() => unwrapped(providerOf(storage), new Uint8Array(1)));
    t.is(error.code, code);
    t.is((error.cause as Error).message, said);
  });
}

test('an encryption that throws is reported', async (t) => {
  const storage = Object.assign(new SynchronousStorage(new Login()), {
    encryptString: () => {
      throw new Error('safeStorage cannot be used before app is ready');
    },
  });
  const error = await providerError(() => wrapped(providerOf(storage)));
  t.is(error.code, 'ERR_PROVIDER_FAILED');
  t.regex(error.message, /did not wrap a key with "notes": safeStorage cannot be used before app is ready/);
});

test('arguments are checked', (t) => {
  const storage = new SynchronousStorage(new Login());
  const calls: [() => unknown, RegExp][] = [
    [() => safeStorageKey({} as never), /^safeStorage must be Electron's safeStorage, not undefined$/],
    [
      () => safeStorageKey({ safeStorage: {} }),
      /^safeStorage must be Electron's safeStorage, not one that lacks its functions$/,
    ],
    [() => safeStorageKey({ safeStorage: storage, keyId: '' }), /^keyId must have 1 to 65535 bytes/],
    [() => safeStorageKey({ safeStorage: storage, timeout: 0 }), /^timeout must be/],
    [() => safeStorageKey({ safeStorage: storage, name: '' }), /^name must have 1 to 255 bytes/],
    [
      () => safeStorageKey({ safeStorage: storage, allowBasicText: 'yes' as never }),
      /^allowBasicText must be a boolean/,
    ],
    [() => safeStorageKey({ safeStorage: storage, allowbasictext: true } as never), /"allowbasictext"/],
  ];
  for (const [call, message] of calls) t.throws(call, { message });
});
