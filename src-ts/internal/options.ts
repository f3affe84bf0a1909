// Checks what callers choose, and puts it as the addon takes it. Every error names the option.

import { fileURLToPath } from 'node:url';

import type {
  DigestName,
  HealSettings,
  OpenSettings,
  PlacementSettings,
  SealSettings,
  SlotTypeName,
} from '../../native/binding';
import { bare } from './null-prototype';
import { native } from './binding';
import { fixedBytes, isBytes } from './bytes';
import { rangeError, typeError, unknownOption } from '../api/errors';
import type { FileOptions, OpeningOptions, SealingOptions } from './types';

/** @internal */
export function sealSettings(options: SealingOptions, rewrappable = false): SealSettings {
  const { context, frameSize, segmentSize, digest } = options;
  const settings = bare<Partial<SealSettings>>({});
  if (context !== undefined) settings.context = checkedContext(context);
  if (frameSize !== undefined) {
    settings.frameSize = checkedInteger('frameSize', frameSize, limits.minFrameSize, limits.maxFrameSize);
  }
  if (segmentSize !== undefined) {
    settings.segmentSize = checkedSegmentSize(segmentSize, settings.frameSize ?? limits.defaultFrameSize);
  }
  if (digest !== undefined) settings.digest = checkedDigest(digest);
  if (rewrappable) settings.rewrappable = true;
  return settings;
}

/** @internal */
export function openSettings(options: OpeningOptions): OpenSettings {
  const { context, maxSegmentSize, acceptSlots, maxPassphraseCost } = options;
  const settings = bare<Partial<OpenSettings>>({});
  if (context !== undefined) settings.context = checkedContext(context);
  if (maxSegmentSize !== undefined) {
    settings.maxSegmentSize = checkedMaxSegmentSize(maxSegmentSize);
  }
  if (acceptSlots !== undefined) settings.acceptSlots = checkedSlotTypes(acceptSlots);
  if (maxPassphraseCost !== undefined) {
    settings.maxPassphraseCost = checkedInteger(
      'maxPassphraseCost',
      maxPassphraseCost,
      0,
      Number.MAX_SAFE_INTEGER,
    );
  }
  return settings;
}

/** @internal */
export function healSettings({ maxSegmentSize }: Pick<OpeningOptions, 'maxSegmentSize'>): HealSettings {
  const settings = bare<Partial<HealSettings>>({});
  if (maxSegmentSize !== undefined) settings.maxSegmentSize = checkedMaxSegmentSize(maxSegmentSize);
  return settings;
}

/** @internal */
export function placementSettings(options: FileOptions): PlacementSettings {
  const settings = Object.assign(bare<Partial<PlacementSettings>>({}), {
    overwrite: checkedBoolean('overwrite', options.overwrite, false),
    flush: checkedBoolean('flush', options.flush, true),
    resume: checkedBoolean('resume', options.resume, false),
  });
  if (options.resumeSecret !== undefined) settings.resumeSecret = checkedSecret(options.resumeSecret);
  return settings;
}

/**
 * Refuses names that no function has: a misspelt `context` would leave out what the caller counts on. Names of other
 * functions pass, so that one object can serve to seal and to open.
 *
 * @internal
 */
export function checkedOptions<T extends object>(options: T, known: ReadonlySet<string> = KNOWN): T {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw typeError('options', 'an object', given);
  for (const name of Object.keys(given)) {
    if (!known.has(name)) throw unknownOption(name);
  }
  return options;
}

/** @internal */
export function checkedPath(name: string, path: unknown): string {
  const text = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof text !== 'string') throw typeError(name, 'a string or a file: URL', path);
  if (text === '') throw rangeError(name, 'must not be empty');
  if (text.includes('\0')) throw rangeError(name, 'must not contain null bytes');
  return text;
}

/** @internal */
export function checkedString(name: string, value: unknown): string {
  if (typeof value !== 'string') throw typeError(name, 'a string', value);
  return value;
}

/** @internal */
export function checkedBoolean(name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault;
  if (typeof value !== 'boolean') throw typeError(name, 'a boolean', value);
  return value;
}

/** @internal */
export function checkedInteger(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw typeError(name, 'a number', value);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw rangeError(name, `must be an integer from ${least} to ${most}, not ${value}`);
  }
  return value;
}

