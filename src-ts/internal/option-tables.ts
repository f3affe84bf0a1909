// Which function has which option, and what checks it.
//
// A new option needs a line in the tables of its functions and a field in their interfaces; the compiler compares the two.

import type { LostBytesName, OpenSettings, PlacementSettings, SealSettings } from '../../native/binding';
import type { DecryptBytesOptions, EncryptBytesOptions } from '../api/buffers';
import type { DecryptFileOptions, EncryptFileDetachedOptions, EncryptFileOptions } from '../api/files';
import type { AttachHeaderOptions, DetachHeaderOptions } from '../api/header';
import type { HealOptions } from '../api/heal';
import type { SealedSizeOptions } from '../api/inspect';
import type { OpenReaderOptions, ReadOptions, ReadStreamOptions } from '../api/reader';
import type { RewrapHeaderOptions, RewrapOptions } from '../api/rewrap';
import type { SalvageOptions } from '../api/salvage';
import type { DecryptSegmentsOptions } from '../api/segments';
import type {
  DecryptStreamOptions,
  EncryptStreamOptions,
  DecryptNodeStreamOptions,
  EncryptNodeStreamOptions,
  SegmentsOptions,
} from '../api/types';
import type { DecryptFileToStreamOptions, EncryptStreamToFileOptions } from '../api/stream-files';
import type { VerifyOptions } from '../api/verify';
import type { ProviderOptions, PassphraseOptions, SecretKeyOptions } from '../keys/credentials';
import type { KeyFileOptions } from '../keys/secret-key';
import type {
  DecryptOptions,
  EncryptOptions,
  FloeOptions,
  IdentityInput,
  KeyInput,
  RecipientInput,
} from '../keys/types';
import { senderArgument, senderText, senderTexts } from '../keys/sender-key';
import type { SenderKeyFileOptions, SshAgentOptions } from '../keys/senders';
import { limits } from './binding';
import { nullPrototype } from './null-prototype';
import { copiedBytes } from './bytes';
import { rangeError } from './errors';
import { nearest } from './nearest';
import {
  abortSignal,
  anything,
  boolean,
  byteCount,
  type Check,
  type Checked,
  contextBytes,
  damagePolicy,
  digest,
  integer,
  list,
  oneOf,
  ownOptions,
  path,
  picked,
  progressListener,
  resumeSecret,
  share,
  slotType,
  text,
} from './options';

type OneOrList<T> = T | readonly T[];

const MAX_THREADS = 1024;
const maxSegmentSize = integer(1, limits.maxSegmentSize);
const signal = { signal: abortSignal };
const run = { threads: integer(1, MAX_THREADS), ...signal, onProgress: progressListener };
const target = { overwrite: boolean, flush: boolean };
const key = anything<KeyInput>;
const recipients = { key, keyId: anything<string>, recipients: anything<OneOrList<RecipientInput>> };
const identities = { key: anything<OneOrList<KeyInput>>, identities: anything<OneOrList<IdentityInput>> };
const sealing = {
  context: contextBytes,
  frameSize: integer(limits.minFrameSize, limits.maxFrameSize),
  segmentSize: integer(0, limits.maxSegmentSize),
  digest,
  headerSize: integer(0, limits.maxHeaderSize),
  headerCopy: boolean,
  senderKey: senderArgument,
  announceSender: boolean,
  ...recipients,
};
const unlocking = {
  context: contextBytes,
  acceptSlots: (name: string, value: unknown) =>
    list(name, value, 1, Infinity, (_, type) => slotType(name, type)),
  maxPassphraseMemory: byteCount,
  maxPassphraseCost: byteCount,
  ...identities,
};
const salvaging = { ...unlocking, maxSegmentSize };
const opening = { ...salvaging, senders: senderTexts };
const damage = { onDamage: damagePolicy, maxOutputSize: byteCount };
const detached = { header: copiedBytes };
const headerTo = { headerTo: path };
const metadata = { metadata: boolean };
const stream = { concurrency: integer(1, MAX_THREADS), ...signal };
const detachHeader = { detachHeader: boolean };
const queues = {
  highWaterMark: byteCount,
  readableHighWaterMark: byteCount,
  writableHighWaterMark: byteCount,
};
const change = {
  add: anything<OneOrList<RecipientInput>>,
  remove: anything<unknown>,
  replace: anything<OneOrList<RecipientInput>>,
};
const message = {
  key,
  aad: copiedBytes,
  // 2^32 - 1 marks a segment that is not the last.
  segmentLength: integer(limits.floeOverhead + 1, 0xffff_fffe),
};
const keyFile = { allowReadable: boolean };

