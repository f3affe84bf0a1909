// A program of a user, which is compiled with several compilers, types of Node and kinds of modules; it never runs.
// An unused @ts-expect-error fails the compilation, so each refused line must be wrong.

import { webcrypto } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import {
  type ByteRange,
  createDecryptStream,
  createEncryptStream,
  type Credential,
  type Damage,
  type DamageDecision,
  type DamageMap,
  decrypt,
  decryptFile,
  DecryptionStream,
  type DecryptReport,
  decryptSegments,
  decryptSync,
  encrypt,
  encryptChunks,
  encryptFile,
  encryptFileDetached,
  type EncryptFileOptions,
  EncryptionStream,
  type EncryptReport,
  encryptSync,
  identitiesFromFile,
  type Identity,
  type IdentityList,
  inspect,
  KeyPair,
  type KeyProvider,
  type NodeBuffer,
  openReader,
  passphrase,
  provider,
  ProviderError,
  publicKey,
  type Recipient,
  recipientsFromFile,
  type ReportWarning,
  rewrap,
  salvage,
  SealError,
  type SealedReader,
  type SealFailureOf,
  SealstreamError,
  SecretKey,
  type SegmentResult,
  type SlotInfo,
  SourceError,
  type UnwrapRequest,
  verify,
  type VerifyReport,
  type WrapRequest,
} from 'sealstream';
import { type SafeStorage, safeStorageKey } from 'sealstream/electron';
import * as floe from 'sealstream/floe';
import { detachHeader, exportHeader, rewrapHeader } from 'sealstream/header';
import { damagePage } from 'sealstream/report';

/** Whether two types are the same; `any` is the same as nothing else. */
/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- only so can the compiler compare them */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/* eslint-enable @typescript-eslint/no-unnecessary-type-parameters */

/** Fails to compile unless the type of the value is exactly `Expected`. */
function has<Expected>() {
  return <Actual,>(value: Actual, _same: Same<Actual, Expected>): Actual => value;
}

export async function results(key: SecretKey, input: Uint8Array): Promise<unknown[]> {
  const sealed = await encrypt(input, { key });
  // Buffer<ArrayBuffer>, or Buffer where the types of Node are not generic.
  has<ReturnType<typeof Buffer.alloc>>()(sealed, true);
  has<NodeBuffer>()(sealed, true);
  has<NodeBuffer>()(await decrypt(sealed, { key }), true);
  has<NodeBuffer>()(key.exportBytes(), true);
  has<NodeBuffer>()(encryptSync(input, { key }), true);
  has<NodeBuffer>()(decryptSync(sealed, { key }), true);
  has<NodeBuffer>()(floe.encrypt(input, { key }), true);
  has<NodeBuffer>()(floe.decrypt(input, { key }), true);
  has<NodeBuffer>()(await exportHeader('a.seal'), true);
  has<NodeBuffer>()(await detachHeader('a.seal', 'a.body'), true);
  has<NodeBuffer>()(await rewrapHeader(sealed, { key, add: KeyPair.generate() }), true);
  has<NodeBuffer>()((await encryptFileDetached('a', 'a.body', { key })).header, true);
  for await (const chunk of encryptChunks([input], { key })) has<NodeBuffer>()(chunk, true);
  for await (const chunk of createEncryptStream({ key })) has<NodeBuffer>()(chunk, true);
  for await (const chunk of createDecryptStream({ key })) has<NodeBuffer>()(chunk, true);
  for await (const result of decryptSegments('a.seal', { key })) {
    has<SegmentResult>()(result, true);
    if (result.ok) has<NodeBuffer>()(result.data, true);
    else has<string>()(result.message, true);
  }
  // @ts-expect-error -- a result is no text
  const text: string = sealed;
  return [
    new Response(sealed),
    new Blob([sealed]),
    await webcrypto.subtle.digest('SHA-256', sealed),
    await webcrypto.subtle.digest('SHA-256', key.exportBytes()),
    sealed.toString('hex'),
    text,
  ];
}

export async function reading(reader: SealedReader, key: SecretKey): Promise<void> {
  has<NodeBuffer>()(await reader.read(0, 10), true);
  has<number>()(reader.size, true);
  const range: ByteRange = reader.sealedRange({ offset: 0, length: 10 });
  await new Response(reader.stream(range)).text();
  // @ts-expect-error -- a range has a length, no end
  reader.stream({ start: 0, end: 10 });
  // @ts-expect-error -- an offset is a number
  await reader.read('0', 10);
  const web: ReadableStream = new Blob(['text']).stream();
  await new Response(
    web.pipeThrough(new EncryptionStream({ key })).pipeThrough(new DecryptionStream({ key })),
  ).text();
  await pipeline(createReadStream('a'), createEncryptStream({ key }), createWriteStream('a.seal'));
}

export async function disposables(): Promise<(Disposable | AsyncDisposable)[]> {
  using key = SecretKey.generate();
  using list = await identitiesFromFile('identities.txt');
  await using reader = await openReader('a.seal', { identities: list });
  has<IdentityList>()(list, true);
  const phrase: Credential = passphrase('correct horse battery staple');
  return [key, KeyPair.generate(), list, phrase, reader];
}

