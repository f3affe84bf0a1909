/**
 * Authenticated encryption of files and bytes, segment by segment and in parallel.
 *
 * Start at {@link encryptFile} and {@link decryptFile}; {@link encrypt} and {@link decrypt} are for bytes in memory, and
 * {@link open} reads at any place.
 *
 * @packageDocumentation
 */

export { decrypt, encrypt } from './buffers';
export { damagePage } from './damage-page';
export type {
  DamageEvent,
  OperationEvent,
  OperationIdentity,
  OperationName,
  SegmentEvent,
} from './diagnostics';
export { FloeError, SealError } from './errors';
export { decryptFile, encryptFile } from './files';
export { floe, type Floe } from './floe';
export { exportHeader } from './header';
export { heal, type HealOptions } from './heal';
export { httpSource, type HttpHeaders, type HttpSourceOptions } from './http-source';
export { ciphertextSize, inspect } from './inspect';
export { generateKey, SecretKey } from './keys';
export { open, SealedReader, type ReaderOptions, type ReadOptions, type ReadStreamOptions } from './reader';
export {
  salvage,
  type ConflictKind,
  type DamageMap,
  type HeaderOrigin,
  type LossCause,
  type LostRange,
  type SalvageConflict,
  type SalvagedEnd,
  type SalvagedHeader,
  type SalvageOptions,
  type SalvageOutcome,
  type SalvageRecovered,
} from './salvage';
export { decryptSegments } from './segments';
export { SourceError, type SourceErrorCode } from './source-error';
export type { RandomAccessInput, RandomAccessSource, SourceInput } from './sources';
export { type Chunks, decryptChunks, encryptChunks } from './streams/chunks';
export {
  createDecryptStream,
  createEncryptStream,
  type DecryptStream,
  type EncryptStream,
} from './streams/node';
export { DecryptionStream, EncryptionStream } from './streams/web';
export { decryptSync, encryptSync } from './sync';
export { verify, type Verification, type VerifyOptions } from './verify';
export { generatePassphrase } from './words';
export type {
  ByteRange,
  Damage,
  DamageDecision,
  DamageHandler,
  DamageOptions,
  DamagePolicy,
  DigestName,
  FileOptions,
  FloeOptions,
  KeyInput,
  NodeStreamOptions,
  Opened,
  OpenedBy,
  OpenOptions,
  OpenReport,
  OperationOptions,
  ProgressEvent,
  Report,
  ResumeReport,
  SealOptions,
  SealReport,
  SegmentResult,
  SegmentsOptions,
  SettledDamage,
  SlotInfo,
  Stages,
  StartedOver,
  StreamInfo,
  StreamOptions,
} from './types';
export type {
  CopyReport,
  CryptoError,
  EndDisagreement,
  EndPart,
  FileKind,
  FloeError as FloeFailure,
  FloeErrorCode,
  FrameError,
  FrameWorkerError,
  HeaderField,
  HealedRun,
  HealReport,
  IoOperation,
  Limit,
  Problem,
  SealErrorCode,
  SealFailure,
  SegmentDone,
  SegmentReason,
  SegmentWorkerError,
  SizeRelation,
} from '../native/binding';