const TABLES = {
  encrypt: { ...sealing, ...run },
  encryptSync: sealing,
  encryptFile: { ...sealing, ...run, ...target, ...metadata, resume: boolean, resumeSecret },
  encryptFileDetached: { ...sealing, ...run, ...target, ...metadata, ...headerTo },
  encryptStreamToFile: { ...sealing, ...stream, ...target },
  createEncryptStream: { ...sealing, ...stream, ...detachHeader, ...queues },
  EncryptionStream: { ...sealing, ...stream, ...detachHeader },
  encryptChunks: { ...sealing, ...stream, ...detachHeader },
  sealedSize: { ...sealing, target: oneOf<'bytes' | 'file'>(['bytes', 'file']) },
  decrypt: { ...opening, ...run },
  decryptSync: opening,
  decryptFile: { ...opening, ...run, ...target, ...metadata, resume: boolean, ...damage, ...detached },
  decryptFileToStream: { ...opening, ...stream, ...damage, ...detached, highWaterMark: byteCount },
  createDecryptStream: { ...opening, ...stream, ...damage, ...detached, ...queues },
  DecryptionStream: { ...opening, ...stream, ...damage, ...detached },
  decryptChunks: { ...opening, ...stream, ...damage, ...detached },
  decryptSegments: { ...opening, ...stream, ...detached },
  openReader: { ...opening, ...signal, ...detached, cacheSize: byteCount },
  'SealedReader.read': signal,
  'SealedReader.createReadStream': { ...signal, start: byteCount, end: lastByte, highWaterMark: byteCount },
  'SealedReader.segments': stream,
  verify: {
    ...opening,
    ...run,
    ...detached,
    sample: share,
    seed: byteCount,
    maxBytesPerSecond: integer(1, Number.MAX_SAFE_INTEGER),
  },
  heal: { ...run, ...target, maxSegmentSize, senders: senderTexts },
  salvage: {
    ...salvaging,
    ...run,
    ...target,
    fallbackHeader: copiedBytes,
    lost: oneOf<LostBytesName>(['zero', 'skip']),
    maxOutputSize: byteCount,
  },
  rewrap: { ...unlocking, ...signal, ...change, mend: boolean, flush: boolean },
  rewrapHeader: { ...unlocking, ...signal, ...change },
  attachHeader: { ...signal, ...target },
  detachHeader: { ...signal, ...target, ...headerTo },
  'floe.encrypt': message,
  'floe.decrypt': message,
  passphrase: { strength: anything<unknown> },
  secretKey: { keyId: text(0, limits.maxKeyId) },
  // Timers have 31 bits; a longer timeout would end at once.
  provider: { timeout: integer(1, 0x7fff_ffff) },
  'SecretKey.fromFile': keyFile,
  'KeyPair.fromFile': keyFile,
  identitiesFromFile: keyFile,
  senderKeyFromFile: { ...keyFile, passphrase: passphraseBytes },
  sshAgentSigner: { publicKey: senderText, timeout: integer(1, 0x7fff_ffff) },
} satisfies { [Name in keyof OptionTypes]: TableOf<OptionTypes[Name]> };

/** The options of each function. */
interface OptionTypes {
  encrypt: EncryptBytesOptions;
  encryptSync: EncryptOptions;
  encryptFile: EncryptFileOptions;
  encryptFileDetached: EncryptFileDetachedOptions;
  encryptStreamToFile: EncryptStreamToFileOptions;
  createEncryptStream: EncryptNodeStreamOptions;
  EncryptionStream: EncryptStreamOptions;
  encryptChunks: EncryptStreamOptions;
  sealedSize: SealedSizeOptions;
  decrypt: DecryptBytesOptions;
  decryptSync: DecryptOptions;
  decryptFile: DecryptFileOptions;
  decryptFileToStream: DecryptFileToStreamOptions;
  createDecryptStream: DecryptNodeStreamOptions;
  DecryptionStream: DecryptStreamOptions;
  decryptChunks: DecryptStreamOptions;
  decryptSegments: DecryptSegmentsOptions;
  openReader: OpenReaderOptions;
  'SealedReader.read': ReadOptions;
  'SealedReader.createReadStream': ReadStreamOptions;
  'SealedReader.segments': SegmentsOptions;
  verify: VerifyOptions;
  heal: HealOptions;
  salvage: SalvageOptions;
  rewrap: RewrapOptions;
  rewrapHeader: RewrapHeaderOptions;
  attachHeader: AttachHeaderOptions;
  detachHeader: DetachHeaderOptions;
  'floe.encrypt': FloeOptions;
  'floe.decrypt': FloeOptions;
  passphrase: PassphraseOptions;
  secretKey: SecretKeyOptions;
  provider: ProviderOptions;
  'SecretKey.fromFile': KeyFileOptions;
  'KeyPair.fromFile': KeyFileOptions;
  identitiesFromFile: KeyFileOptions;
  senderKeyFromFile: SenderKeyFileOptions;
  sshAgentSigner: SshAgentOptions;
}

type TableOf<Options> = { readonly [Name in keyof Options]-?: Check<unknown> };

/**
 * A function with options.
 *
 * @internal
 */
export type FunctionName = keyof typeof TABLES;

/**
 * The options of a function, checked.
 *
 * @internal
 */
