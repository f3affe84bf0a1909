/**
 * Authenticated encryption of files and bytes, in segments that are processed in parallel.
 *
 * Start with {@link encryptFile} and {@link decryptFile}. {@link encrypt} and {@link decrypt} work on bytes in memory, and
 * {@link open} reads at any offset.
 *
 * @packageDocumentation
 */

export * from './api/buffers';
export * from './api/errors';
export * from './api/files';
export * from './api/floe';
export * from './api/header';
export * from './api/heal';
export * from './api/inspect';
export * from './api/reader';
export * from './api/rewrap';
export * from './api/salvage';
export * from './api/segments';
export * from './api/sync';
export type * from './api/types';
export * from './api/verify';
export { damagePage } from './damage-page/page';
export type {
  DamageEvent,
  OperationEvent,
  OperationIdentity,
  OperationName,
  SegmentEvent,
} from './internal/diagnostics';
export { passphrase, provider, publicKey, secretKey } from './keys/credentials';
export * from './keys/key-pair';
export { generatePassphrase } from './keys/passphrase-generator';
export * from './keys/secret-key';
export type * from './keys/types';
export { ProviderError, type ProviderErrorCode, type ProviderOperation } from './providers/provider-error';
export type { KeyContext, KeyProvider } from './providers/providers';
export * from './sources/http-source';
export { SourceError, type SourceErrorCode } from './sources/source-error';
export type { RandomAccessInput, RandomAccessSource, SourceInput } from './sources/sources';
export * from './streams/chunks';
export * from './streams/node';
export { DecryptionStream, EncryptionStream } from './streams/web';
export type {
  ByteRange,
  ConflictResolution,
  CopyReport,
  CryptoError,
  Damage,
  DamageMap,
  DecryptReport,
  DigestName,
  EncryptReport,
  EndDisagreement,
  EndPart,
  FileKind,
  FloeError as FloeFailure,
  FloeErrorCode,
  FrameError,
  FrameWorkerError,
  HeaderField,
  HeaderOrigin,
  HealedRun,
  HealReport,
  InternalError,
  IoOperation,
  KeyFileReason,
  LimitName,
  LookAlike,
  LossCause,
  LostRange,
  OpenedBy,
  OperationStats,
  PassphraseStrength,
  RepairStats,
  ResumeReport,
  RewrapReport,
  SalvageConflict,
  SalvagedEnd,
  SalvagedHeader,
  SalvageOutcome,
  SalvageRecovered,
  SealErrorCode,
  SealFailure,
  SegmentDone,
  SegmentReason,
  SegmentWorkerError,
  SettledDamage,
  SizeRelation,
  SlotInfo,
  StageTimes,
  StartedOver,
  StreamInfo,
  VerifyProblem,
  Warning,
} from '../native/binding';
