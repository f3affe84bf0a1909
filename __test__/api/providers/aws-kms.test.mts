// AWS KMS by its real client, over HTTP, with servers that answer as AWS documents it, or not at all.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { KMSClient } from '@aws-sdk/client-kms';
import test, { type ExecutionContext } from 'ava';
import type { KeyProvider, ProviderErrorCode } from 'sealstream';
import { awsKmsKey, type AwsKmsKeyOptions } from 'sealstream/aws-kms';

import {
  accessOf,
  accessTo,
  askToUnwrap,
  askToWrap,
  KEK,
  providerError,
} from '../support/provider-calls.mjs';
import { errorOf } from '../support/errors.mjs';
import { repositoryFile, temporaryDirectory } from '../support/files.mjs';
import {
  closedPort,
  kmsAnswering,
  type KmsAnswer,
  kmsClient,
  type KmsRequest,
  silentServer,
} from '../support/kms.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const KEY_ID = 'alias/backup';
const BLOB = Buffer.from('what KMS made of it');
const NOTHING = new Uint8Array();
const unused = { send: () => undefined } as unknown as KMSClient;

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function answering(request: KmsRequest): KmsAnswer {
  return request.command === 'Encrypt' ? { CiphertextBlob: base64(BLOB) } : { Plaintext: base64(KEK) };
}

/** The provider behind a key, which the tests ask for other keys too. */
function providerOf(options: Omit<AwsKmsKeyOptions, 'keyId'>): KeyProvider {
  return accessOf(awsKmsKey({ keyId: KEY_ID, ...options })).keyProvider;
}

async function providerAt(
  t: ExecutionContext,
  answer: (request: KmsRequest) => KmsAnswer,
  options: Omit<AwsKmsKeyOptions, 'client' | 'keyId'> = {},
): Promise<{ keyProvider: KeyProvider; requests: KmsRequest[] }> {
  const { url, requests } = await kmsAnswering(t, answer);
  return { keyProvider: providerOf({ client: kmsClient(t, url), ...options }), requests };
}

test('Encrypt wraps keys, and Decrypt unwraps them with the key id', async (t) => {
  const { keyProvider, requests } = await providerAt(t, answering);
  t.is(keyProvider.name, 'aws-kms');
  const access = accessTo(keyProvider, KEY_ID);
  t.deepEqual(Buffer.from(await askToWrap(access, KEK, NOTHING)), BLOB);
  t.deepEqual(await askToUnwrap(access, BLOB, NOTHING), KEK);
  t.deepEqual(requests, [
    { command: 'Encrypt', input: { KeyId: KEY_ID, Plaintext: base64(KEK) } },
    { command: 'Decrypt', input: { KeyId: KEY_ID, CiphertextBlob: base64(BLOB) } },
  ]);
});

for (const [name, context, expected] of [
  ['text', Buffer.from('tenant=7;größe'), { 'sealstream-context': 'tenant=7;größe' }],
  ['text with a byte order mark', Buffer.from('\ufeffa'), { 'sealstream-context': '\ufeffa' }],
  ['no UTF-8', Buffer.from([0xff, 0x00]), { 'sealstream-context-base64': '/wA=' }],
  ['control characters', Buffer.from([0, 0, 0, 7]), { 'sealstream-context-base64': 'AAAABw==' }],
] as const) {
  test(`the stream's context is bound to the key: ${name}`, async (t) => {
    const { keyProvider, requests } = await providerAt(t, answering, { encryptionContext: { app: 'notes' } });
    await askToWrap(accessTo(keyProvider, KEY_ID), KEK, context);
    await askToUnwrap(accessTo(keyProvider, KEY_ID), BLOB, context);
    for (const { input } of requests) t.deepEqual(input['EncryptionContext'], { app: 'notes', ...expected });
  });
}

test('the encryption context is copied when the provider is made', async (t) => {
  const encryptionContext: Record<string, string> = { app: 'notes' };
  const { keyProvider, requests } = await providerAt(t, answering, { encryptionContext });
  encryptionContext['app'] = 'other';
  await askToWrap(accessTo(keyProvider, KEY_ID), KEK, NOTHING);
  t.deepEqual(requests[0]?.input['EncryptionContext'], { app: 'notes' });
});

