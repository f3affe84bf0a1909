/**
 * AWS Key Management Service as a key service. It needs `@aws-sdk/client-kms`, which is not installed with this package.
 *
 * @packageDocumentation
 */

import { createRequire } from 'node:module';

import type * as Sdk from '@aws-sdk/client-kms';

import { kmsFailure } from './aws-kms-failure';
import { typeError } from '../api/errors';
import { checkedOptions } from '../internal/options';
import { ServiceFailure } from './provider-error';
import { checkedProviderName, type KeyContext, type KeyProvider } from './providers';

/** How to reach AWS KMS, and what to bind keys to. */
export interface AwsKmsOptions {
  /** A client of `@aws-sdk/client-kms`, version 3, with region, credentials and retries as you want them. */
  client: Sdk.KMSClient;
  /**
   * The service's name, 1 to 255 bytes: `aws-kms` by default. It stands in the header of every stream; give another one where you
   * have several accounts or regions and want to tell their key ids apart.
   */
  name?: string | undefined;
  /**
   * Names and values that KMS binds to every wrapped key: opening needs the same. **AWS CloudTrail logs them in clear.** A stream's
   * `context` is passed beside them, as `sealstream-context`, or in Base64 as `sealstream-context-base64` where it is no plain text.
   */
  encryptionContext?: Readonly<Record<string, string>> | undefined;
}

/**
 * AWS Key Management Service as a {@link KeyProvider}, by its commands Encrypt and Decrypt with a symmetric key. A key id is
 * what KMS takes as `KeyId`: the id or the ARN of a key, or an alias, such as `alias/backup`. It stands in the header, where anyone can
 * read it.
 *
 * Decrypt is told the key, so KMS refuses what another key wrapped. Rotation of a key's material changes nothing; an alias that is
 * pointed to another key leaves what was sealed before to whoever names the former key.
 *
 * The stream's `context` and `encryptionContext` are what KMS calls encryption context: conditions of key policies can name it, at most
 * 8,192 characters in all, and **CloudTrail logs it in clear**. Copies of a key that the SDK makes on the way, encoded and in the request
 * or the answer, can't be overwritten.
 *
 * @throws TypeError or RangeError for wrong options.
 *
 * @example
 * const kms = awsKms({ client: new KMSClient({ region: 'eu-central-1' }) });
 * await encryptFile('a', 'a.seal', { recipients: [provider(kms, 'alias/backup')] });
 */
export function awsKms(options: AwsKmsOptions): KeyProvider {
  const { client, name = 'aws-kms', encryptionContext } = checkedOptions(options, OPTIONS);
  checkedClient(client);
  const fixed = checkedContext(encryptionContext);
  return new AwsKms(client, checkedProviderName('name', name), fixed);
}

class AwsKms implements KeyProvider {
  readonly #client: Sdk.KMSClient;
  readonly #fixed: Readonly<Record<string, string>>;

  constructor(
    client: Sdk.KMSClient,
    readonly name: string,
    fixed: Readonly<Record<string, string>>,
  ) {
    this.#client = client;
    this.#fixed = fixed;
  }

  async wrapKey(kek: Uint8Array, keyId: string, context: KeyContext): Promise<Uint8Array> {
    const command = new sdk.EncryptCommand({ KeyId: keyId, Plaintext: kek, ...this.#bound(context) });
    try {
      const { CiphertextBlob } = await this.#client.send(command, { abortSignal: context.signal });
      return answered(CiphertextBlob);
    } catch (error) {
      throw kmsFailure(error, 'kms:Encrypt');
    }
  }

  async unwrapKey(blob: Uint8Array, keyId: string, context: KeyContext): Promise<Uint8Array> {
    const command = new sdk.DecryptCommand({ KeyId: keyId, CiphertextBlob: blob, ...this.#bound(context) });
    try {
      const { Plaintext } = await this.#client.send(command, { abortSignal: context.signal });
      return answered(Plaintext);
    } catch (error) {
      throw kmsFailure(error, 'kms:Decrypt');
    }
  }

  #bound({ context }: KeyContext): { EncryptionContext?: Record<string, string> } {
    const bound = { ...this.#fixed, ...streamContext(context) };
    return Object.keys(bound).length === 0 ? {} : { EncryptionContext: bound };
  }
}

/** The SDK's types allow for an answer without what was asked for. */
function answered(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new ServiceFailure('ERR_PROVIDER_ANSWER', 'its answer holds no bytes');
  return bytes;
}

/** The stream's context as one name and value. Which name follows from the bytes alone, so that both ends choose the same. */
function streamContext(context: Uint8Array): Record<string, string> {
  if (context.length === 0) return {};
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(context);
    if (!/\p{Control}/u.test(text)) return { [CONTEXT]: text };
  } catch {
    // It is no UTF-8.
  }
  return { [CONTEXT_BASE64]: Buffer.from(context).toString('base64') };
}

function checkedClient(client: unknown): void {
  const given = client as { send?: unknown } | null | undefined;
  if (typeof given !== 'object' || typeof given?.send !== 'function') {
    throw typeError('client', 'a KMSClient of @aws-sdk/client-kms', client);
  }
}

/** A copy of it. */
function checkedContext(given: unknown): Readonly<Record<string, string>> {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null) {
    throw typeError('encryptionContext', 'an object of strings', given);
  }
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'string')
      throw typeError(`encryptionContext[${JSON.stringify(name)}]`, 'a string', value);
    if (name === CONTEXT || name === CONTEXT_BASE64) {
      throw typeError(
        'encryptionContext',
        `without ${name}, which is the stream's context`,
        given,
        'one with it',
      );
    }
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

/** The SDK, which whoever imports this module must have installed. */
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

const OPTIONS: ReadonlySet<string> = new Set(['client', 'encryptionContext', 'name']);
const CONTEXT = 'sealstream-context';
const CONTEXT_BASE64 = 'sealstream-context-base64';
const sdk = loadSdk();
