// @ts-check
// Recipients, identities and rewrapping: one short trial each.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import {
  decrypt,
  decryptFile,
  encrypt,
  encryptFileDetached,
  KeyPair,
  passphrase,
  provider,
  ProviderError,
  publicKey,
  rewrap,
  SealError,
  SecretKey,
  secretKey,
  verify,
} from 'sealstream';
import { attachHeader, detachHeader } from 'sealstream/header';

import { pattern, sealedFile } from './operations.mjs';

const require = createRequire(import.meta.url);
const plain = pattern(100_000);

/** @type {Record<string, import('./operations.mjs').Capability>} */
export const credentials = {
  async '`passphrase`, with a key beside it'() {
    const key = SecretKey.generate();
    const words = passphrase('correct horse', { strength: 'interactive' });
    const sealed = await encrypt(plain, { recipients: [words, secretKey(key, { keyId: 'mine' })] });
    assert.deepEqual(await decrypt(sealed, { identities: [passphrase('correct horse')] }), plain);
    assert.deepEqual(await decrypt(sealed, { key }), plain);
    await refused(decrypt(sealed, { identities: [passphrase('wrong horse')] }), 'WrongPassphrase');
  },

  async '`KeyPair`: post-quantum and X25519'(folder) {
    const [long, short] = [KeyPair.generate(), KeyPair.generate('x25519')];
    const recipients = [publicKey(long.publicKey), publicKey(short.publicKey)];
    const sealed = await encrypt(plain, { recipients });
    const path = join(folder, 'pair.key');
    await long.toFile(path);
    for (const identities of [await KeyPair.fromFile(path), KeyPair.fromText(short.exportText())]) {
      assert.deepEqual(await decrypt(sealed, { identities }), plain);
    }
    await refused(decrypt(sealed, { identities: [KeyPair.generate()] }), 'NoMatchingKey');
  },

  async '`provider`: a provider of one’s own'() {
    const sealed = await encrypt(plain, { recipients: [provider(new Vault(), 'here/1')] });
    assert.deepEqual(await decrypt(sealed, { identities: [provider(new Vault(), 'here/1')] }), plain);
    await refused(decrypt(sealed, { identities: [provider(new Vault(), 'here/2')] }), 'NoMatchingKey');
    const failing = provider(new Vault(new Error('out of order')), 'here/1');
    await assert.rejects(decrypt(sealed, { identities: [failing] }), ProviderError);
  },

  async '`rewrap`: in place, and through a new file'(folder) {
    const { sealed, plain, key } = await sealedFile(folder, 100_000, {});
    const next = SecretKey.generate();
    const { inPlace } = await rewrap(sealed, { key, replace: [next] });
    assert.ok(inPlace);
    await refused(verify(sealed, { key }), 'NoMatchingKey');
    const many = Array.from({ length: 40 }, (_, index) => secretKey(key, { keyId: `key ${index}` }));
    assert.equal((await rewrap(sealed, { key: next, add: many })).inPlace, false);
    for (const opening of [key, next]) {
      assert.deepEqual(await decrypt(await readFile(sealed), { key: opening }), plain);
    }
  },

  async 'headers kept apart: `attachHeader`, `detachHeader`'(folder) {
    const [from, body, whole, again, opened] = ['from', 'body', 'whole', 'again', 'opened'].map((name) =>
      join(folder, name),
    );
    if (!from || !body || !whole || !again || !opened) throw new Error('no names');
    const key = SecretKey.generate();
    await writeFile(from, plain);
    const { header } = await encryptFileDetached(from, body, { key });
    assert.ok(header);
    await decryptFile(body, opened, { key, header });
    assert.deepEqual(await readFile(opened), plain);
    await attachHeader(header, body, whole);
    assert.deepEqual(await decrypt(await readFile(whole), { key }), plain);
    assert.deepEqual(await detachHeader(whole, again), header);
    assert.deepEqual(await readFile(again), await readFile(body));
  },

  async '`sealstream/electron`, `sealstream/aws-kms`'() {
    const { safeStorageKey } = await import('sealstream/electron');
    assert.equal(require('sealstream/electron').safeStorageKey, safeStorageKey);
    const [{ awsKmsKey }, { KMSClient }] = await Promise.all([
      import('sealstream/aws-kms'),
      import('@aws-sdk/client-kms'),
    ]);
    assert.equal(require('sealstream/aws-kms').awsKmsKey, awsKmsKey);
    const client = new KMSClient({ region: 'eu-central-1' });
    assert.equal(awsKmsKey({ client, keyId: 'alias/backup' }).type, 'provider');
    client.destroy();
  },
};

/** Adds 1 to every byte, or fails. */
class Vault {
  name = 'of my own';

  /** @param {Error} [failure] */
  constructor(failure) {
    this.failure = failure;
  }

  /** @param {{ key: Uint8Array }} request */
  wrapKey({ key }) {
    return this.#answer(key, 1);
  }

  /** @param {{ wrappedKey: Uint8Array }} request */
  unwrapKey({ wrappedKey }) {
    return this.#answer(wrappedKey, 255);
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} add
   */
  async #answer(bytes, add) {
    const answer = bytes.map((byte) => (byte + add) % 256);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.failure) throw this.failure;
    return answer;
  }
}

/**
 * @param {Promise<unknown>} operation
 * @param {string} kind
 */
async function refused(operation, kind) {
  await assert.rejects(operation, (error) => error instanceof SealError && error.failure.kind === kind);
}
