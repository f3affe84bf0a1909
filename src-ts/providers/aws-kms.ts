/// <reference types="node" preserve="true" />

/**
 * AWS Key Management Service as a provider. It needs `@aws-sdk/client-kms`, which is not installed with this package.
 *
 * @packageDocumentation
 */

import { createRequire } from 'node:module';

import type * as Sdk from '@aws-sdk/client-kms';

import { kmsFailure } from './aws-kms-failure';
import { nullPrototype } from '../internal/null-prototype';
import { typeError } from '../internal/errors';
import { optionsBy } from '../internal/option-tables';
import { anything, hasMethods, string } from '../internal/options';
import { KnownFailure } from './provider-error';
import { provider } from '../keys/credentials';
import type { Identity, Recipient } from '../keys/types';
import { type KeyProvider, providerName } from './providers';

/** Options of {@link awsKmsKey}. */
export interface AwsKmsKeyOptions {
  /** A client of `@aws-sdk/client-kms`, version 3, configured with region, credentials and retries. */
  client: Sdk.KMSClient;
  /** What KMS takes as `KeyId`: the id or the ARN of a key, or an alias such as `alias/backup`. Anyone can read it in the header. */
  keyId: string;
  /**
   * The provider's name, 1 to 255 bytes: `aws-kms` by default. It stands in the header of every stream. Give different names to
   * several accounts or regions, so that their key ids stay apart.
   */
  name?: string | undefined;
  /**
   * Names and values that KMS binds to every wrapped key: opening needs the same. **AWS CloudTrail logs them in clear.** KMS also
   * gets a stream's `context`, as `sealstream-context`, or in Base64 as `sealstream-context-base64` if it is not plain text.
   */
  encryptionContext?: Readonly<Record<string, string>> | undefined;
  /** Limits the wait for one answer, in milliseconds: 30,000 by default. */
  timeout?: number | undefined;
}

/**
 * Makes a recipient and identity from a symmetric key of AWS Key Management Service. It uses the commands Encrypt and Decrypt.
 *
 * Decrypt names the key, so KMS refuses what another key wrapped. Rotating a key's material changes nothing. If an alias moves to
 * another key, streams that were sealed before open only by naming the former key.
 *
 * The stream's `context` and `encryptionContext` become KMS's encryption context: key policies can refer to it, it has at most 8,192
 * characters in all, and **CloudTrail logs it in clear**. The SDK copies keys into its requests and answers; those copies can't be
 * overwritten.
 *
 * @param options The client, the id of the key, and what to bind to it.
 * @returns A recipient and identity.
 * @throws TypeError or RangeError for wrong options.
 *
 * @example
 * const client = new KMSClient({ region: 'eu-central-1' });
 * await encryptFile('a', 'a.seal', { recipients: awsKmsKey({ client, keyId: 'alias/backup' }) });
 */
export function awsKmsKey(options: AwsKmsKeyOptions): Recipient & Identity {
  const given = optionsBy('awsKmsKey', options, OPTIONS);
  // `provider` refuses a missing one.
  const { keyId = '', name = 'aws-kms', encryptionContext, timeout } = given;
  const client = given.client ?? kmsClient('client', undefined);
  const bound = (context: Uint8Array) => {
    const EncryptionContext = { ...encryptionContext, ...streamContext(context) };
    return Object.keys(EncryptionContext).length === 0 ? {} : { EncryptionContext };
  };
  const keyProvider: KeyProvider = {
    name,
    wrapKey: ({ key: Plaintext, keyId: KeyId, context, signal: abortSignal }) =>
      answered('kms:Encrypt', async () => {
        const command = new sdk.EncryptCommand({ KeyId, Plaintext, ...bound(context) });
        return (await client.send(command, nullPrototype({ abortSignal }))).CiphertextBlob;
      }),
    unwrapKey: ({ wrappedKey: CiphertextBlob, keyId: KeyId, context, signal: abortSignal }) =>
      answered('kms:Decrypt', async () => {
        const command = new sdk.DecryptCommand({ KeyId, CiphertextBlob, ...bound(context) });
        return (await client.send(command, nullPrototype({ abortSignal }))).Plaintext;
      }),
  };
  return provider(keyProvider, keyId, { timeout });
}

/** Returns the bytes of an answer: the SDK's types allow one without them. `permission` is what the call needs. */
async function answered(
  permission: string,
  call: () => Promise<Uint8Array | undefined>,
): Promise<Uint8Array> {
  const bytes = await call().catch((error: unknown) => {
    throw kmsFailure(error, permission);
  });
  if (bytes === undefined) throw new KnownFailure('ERR_PROVIDER_ANSWER', 'its answer holds no bytes');
  return bytes;
}

/** The stream's context as one name and value. The bytes alone determine the name, so that sealing and opening agree. */
function streamContext(context: Uint8Array): Record<string, string> {
  if (context.length === 0) return {};
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(context);
    if (!/\p{Control}/u.test(text)) return { [CONTEXT]: text };
  } catch {
    // Not UTF-8.
  }
  return { [CONTEXT_BASE64]: Buffer.from(context).toString('base64') };
}

/** Checks that `value` is a client. */
function kmsClient(name: string, value: unknown): Sdk.KMSClient {
  if (hasMethods(value, 'send')) return value as unknown as Sdk.KMSClient;
  throw typeError(name, 'a KMSClient of @aws-sdk/client-kms', value);
}

/** Checks and copies the encryption context. */
function checkedContext(_: string, given: unknown): Readonly<Record<string, string>> {
  if (typeof given !== 'object' || given === null) {
    throw typeError('encryptionContext', 'an object of strings', given);
  }
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    if (name === CONTEXT || name === CONTEXT_BASE64) {
      const expected = `without ${name}, which is the stream's context`;
      throw typeError('encryptionContext', expected, given, 'one with it');
    }
    return [name, string(`encryptionContext[${JSON.stringify(name)}]`, value)] as const;
  });
  return Object.fromEntries(entries);
}

/** Loads the SDK, which a program that imports this module must have installed. */
function loadSdk(): typeof Sdk {
  try {
    return createRequire(__filename)('@aws-sdk/client-kms') as typeof Sdk;
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code;
    if (code !== 'MODULE_NOT_FOUND') throw cause;
    throw new Error(
      'sealstream/aws-kms needs the AWS SDK for KMS, which is not installed: npm install @aws-sdk/client-kms',
      { cause },
    );
  }
}

const OPTIONS = {
  client: kmsClient,
  encryptionContext: checkedContext,
  keyId: anything<string>,
  name: providerName,
  timeout: anything<number>,
};
const CONTEXT = 'sealstream-context';
const CONTEXT_BASE64 = 'sealstream-context-base64';
const sdk = loadSdk();

// As in `index.ts`.
Object.freeze(module.exports);