for (const [error, code, advice] of [
  ['AccessDeniedException', 'ERR_PROVIDER_DENIED', /kms:Decrypt is allowed/],
  ['UnrecognizedClientException', 'ERR_PROVIDER_DENIED', /credentials/],
  ['ExpiredTokenException', 'ERR_PROVIDER_DENIED', /credentials/],
  ['DisabledException', 'ERR_PROVIDER_DENIED', /enable the key/],
  ['KMSInvalidStateException', 'ERR_PROVIDER_DENIED', /cancel its deletion/],
  ['NotFoundException', 'ERR_PROVIDER_FAILED', /account and region/],
  ['IncorrectKeyException', 'ERR_PROVIDER_FAILED', /alias now points to another key/],
  ['InvalidCiphertextException', 'ERR_PROVIDER_FAILED', /context and encryptionContext/],
  ['InvalidKeyUsageException', 'ERR_PROVIDER_FAILED', /symmetric key/],
  ['ValidationException', 'ERR_PROVIDER_FAILED', /8,192/],
  ['ThrottlingException', 'ERR_PROVIDER_UNAVAILABLE', /maxAttempts/],
  ['LimitExceededException', 'ERR_PROVIDER_UNAVAILABLE', /try again/],
  ['SomethingNewException', 'ERR_PROVIDER_FAILED', /check that the key exists/],
] as const satisfies (readonly [string, ProviderErrorCode, RegExp])[]) {
  test(`KMS refuses: ${error}`, async (t) => {
    const { keyProvider } = await providerAt(t, () => ({ error, message: 'so it is' }));
    const failure = await providerError(() => askToUnwrap(accessTo(keyProvider, KEY_ID), BLOB, NOTHING));
    t.is(failure.code, code);
    t.regex(
      failure.message,
      /^the provider "aws-kms" did not unwrap the key of "alias\/backup": .*so it is; /,
    );
    t.regex(failure.message, advice);
    t.is((failure.cause as Error).name, error);
  });
}

test('an error of KMS without a message is reported by its name', async (t) => {
  const { keyProvider } = await providerAt(t, () => ({ error: 'InvalidCiphertextException' }));
  const { message } = await providerError(() => askToUnwrap(accessTo(keyProvider, KEY_ID), BLOB, NOTHING));
  t.true(message.includes('"alias/backup": InvalidCiphertextException; '), message);
});

for (const [error, status] of [
  ['KMSInternalException', 500],
  ['DependencyTimeoutException', 503],
  ['SomethingNewException', 502],
] as const) {
  test(`KMS can't answer now: ${error}, ${status}`, async (t) => {
    const { keyProvider } = await providerAt(t, () => ({ error, status, message: 'so it is' }));
    const { code } = await providerError(() => askToWrap(accessTo(keyProvider, KEY_ID), KEK, NOTHING));
    t.is(code, 'ERR_PROVIDER_UNAVAILABLE');
  });
}

test('the client uses all its retries before a failure is reported', async (t) => {
  const { url, requests } = await kmsAnswering(t, () => ({ error: 'KMSInternalException', status: 500 }));
  const keyProvider = providerOf({ client: kmsClient(t, url, { maxAttempts: 2 }) });
  const { code } = await providerError(() => askToWrap(accessTo(keyProvider, KEY_ID), KEK, NOTHING));
  t.is(code, 'ERR_PROVIDER_UNAVAILABLE');
  t.is(requests.length, 2);
});

test('a client whose last retry succeeds has succeeded', async (t) => {
  let failures = 1;
  const { url } = await kmsAnswering(t, (request) => {
    failures -= 1;
    return failures >= 0 ? { error: 'KMSInternalException', status: 500 } : answering(request);
  });
  const keyProvider = providerOf({ client: kmsClient(t, url, { maxAttempts: 3 }) });
  t.deepEqual(await askToUnwrap(accessTo(keyProvider, KEY_ID), BLOB, NOTHING), KEK);
});