/** Options are interfaces, to be extended and passed on. */
interface TenantOptions extends EncryptFileOptions {
  readonly tenant: string;
}

export function forTenant({ tenant, ...options }: TenantOptions): Promise<EncryptReport> {
  return encryptFile('a', 'a.seal', { ...options, context: tenant });
}

export async function reports(key: SecretKey): Promise<void> {
  const encrypted: EncryptReport = await encryptFile('a', 'a.seal', { key });
  has<number>()(encrypted.plaintextSize, true);
  has<string>()(encrypted.sealedCrc64Nvme, true);
  has<ReportWarning[]>()(encrypted.warnings, true);
  const decrypted: DecryptReport = await decryptFile('a.seal', 'b', {
    key,
    onDamage: (damage) => decide(damage),
  });
  has<number>()(decrypted.openedBy.slotIndex, true);
  const { slots } = await inspect('a.seal');
  has<SlotInfo[]>()(slots, true);
  const found: VerifyReport = await verify('a.seal');
  has<boolean>()(found.sound, true);
  const map: DamageMap = await salvage('a.seal', 'a', { key });
  has<string>()(damagePage(map), true);
  // @ts-expect-error -- the sealed size has one name
  has<unknown>()(encrypted.wireSize, false);
}

/** Room for types of slots that later releases add; those that are known are completed by editors. */
export const unknownSlot: SlotInfo = { slotIndex: 0, type: 'of-a-later-release' };
// @ts-expect-error -- a type is a text
export const wrongSlot: SlotInfo = { slotIndex: 0, type: 7 };
// @ts-expect-error -- absent is absent, never null
export const nullSlot: SlotInfo = { slotIndex: 0, type: 'key', keyId: null };

function decide(damage: Damage): DamageDecision {
  return damage.retries < 2 ? 'retry' : 'zero';
}

export function failures(error: unknown): unknown {
  if (SealError.is(error, 'ERR_SEAL_DIGEST_MISMATCH')) {
    has<number>()(error.failure.error.segment, true);
    has<'Segment'>()(error.failure.kind, true);
    // @ts-expect-error -- this failure has no path
    return error.failure.path;
  }
  if (SealError.is(error, 'ERR_SEAL_IO')) return has<string | undefined>()(error.cause.code, true);
  if (SealError.is(error, 'ERR_SEAL_NOTHING_RECOVERED')) return has<DamageMap>()(error.map, true);
  if (SealError.is(error, 'ERR_SEAL_NO_MATCHING_KEY')) return has<SlotInfo[]>()(error.failure.slots, true);
  // @ts-expect-error -- there is no such code
  if (SealError.is(error, 'ERR_SEAL_OTHER')) return undefined;
  if (floe.FloeError.is(error, 'ERR_FLOE_FRAME')) return has<number>()(error.failure.frame, true);
  if (ProviderError.is(error)) return has<'wrap' | 'unwrap'>()(error.operation, true);
  if (SourceError.is(error)) return has<number | undefined>()(error.status, true);
  if (SealstreamError.is(error)) return has<string>()(error.code, true);
  const refusal: SealFailureOf<'ERR_SEAL_KEY_FILE_REFUSED'> = {
    kind: 'KeyFileRefused',
    path: 'a.key',
    reason: 'no-key',
  };
  return refusal;
}

/** An object of the user's own, and the requests by their names. */
export const vault: KeyProvider = {
  name: 'vault',
  wrapKey: async ({ key }: WrapRequest) => Promise.resolve(Uint8Array.from(key)),
  unwrapKey: async ({ wrappedKey, signal }: UnwrapRequest) => {
    signal.throwIfAborted();
    return Promise.resolve(Uint8Array.from(wrappedKey));
  },
};

export async function recipients(key: SecretKey, storage: SafeStorage, pair: KeyPair): Promise<void> {
  const login = safeStorageKey({ safeStorage: storage });
  await encryptFile('a', 'a.seal', {
    recipients: [
      'age1…',
      key,
      pair,
      login,
      provider(vault, 'backup'),
      ...(await recipientsFromFile('team.txt')),
    ],
  });
  await encryptFile('a', 'a.seal', { recipients: 'age1…' });
  await decryptFile('a.seal', 'a', { identities: pair });
  await rewrap('a.seal', { key, add: pair, remove: [{ slotIndex: 0 }] });
  // @ts-expect-error -- an identity is no recipient
  const sealing: Recipient = {} as Identity;
  // @ts-expect-error -- a public key opens nothing
  const opening: Identity = publicKey('age1');
  // @ts-expect-error -- it is no digest
  await encrypt(new Uint8Array(), { key, digest: 'md5' });
  // @ts-expect-error -- the bytes come first
  await encrypt('text', { key });
  // @ts-expect-error -- encryptFileDetached has the header
  await encryptFile('a', 'a.seal', { key, header: new Uint8Array() });
  // @ts-expect-error -- a mistyped option
  await decryptFile('a.seal', 'a', { key, overWrite: true });
  has<(Recipient | Identity)[]>()([sealing, opening], true);
}
