/**
 * Authenticated encryption of files and bytes, segment by segment and in parallel.
 *
 * Start at {@link encryptFile} and {@link decryptFile}; {@link encrypt} and {@link decrypt} are for bytes in memory.
 *
 * @packageDocumentation
 */

export { decrypt, encrypt } from './buffers';
export { FloeError, SealError } from './errors';
export { decryptFile, encryptFile } from './files';
export { floe, type Floe } from './floe';
export { ciphertextSize, inspect } from './inspect';
export { generateKey, SecretKey } from './keys';
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
  ResumeReport,
  SealOptions,
  SealReport,
  SlotInfo,
  Stages,
  StartedOver,
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