test('an unreachable server is reported as unavailable', async (t) => {
  const keyProvider = providerOf({ client: kmsClient(t, await closedPort()) });
  const failure = await providerError(() => askToWrap(accessTo(keyProvider, KEY_ID), KEK, NOTHING));
  t.is(failure.code, 'ERR_PROVIDER_UNAVAILABLE');
  t.regex(failure.message, /did not wrap a key with "alias\/backup": .*ECONNREFUSED/);
});

test('a server that never answers times out, and the request is ended', async (t) => {
  const { url, left } = await silentServer(t);
  const keyProvider = providerOf({ client: kmsClient(t, url) });
  const failure = await providerError(() => askToUnwrap(accessTo(keyProvider, KEY_ID, 100), BLOB, NOTHING));
  t.is(failure.code, 'ERR_PROVIDER_TIMEOUT');
  t.regex(failure.message, /timed out after 100 ms; check that it can be reached/);
  await left;
  t.pass();
});

test("the caller's signal ends the request", async (t) => {
  const { url, left } = await silentServer(t);
  const keyProvider = providerOf({ client: kmsClient(t, url) });
  const stop = new AbortController();
  const reason = new Error('enough');
  const asking = errorOf(() => askToUnwrap(accessTo(keyProvider, KEY_ID), BLOB, NOTHING, stop.signal));
  setTimeout(() => {
    stop.abort(reason);
  }, 100);
  t.is(await asking, reason);
  await left;
});

for (const [name, answer] of [
  ['without what was asked for', {}],
  ['with a key of 16 bytes', { Plaintext: base64(KEK.subarray(16)) }],
] as const) {
  test(`an answer ${name} is refused`, async (t) => {
    const { keyProvider } = await providerAt(t, () => answer);
    const { code } = await providerError(() => askToUnwrap(accessTo(keyProvider, KEY_ID), BLOB, NOTHING));
    t.is(code, 'ERR_PROVIDER_ANSWER');
  });
}

for (const [name, options, message] of [
  ['no client', {}, /^client must be a KMSClient of @aws-sdk\/client-kms, not undefined$/],
  ['another client', { client: {} }, /^client must be a KMSClient/],
  ['an empty name', { client: unused, name: '' }, /^name must have 1 to 255 bytes/],
  ['a misspelt option', { client: unused, encryptioncontext: {} }, /"encryptioncontext"/],
  [
    'a context that is no object',
    { client: unused, encryptionContext: 'a=b' },
    /^encryptionContext must be an object of strings/,
  ],
  [
    'a value that is no string',
    { client: unused, encryptionContext: { a: 1 } },
    /^encryptionContext\["a"\] must be a string, not a number$/,
  ],
  [
    "the stream's name",
    { client: unused, encryptionContext: { 'sealstream-context': 'a' } },
    /^encryptionContext must be without sealstream-context/,
  ],
  [
    "the stream's other name",
    { client: unused, encryptionContext: { 'sealstream-context-base64': 'a' } },
    /without sealstream-context-base64/,
  ],
] as const) {
  test(`options are checked: ${name}`, (t) => {
    t.throws(() => awsKmsKey({ keyId: 'a', ...options } as unknown as AwsKmsKeyOptions), { message });
  });
}

test('without the SDK the package works, and the subpath says what to install', async (t) => {
  const directory = temporaryDirectory(t);
  const copy = join(directory, 'node_modules', 'sealstream');
  mkdirSync(copy, { recursive: true });
  cpSync(join(ROOT, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(ROOT, 'native'), join(copy, 'native'), 'junction');
  const run = (code: string) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: directory });

  const { stdout } = await run(
    "import 'sealstream/electron'; import { SecretKey } from 'sealstream'; console.log(String(SecretKey.generate()))",
  );
  t.is(stdout.trim(), '[SecretKey]');
  const failed = (await errorOf(() => run("import 'sealstream/aws-kms'"))) as { stderr: string };
  t.regex(failed.stderr, /Error: sealstream\/aws-kms needs .* npm install @aws-sdk\/client-kms/);
});

test('the declarations of the package itself do not need the SDK', (t) => {
  for (const name of ['index.d.ts', 'providers/providers.d.ts', 'providers/electron.d.ts']) {
    t.false(repositoryFile('dist', name).toString().includes('@aws-sdk'), name);
  }
});
