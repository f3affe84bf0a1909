// AWS KMS against a server that has keys: moto, which `npm test` and `npm run test:kms` start.

import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  CreateAliasCommand,
  CreateKeyCommand,
  type KMSClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import ava, { type ExecutionContext } from 'ava';
import {
  decrypt,
  decryptFile,
  encrypt,
  encryptFile,
  inspect,
  type KeyProvider,
  provider,
  SecretKey,
  secretKey,
} from 'sealstream';
import { awsKmsKey, type AwsKmsKeyOptions } from 'sealstream/aws-kms';

import {
  accessOf,
  accessTo,
  askToUnwrap,
  askToWrap,
  KEK,
  providerError,
} from '../support/provider-calls.mjs';
import { pattern } from '../support/bytes.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { closedPort, kmsClient } from '../support/kms.mjs';

const SERVER = process.env['SEALSTREAM_TEST_KMS'] ?? '';
const test = SERVER === '' ? ava.skip : ava;
const NOTHING = new Uint8Array();
const plaintext = pattern(100_000);

/** The provider behind a key, which the tests ask for other keys too. */
function providerOf(options: Omit<AwsKmsKeyOptions, 'keyId'>): KeyProvider {
  return accessOf(awsKmsKey({ keyId: 'unused', ...options })).keyProvider;
}

async function newKey(client: KMSClient): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
  return KeyMetadata!.KeyId!;
}

async function aliasOf(client: KMSClient, keyId: string): Promise<string> {
  const AliasName = `alias/test-${keyId}`;
  await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: keyId }));
  return AliasName;
}

async function kmsWithKey(
  t: ExecutionContext,
): Promise<{ client: KMSClient; kms: KeyProvider; keyId: string }> {
  const client = kmsClient(t, SERVER);
  return { client, kms: providerOf({ client }), keyId: await newKey(client) };
}

test('KMS unwraps the key that it wrapped, by key id and by alias', async (t) => {
  const { client, kms, keyId } = await kmsWithKey(t);
  for (const id of [keyId, await aliasOf(client, keyId)]) {
    const blob = await askToWrap(accessTo(kms, id), KEK, Buffer.from('tenant=7'));
    t.false(Buffer.from(blob).includes(Buffer.from(KEK)));
    t.deepEqual(await askToUnwrap(accessTo(kms, id), blob, Buffer.from('tenant=7')), KEK);
  }
});

test('another context, another encryption context, or none of either is refused', async (t) => {
  const { client, keyId } = await kmsWithKey(t);
  const notes = accessTo(providerOf({ client, encryptionContext: { app: 'notes' } }), keyId);
  const blob = await askToWrap(notes, KEK, Buffer.from('tenant=7'));
  t.deepEqual(await askToUnwrap(notes, blob, Buffer.from('tenant=7')), KEK);
  for (const [access, context] of [
    [notes, 'tenant=8'],
    [notes, ''],
    [accessTo(providerOf({ client, encryptionContext: { app: 'mail' } }), keyId), 'tenant=7'],
    [accessTo(providerOf({ client }), keyId), 'tenant=7'],
  ] as const) {
    const error = await providerError(() => askToUnwrap(access, blob, Buffer.from(context)));
    t.is(error.code, 'ERR_PROVIDER_FAILED');
    t.regex(
      error.message,
      /InvalidCiphertextException; give the context and encryptionContext that it was sealed with/,
    );
  }
});

test('a blob of another key is refused, also if an alias moved to another key', async (t) => {
  const { client, kms, keyId } = await kmsWithKey(t);
  const other = await newKey(client);
  const alias = await aliasOf(client, keyId);
  const blob = await askToWrap(accessTo(kms, alias), KEK, NOTHING);
  const error = await providerError(() => askToUnwrap(accessTo(kms, other), blob, NOTHING));
  // KMS itself answers with IncorrectKeyException.
  t.is(error.code, 'ERR_PROVIDER_DENIED');
  t.is((error.cause as Error).name, 'AccessDeniedException');

  await client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: other }));
  await providerError(() => askToUnwrap(accessTo(kms, alias), blob, NOTHING));
  t.deepEqual(await askToUnwrap(accessTo(kms, keyId), blob, NOTHING), KEK);
});

test('a changed blob is refused', async (t) => {
  const { kms, keyId } = await kmsWithKey(t);
  const blob = await askToWrap(accessTo(kms, keyId), KEK, NOTHING);
  blob[blob.length - 1]! ^= 1;
  const error = await providerError(() => askToUnwrap(accessTo(kms, keyId), blob, NOTHING));
  t.is(error.code, 'ERR_PROVIDER_FAILED');
});

test('a missing KMS key is reported', async (t) => {
  const { kms } = await kmsWithKey(t);
  for (const keyId of ['00000000-0000-0000-0000-000000000000', 'alias/nobody']) {
    const error = await providerError(() => askToWrap(accessTo(kms, keyId), KEK, NOTHING));
    t.is(error.code, 'ERR_PROVIDER_FAILED');
    t.regex(error.message, /NotFoundException: .*; check the key id, and the client's account and region$/);
  }
});

test('files are sealed for a key of KMS and opened by it', async (t) => {
  const { kms, keyId } = await kmsWithKey(t);
  const directory = temporaryDirectory(t);
  const [source, sealed, opened] = ['a', 'a.seal', 'a.opened'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(source, plaintext);
  await encryptFile(source, sealed, { recipients: [provider(kms, keyId)], context: 'tenant=7' });
  const report = await decryptFile(sealed, opened, {
    identities: [provider(kms, keyId)],
    context: 'tenant=7',
  });
  t.deepEqual(await readFile(opened), plaintext);
  t.is(report.openedBy.type, 'provider');

  const { slots } = await inspect(sealed);
  t.is(slots.length, 1);
  const error = await providerError(() =>
    decryptFile(sealed, `${opened}.2`, { identities: [provider(kms, keyId)], context: 'tenant=8' }),
  );
  t.is(error.code, 'ERR_PROVIDER_FAILED');
});

test('an unavailable KMS opens no stream, and another key still does', async (t) => {
  const { kms, keyId } = await kmsWithKey(t);
  const gone = providerOf({ client: kmsClient(t, await closedPort()) });
  const key = SecretKey.generate();
  const sealed = await encrypt(plaintext, { recipients: [provider(kms, keyId), secretKey(key)] });

  const error = await providerError(() => decrypt(sealed, { identities: [provider(gone, keyId)] }));
  t.is(error.code, 'ERR_PROVIDER_UNAVAILABLE');
  t.deepEqual(await decrypt(sealed, { identities: [provider(gone, keyId), key] }), plaintext);
  t.deepEqual(await decrypt(sealed, { identities: [provider(kms, keyId)] }), plaintext);
  const sealing = () => encrypt(plaintext, { recipients: [provider(gone, keyId), secretKey(key)] });
  t.is((await providerError(sealing)).code, 'ERR_PROVIDER_UNAVAILABLE');
});