/** UTF-8 has no half of a surrogate pair: every one becomes U+FFFD, and different texts would become one. @internal */
export function checkedText(name: string, text: string): string {
  if (/\p{Surrogate}/u.test(text)) {
    throw typeError(name, 'well-formed Unicode', text, 'a string with a lone surrogate');
  }
  return text;
}

/** @internal */
export function checkedKeyId(name: string, keyId: unknown): string {
  const text = checkedText(name, checkedString(name, keyId));
  if (Buffer.byteLength(text) > limits.maxKeyId) {
    throw rangeError(name, `must have at most ${limits.maxKeyId} bytes of UTF-8`);
  }
  return text;
}

function checkedContext(context: unknown): Uint8Array {
  const bytes = typeof context === 'string' ? Buffer.from(checkedText('context', context)) : context;
  if (!isBytes(bytes)) throw typeError('context', 'a Uint8Array or a string', context);
  if (bytes.length > limits.maxContext) {
    throw rangeError('context', `must have at most ${limits.maxContext} bytes, not ${bytes.length}`);
  }
  // A copy, since the operation may begin later.
  return Buffer.from(fixedBytes('context', bytes));
}

function checkedSecret(secret: unknown): Uint8Array {
  const bytes = Uint8Array.from(fixedBytes('resumeSecret', secret));
  if (bytes.length !== RESUME_SECRET_SIZE) {
    throw rangeError('resumeSecret', `must have ${RESUME_SECRET_SIZE} bytes, not ${bytes.length}`);
  }
  return bytes;
}

function checkedSegmentSize(segmentSize: unknown, frameSize: number): number {
  const checked = checkedInteger('segmentSize', segmentSize, frameSize, limits.maxSegmentSize);
  if (checked % frameSize !== 0) {
    throw rangeError('segmentSize', `must be a multiple of frameSize, ${frameSize}, not ${checked}`);
  }
  return checked;
}

function checkedMaxSegmentSize(maxSegmentSize: unknown): number {
  return checkedInteger('maxSegmentSize', maxSegmentSize, 1, limits.maxSegmentSize);
}

function checkedSlotTypes(types: unknown): SlotTypeName[] {
  if (!Array.isArray(types)) throw typeError('acceptSlots', 'an array', types);
  if (types.length === 0) throw rangeError('acceptSlots', 'must name a type of slots');
  return Array.from(types, (type: unknown) => checkedSlotType('acceptSlots', type));
}

/** @internal */
export function checkedSlotType(name: string, type: unknown): SlotTypeName {
  const word = checkedString(name, type);
  const found = SLOT_TYPES.find((candidate) => candidate === word);
  if (found !== undefined) return found;
  throw rangeError(name, `must be some of ${SLOT_TYPES.join(', ')}`);
}

function checkedDigest(digest: unknown): DigestName {
  const name = checkedString('digest', digest);
  if (!Object.hasOwn(DIGESTS, name)) {
    throw rangeError('digest', `must be one of ${Object.keys(DIGESTS).join(', ')}`);
  }
  return name as DigestName;
}

/** What the format and the engine allow. @internal */
export const limits = native.limits();
const RESUME_SECRET_SIZE = 32;

/** Every option of every function but those of `floe`. */
const KNOWN: ReadonlySet<string> = new Set([
  'acceptSlots',
  'add',
  'allowReadable',
  'cacheSize',
  'concurrency',
  'context',
  'digest',
  'flush',
  'frameSize',
  'header',
  'headerTo',
  'highWaterMark',
  'identities',
  'key',
  'keyId',
  'kind',
  'lost',
  'maxBytesPerSecond',
  'maxPassphraseCost',
  'maxSegmentSize',
  'onDamage',
  'onProgress',
  'overwrite',
  'readableHighWaterMark',
  'recipients',
  'remove',
  'replace',
  'resume',
  'resumeSecret',
  'sample',
  'seed',
  'segmentSize',
  'signal',
  'threads',
  'writableHighWaterMark',
]);

/** Every type of slots that can be named. @internal */
export const SLOT_TYPES: readonly SlotTypeName[] = Object.keys({
  key: true,
  passphrase: true,
  x25519: true,
  hybrid: true,
  provider: true,
} satisfies Record<SlotTypeName, true>) as SlotTypeName[];

/** An object, so that the compiler sees that none is missing. */
const DIGESTS: Readonly<Record<DigestName, true>> = {
  none: true,
  'crc64-nvme': true,
  sha256: true,
  sha512: true,
  blake3: true,
};
