/**
 * Authenticated encryption of files and bytes, segment by segment and in parallel.
 *
 * Start at {@link encryptFile} and {@link decryptFile}; {@link encrypt} and {@link decrypt} are for bytes in memory, and
 * {@link open} reads at any place.
 *
 * @packageDocumentation
 */

export { decrypt, encrypt } from './api/buffers';
export {
  type Credential,
  hybrid,
  type Identity,
  passphrase,
  provider,
  type Recipient,
  secretKey,
  type SlotType,
  type Strength,
  x25519,
} from './keys/credentials';
export { damagePage } from './damage-page/page';
export type {
  DamageEvent,
  OperationEvent,
  OperationIdentity,
  OperationName,
  SegmentEvent,
} from './internal/diagnostics';
export { FloeError, SealError } from './api/errors';
export {
  decryptFile,
  type DetachedSealReport,
  encryptFile,
  type HeaderApart,
  type HeaderOption,
} from './api/files';
export { floe, type Floe } from './api/floe';
export {
  attachHeader,
  type DetachedHeader,
  detachHeader,
  exportHeader,
  type HeaderFileOptions,
  type HeaderTarget,
} from './api/header';
export { heal, type HealOptions } from './api/heal';
export { httpSource, type HttpHeaders, type HttpSourceOptions } from './sources/http-source';
export { ciphertextSize, inspect } from './api/inspect';
export { KeyPair, type KeyPairType } from './keys/key-pair';
export { generateKey, SecretKey } from './keys/secret-key';
export { ProviderError, type ProviderErrorCode, type ProviderOperation } from './providers/provider-error';
export type { KeyContext, KeyProvider } from './providers/providers';
export {
  open,
  type ReaderOptions,
  type ReaderSettings,
  type ReadOptions,
  type ReadStreamOptions,
  SealedReader,
} from './api/reader';
export {
  type PlacedSlot,
  rewrap,
  type RewrapChange,
  type RewrapOptions,
  type RewrapReport,
  type SlotSelector,
} from './api/rewrap';
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
  type SalvageChoices,
  type SalvageOptions,
  type SalvageOutcome,
  type SalvageRecovered,
} from './api/salvage';
export { decryptSegments } from './api/segments';
export { SourceError, type SourceErrorCode } from './sources/source-error';
export type { RandomAccessInput, RandomAccessSource, SourceInput } from './sources/sources';
export { type Chunks, decryptChunks, encryptChunks } from './streams/chunks';
export {
  createDecryptStream,
  createEncryptStream,
  type DecryptStream,
  type EncryptStream,
} from './streams/node';
export { DecryptionStream, EncryptionStream } from './streams/web';
export { decryptSync, encryptSync } from './api/sync';
export { verify, type Verification, type VerifyOptions } from './api/verify';
export { generatePassphrase } from './keys/passphrase-generator';
export type {
  ByteRange,
  ByWhat,
  Damage,
  DamageDecision,
  DamageHandler,
  DamageOptions,
  DamagePolicy,
  DigestName,
  FileOptions,
  FloeOptions,
  ForWhom,
  KeyInput,
  NodeStreamOptions,
  Opened,
  OpenedBy,
  OpeningOptions,
  OpenOptions,
  OpenReport,
  OperationOptions,
  ProgressEvent,
  Report,
  ResumeReport,
  SealingOptions,
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
} from './internal/types';
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
  PassphraseStrength,
  Problem,
  SealErrorCode,
  SealFailure,
  SegmentDone,
  SegmentReason,
  SegmentWorkerError,
  SizeRelation,
} from '../native/binding';
