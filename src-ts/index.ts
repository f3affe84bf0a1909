/// <reference types="node" preserve="true" />

/**
 * Authenticated encryption of files and bytes, in segments that are processed in parallel.
 *
 * Start with {@link encryptFile} and {@link decryptFile}. {@link encrypt} and {@link decrypt} work on bytes in memory, and
 * {@link openReader} reads at any offset.
 *
 * @packageDocumentation
 */

export { decrypt, type DecryptBytesOptions, encrypt, type EncryptBytesOptions } from './api/buffers';
export type { NodeBuffer } from './internal/bytes';
export { SealError, type SealErrorOf, type SealFailureOf, SealstreamError } from './api/errors';
export {
  decryptFile,
  type DecryptFileOptions,
  type DetachedEncryptReport,
  encryptFile,
  encryptFileDetached,
  type EncryptFileDetachedOptions,
  type EncryptFileOptions,
} from './api/files';
export { heal, type HealOptions } from './api/heal';
export { inspect, sealedSize, type SealedSizeOptions } from './api/inspect';
export {
  openReader,
  type OpenReaderOptions,
  type ReadOptions,
  type ReadStreamOptions,
  SealedReader,
} from './api/reader';
export { rewrap, type RewrapOptions, type SlotSelector } from './api/rewrap';
export { salvage, type SalvageOptions } from './api/salvage';
export { decryptSegments, type DecryptSegmentsOptions } from './api/segments';
export {
  type DecryptFileStream,
  decryptFileToStream,
  type DecryptFileToStreamOptions,
  encryptStreamToFile,
  type EncryptStreamToFileOptions,
} from './api/stream-files';
export { decryptSync, encryptSync } from './api/sync';
export type {
  DamageHandler,
  DamageOptions,
  DamagePolicy,
  DetachedHeader,
  DecryptStreamOptions,
  EncryptStreamOptions,
  CancelOptions,
  DecryptNodeStreamOptions,
  EncryptNodeStreamOptions,
  NodeStreamOptions,
  OperationOptions,
  ResumeOptions,
  SegmentResult,
  SegmentsOptions,
  StreamOptions,
  TargetOptions,
} from './api/types';
export { verify, type VerifyOptions, type VerifyReport } from './api/verify';
export type { DamageEvent, OperationContext, SegmentEvent } from './internal/diagnostics';
export {
  passphrase,
  type PassphraseOptions,
  provider,
  type ProviderOptions,
  publicKey,
  recipientsFromFile,
  secretKey,
  type SecretKeyOptions,
} from './keys/credentials';
export { identitiesFromFile, type IdentityList, KeyPair, type KeyPairType } from './keys/key-pair';
export { generatePassphrase } from './keys/passphrase-generator';
export { type KeyFileOptions, SecretKey } from './keys/secret-key';
export { type SenderInput, SenderKey, type SenderKeyInput, type SenderSigner } from './keys/sender-key';
export {
  senderKeyFromFile,
  type SenderKeyFileOptions,
  sendersFromFile,
  sshAgentSigner,
  type SshAgentOptions,
} from './keys/senders';
export type {
  Credential,
  Identity,
  IdentityInput,
  KeyInput,
  DecryptOptions,
  Recipient,
  PassphraseStrength,
  RecipientInput,
  EncryptOptions,
  SenderOptions,
  UnlockOptions,
  SlotType,
} from './keys/types';
export { ProviderError, type ProviderErrorCode } from './providers/provider-error';
export type { KeyProvider, UnwrapRequest, WrapRequest } from './providers/providers';
export { httpSource, type HttpSourceOptions } from './sources/http-source';
export { SourceError, type SourceErrorCode } from './sources/source-error';
export type { RandomAccessInput, RandomAccessSource, SourceInput } from './sources/sources';
export type { ByteChunks } from './streams/byte-source';
export { decryptChunks, encryptChunks } from './streams/chunks';
export {
  createDecryptStream,
  createEncryptStream,
  type DecryptStream,
  type EncryptStream,
} from './streams/node';
export { DecryptionStream, EncryptionStream } from './streams/web';
export type {
  ByteRange,
  Damage,
  DamageDecision,
  DamageMap,
  LostRange,
  OpenedBy,
  PassphraseParameters,
  SettledDamage,
  DecryptReport,
  FileMetadata,
  DigestName,
  EncryptReport,
  HealReport,
  OperationProgress,
  ReportWarning,
  RewrapReport,
  SealErrorCode,
  SealFailure,
  SlotInfo,
  StreamInfo,
  StreamSender,
  VerifyProblem,
} from '../native/binding';

// Replacing a function would change it for everything in the process, so exports are fixed in CommonJS as in ES modules. Tests replace the
// module instead, such as by `mock.module`.
Object.freeze(module.exports);
