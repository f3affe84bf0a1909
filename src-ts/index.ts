/**
 * Authenticated encryption of files and bytes, segment by segment and in parallel.
 *
 * Start at {@link encryptFile} and {@link decryptFile}; {@link encrypt} and {@link decrypt} are for bytes in memory.
 *
 * @packageDocumentation
 */

export { decrypt, encrypt } from './buffers';
export { damagePage } from './damage-page';
export { FloeError, SealError } from './errors';
export { decryptFile, encryptFile } from './files';
export { floe, type Floe } from './floe';
export { ciphertextSize, inspect } from './inspect';
export { generateKey, SecretKey } from './keys';
export {
  salvage,
  type ByteRange,
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
export { decryptSync, encryptSync } from './sync';
export type {
  DigestName,
  FileOptions,
  FloeOptions,
  KeyInput,
  Opened,
  OpenedBy,
  OpenOptions,
  OpenReport,
  OperationOptions,
  ProgressEvent,
  Report,
  SealOptions,
  SealReport,
  SlotInfo,
  Stages,
  StreamInfo,
} from './types';
export type {
  CryptoError,
  EndDisagreement,
  EndPart,
  FileKind,
  FloeError as FloeFailure,
  FloeErrorCode,
  FrameError,
  FrameWorkerError,
  HeaderField,
  IoOperation,
  Limit,
  SealErrorCode,
  SealFailure,
  SegmentReason,
  SegmentWorkerError,
  SizeRelation,
} from '../native/binding';
