// The guide's code, as it stands there.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { KMSClient } from '@aws-sdk/client-kms';
import test from 'ava';
import {
  decrypt,
  decryptFile,
  encrypt,
  KeyPair,
  type KeyProvider,
  type DecryptReport,
  passphrase,
  provider,
  type EncryptReport,
} from 'sealstream';
import { safeStorageKey, type SafeStorage } from 'sealstream/electron';

import { providerError } from '../api/support/provider-calls.mjs';
import { pattern } from '../api/support/bytes.mjs';
import { temporaryDirectory } from '../api/support/files.mjs';
import { kmsAnswering, kmsClient } from '../api/support/kms.mjs';
import { guideModule } from './support/guide.mjs';

type Backup = (client: KMSClient, keyId: string, from: string, to: string, how: object) => Promise<unknown>;

interface Guide {
  backUp: (...backup: Parameters<Backup>) => Promise<EncryptReport>;
  restore: (...backup: Parameters<Backup>) => Promise<DecryptReport>;
  sealForLogin: (app: object, storage: SafeStorage, bytes: Uint8Array, phrase: string) => Promise<Uint8Array>;
  vaultTransit: (address: string, token: string) => KeyProvider;
}

const plaintext = pattern(50_000);

test('a backup is sealed for AWS KMS, and opens without it in an emergency', async (t) => {
  const guide = (await import(guideModule(t, 'providers'))) as Guide;
  // What a provider does that hardly wraps at all.
  const turned = (text: unknown) =>
    Buffer.from(Buffer.from(text as string, 'base64').map((byte) => byte ^ 0xff)).toString('base64');
  const { url, requests } = await kmsAnswering(t, ({ command, input }) =>
    command === 'Encrypt'
      ? { CiphertextBlob: turned(input['Plaintext']) }
      : { Plaintext: turned(input['CiphertextBlob']) },
  );
  const client = kmsClient(t, url);
  const directory = temporaryDirectory(t);
  const [from, to, back] = ['a', 'b', 'c'].map((name) => join(directory, name)) as [string, string, string];
  writeFileSync(from, plaintext);

  const emergency = KeyPair.generate('x25519');
  const emergencyKey = emergency.publicKey;
  await guide.backUp(client, 'alias/backup', from, to, { tenant: 'tenant-7', emergencyKey });
  await guide.restore(client, 'alias/backup', to, back, { tenant: 'tenant-7' });
  t.deepEqual(readFileSync(back), plaintext);
  t.deepEqual(
    requests.map(({ command, input }) => [command, input['EncryptionContext']]),
    ['Encrypt', 'Decrypt'].map((name) => [name, { app: 'backup', 'sealstream-context': 'tenant-7' }]),
  );
  await decryptFile(to, back, { identities: [emergency], context: 'tenant-7', overwrite: true });
  t.is(requests.length, 2);
});

test('bytes are sealed for a login, and for a phrase', async (t) => {
  const guide = (await import(guideModule(t, 'providers'))) as Guide;
  const storage: SafeStorage = {
    isEncryptionAvailable: () => true,
    encryptString: (plain) => Buffer.from(plain).reverse(),
    decryptString: (encrypted) => Buffer.from(encrypted).reverse().toString(),
  };
  const app = { whenReady: () => Promise.resolve(), getName: () => 'Notes' };
  const sealed = await guide.sealForLogin(app, storage, plaintext, 'correct horse');
  const login = safeStorageKey({ safeStorage: storage, keyId: 'Notes' });
  t.deepEqual(await decrypt(sealed, { identities: [login] }), plaintext);
  t.deepEqual(await decrypt(sealed, { identities: [passphrase('correct horse')] }), plaintext);
});

test('a provider of one’s own asks Vault', async (t) => {
  const guide = (await import(guideModule(t, 'providers'))) as Guide;
  let status = 200;
  const asked: string[] = [];
  const vault = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push([request.method, request.url, request.headers['x-vault-token']].join(' '));
      const { plaintext: bare, ciphertext } = JSON.parse(body) as Record<string, string | undefined>;
      const data =
        bare === undefined ? { plaintext: ciphertext?.slice(9) } : { ciphertext: `vault:v1:${bare}` };
      response.writeHead(status).end(JSON.stringify(status === 200 ? { data } : { errors: [] }));
    });
  });
  await new Promise<void>((resolve) => vault.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    vault.close();
    vault.closeAllConnections();
  });
  const keyProvider = guide.vaultTransit(
    `http://127.0.0.1:${(vault.address() as AddressInfo).port}`,
    'token',
  );
  const notes = provider(keyProvider, 'notes');

  const sealed = await encrypt(plaintext, { recipients: [notes] });
  t.deepEqual(await decrypt(sealed, { identities: [notes] }), plaintext);
  t.deepEqual(asked, ['POST /v1/transit/encrypt/notes token', 'POST /v1/transit/decrypt/notes token']);

  for (const [answer, code] of [
    [403, 'ERR_PROVIDER_DENIED'],
    [503, 'ERR_PROVIDER_UNAVAILABLE'],
    [400, 'ERR_PROVIDER_FAILED'],
  ] as const) {
    status = answer;
    t.is((await providerError(() => decrypt(sealed, { identities: [notes] }))).code, code);
  }
});