export type OptionsOf<Name extends FunctionName> = Checked<(typeof TABLES)[Name]>;

/**
 * Checks the options of a function: its own properties, each read once. A name that the function does not know is refused: with a
 * misspelt `context` a stream would not be bound to what the caller counts on.
 *
 * @throws TypeError or RangeError that names the option.
 *
 * @internal
 */
export function optionsOf<Name extends FunctionName>(name: Name, options: unknown): OptionsOf<Name> {
  return ownOptions('options', options, TABLES[name], (option) =>
    unknownOption(name, option, Object.keys(TABLES[name])),
  );
}

/** Checks the options of a function whose table is beside it, because it is in a module of its own. */
export function optionsBy<T extends Readonly<Record<string, Check<unknown>>>>(
  name: string,
  options: unknown,
  table: T,
  argument = 'options',
): Checked<T> {
  return ownOptions(argument, options, table, (option) => unknownOption(name, option, Object.keys(table)));
}

/**
 * What the engine needs to know to seal.
 *
 * @internal
 */
export function sealSettings(options: OptionsOf<'encryptSync'>, headerCopy = false): SealSettings {
  const settings: SealSettings = Object.assign(
    nullPrototype({ headerCopy }),
    picked(options, 'context', 'frameSize', 'segmentSize', 'digest', 'headerSize', 'headerCopy'),
  );
  const { segmentSize, frameSize = limits.defaultFrameSize } = settings;
  if (segmentSize !== undefined && (segmentSize < frameSize || segmentSize % frameSize !== 0)) {
    throw rangeError('segmentSize', `must be a multiple of frameSize, ${frameSize}, not ${segmentSize}`);
  }
  const { senderKey, announceSender } = options;
  if (senderKey !== undefined) settings.sender = senderKey;
  if (announceSender !== undefined) {
    if (senderKey === undefined) throw rangeError('announceSender', 'needs senderKey');
    settings.announceSender = announceSender;
  }
  return settings;
}

/**
 * What the engine needs to know to open.
 *
 * @internal
 */
export function openSettings(options: OptionsOf<'decryptSync'>): OpenSettings {
  return picked(
    options,
    'context',
    'acceptSlots',
    'maxPassphraseMemory',
    'maxPassphraseCost',
    'maxSegmentSize',
    'senders',
  );
}

/**
 * How the engine writes a file.
 *
 * @internal
 */
export function placementSettings(
  options: Pick<OptionsOf<'encryptFile'>, 'overwrite' | 'flush' | 'resume' | 'resumeSecret'> &
    Pick<OptionsOf<'detachHeader'>, 'headerTo'>,
): PlacementSettings {
  return Object.assign(
    nullPrototype({ overwrite: false, flush: true, resume: false }),
    picked(options, 'overwrite', 'flush', 'resume', 'resumeSecret', 'headerTo'),
  );
}

/** The UTF-8 of a passphrase. */
function passphraseBytes(name: string, value: unknown): Uint8Array {
  return typeof value === 'string' ? Buffer.from(text(0, Infinity)(name, value)) : copiedBytes(name, value);
}

/** The last byte of a range, as `fs` has it: `Infinity` for the end. */
function lastByte(name: string, value: unknown): number {
  return value === Infinity ? value : byteCount(name, value);
}

/** An option that the function does not have: says what to give instead, which functions have it, or what was probably meant. */
function unknownOption(name: string, option: string, known: readonly string[]): TypeError {
  const error = new TypeError(`${name} has no option ${JSON.stringify(option)}${advice(option, known)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE', option });
}

function advice(option: string, known: readonly string[]): string {
  for (const [names, instead, text] of INSTEAD) {
    if (names.includes(option) && known.includes(instead)) return `: ${text}`;
  }
  const havers = Object.entries(TABLES).filter(([, table]) => Object.hasOwn(table, option));
  if (havers.length > 0) {
    const [first, more] = [havers.slice(0, NAMED).map(([haver]) => haver), havers.length - NAMED];
    return `: it is one of ${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  }
  const meant = nearest(option, known);
  return meant === undefined ? '' : `: do you mean ${meant}?`;
}

/** Functions that a message names. */
const NAMED = 5;
const SECRETS = ['passphrase', 'password', 'secret'];
/** Names that people try, an option that the function must have for the advice to help, and the advice. */
const INSTEAD: readonly (readonly [names: readonly string[], has: string, advice: string])[] = [
  [SECRETS, 'recipients', 'give recipients: passphrase(text)'],
  [SECRETS, 'identities', 'give identities: passphrase(text)'],
  [['identities', 'identity', 'recipient'], 'recipients', 'to encrypt, give recipients'],
  [['recipients', 'recipient', 'identity'], 'identities', 'to decrypt, give identities'],
  [['header'], 'fallbackHeader', 'give it as fallbackHeader'],
  [['chunkSize'], 'segmentSize', 'give segmentSize or frameSize'],
];
