// Checks the options of every function, and converts them to what the addon takes. Every error names the option.
//
// A new option needs a line in one of the tables below and a field in its type in api/. A table maps a name to the check of its
// value; names are refused that are in no table.

import { fileURLToPath } from 'node:url';

import type {
  DigestName,
  OpenSettings,
  PlacementSettings,
  SealSettings,
  SlotType,
  OperationProgress,
} from '../../native/binding';
import { abortSignal } from './abort';
import { limits, nullPrototype } from './binding';
import { fixedBytes, isBytes, secretBytes } from './bytes';
import { rangeError, typeError, unknownOption } from './errors';
import type { DamagePolicy, FileOptions, DecryptSettings, EncryptSettings } from '../api/types';

/** Checks the value of the option `name`, and returns it as the engine takes it. */
export type Check<T> = (name: string, value: unknown) => T;

/** The options of one kind. */
export type Table = Readonly<Record<string, Check<unknown>>>;

/** What {@link checked} returns: the options that were given. */
export type Checked<T extends Table> = { [Name in keyof T]?: ReturnType<T[Name]> };

/** Checks the options of a table and returns those that were given, without a prototype. */
export function checked<T extends Table>(options: object, table: T): Checked<T> {
  const given = options as Readonly<Record<string, unknown>>;
  const result = nullPrototype<Record<string, unknown>>({});
  // Object.keys skips what a program put on Object.prototype.
  for (const name of Object.keys(table)) {
    const value = given[name];
    if (value !== undefined) result[name] = table[name]?.(name, value);
  }
  return result as Checked<T>;
}

/**
 * Refuses names that no function has: with a misspelt `context` a stream would not be bound to what the caller counts on. Names of
 * other functions pass, so that one object can serve to seal and to open.
 */
export function knownOptions<T extends object>(options: T, known: object = KNOWN): T {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw typeError('options', 'an object', given);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(known, name)) throw unknownOption(name);
  }
  return options;
}

/** Checks the options of a function that has a table of its own. */
export function ownOptions<T extends Table>(options: object, table: T): Checked<T> {
  return checked(knownOptions(options, table), table);
}

export function sealSettings(options: EncryptSettings, rewrappable = false): SealSettings {
  const settings: SealSettings = checked(knownOptions(options), SEALING);
  const { segmentSize, frameSize = limits.defaultFrameSize } = settings;
  if (segmentSize !== undefined && (segmentSize < frameSize || segmentSize % frameSize !== 0)) {
    throw rangeError('segmentSize', `must be a multiple of frameSize, ${frameSize}, not ${segmentSize}`);
  }
  if (rewrappable) settings.rewrappable = true;
  return settings;
}

export function openSettings(options: DecryptSettings): OpenSettings {
  return checked(knownOptions(options), OPENING);
}

export function placementSettings(options: FileOptions): PlacementSettings {
  return Object.assign(
    nullPrototype({ overwrite: false, flush: true, resume: false }),
    checked(options, PLACEMENT),
  );
}

export const boolean: Check<boolean> = (name, value) => {
  if (typeof value !== 'boolean') throw typeError(name, 'a boolean', value);
  return value;
};

export const string: Check<string> = (name, value) => {
  if (typeof value !== 'string') throw typeError(name, 'a string', value);
  return value;
};

export const callback: Check<(...given: never[]) => unknown> = (name, value) => {
  if (typeof value !== 'function') throw typeError(name, 'a function', value);
  return value as (...given: never[]) => unknown;
};

/** Whether `value` is an object with these methods: its shape, since its class may come from another realm. */
export function hasMethods<Name extends string>(
  value: unknown,
  ...names: Name[]
): value is Record<Name, (...given: never[]) => unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Partial<Record<Name, unknown>>)[name] === 'function');
}

export function integer(least: number, most: number): Check<number> {
  return (name, value) => {
    const given = number(name, value);
    if (Number.isInteger(given) && given >= least && given <= most) return given;
    throw rangeError(name, `must be an integer from ${least} to ${most}, not ${given}`);
  };
}

/** A count of bytes, or a position among them. */
export const byteCount = integer(0, Number.MAX_SAFE_INTEGER);

export function oneOf<Name extends string>(names: readonly Name[]): Check<Name> {
  return (name, value) => {
    const given = string(name, value);
    const found = names.find((each) => each === given);
    if (found !== undefined) return found;
    throw rangeError(name, `must be one of ${names.map((each) => `'${each}'`).join(', ')}`);
  };
}

/** A text of a length in UTF-8. UTF-8 has no lone surrogates: each becomes U+FFFD, so that different texts would become one. */
export function text(least: number, most: number): Check<string> {
  return (name, value) => {
    const given = string(name, value);
    if (/\p{Surrogate}/u.test(given)) {
      throw typeError(name, 'well-formed Unicode', given, 'a string with a lone surrogate');
    }
    const size = Buffer.byteLength(given);
    if (size >= least && size <= most) return given;
    const range = least === 0 ? 'at most' : `${least} to`;
    throw rangeError(name, `must have ${range} ${most} bytes of UTF-8, not ${size}`);
  };
}

export const path: Check<string> = (name, value) => {
  const given = value instanceof URL ? fileURLToPath(value) : value;
  if (typeof given !== 'string') throw typeError(name, 'a string or a file: URL', value);
  if (given === '') throw rangeError(name, 'must not be empty');
  if (given.includes('\0')) throw rangeError(name, 'must not contain null bytes');
  return given;
};

/** A list of values, each checked under its own name, such as `key[1]`. */
export function list<T>(name: string, value: unknown, least: number, most: number, check: Check<T>): T[] {
  if (!Array.isArray(value)) throw typeError(name, 'an array', value);
  if (value.length < least || value.length > most) {
    const count = most === Infinity ? 'at least one item' : `${least} to ${most} items`;
    throw rangeError(name, `must have ${count}, not ${value.length}`);
  }
  // Array.from visits holes, and map would skip them.
  return Array.from(value, (item: unknown, index) => check(`${name}[${index}]`, item));
}

/** One value, or a list of them. */
export function oneOrList<T>(name: string, value: unknown, most: number, check: Check<T>): T[] {
  return Array.isArray(value) ? list(name, value, 1, most, check) : [check(name, value)];
}

/** Copies the bytes, since the operation may begin later. */
const bytesCopy: Check<Uint8Array> = (name, value) => Buffer.from(fixedBytes(name, value));

const contextBytes: Check<Uint8Array> = (name, value) => {
  if (typeof value === 'string') return Buffer.from(text(0, limits.maxContext)(name, value));
  if (!isBytes(value)) throw typeError(name, 'a Uint8Array or a string', value);
  if (value.length <= limits.maxContext) return bytesCopy(name, value);
  throw rangeError(name, `must have at most ${limits.maxContext} bytes, not ${value.length}`);
};

// In memory of its own: Node's pool would keep the secret.
const resumeSecret: Check<Uint8Array> = (name, value) => Uint8Array.from(secretBytes(name, value));

const number: Check<number> = (name, value) => {
  if (typeof value !== 'number') throw typeError(name, 'a number', value);
  return value;
};

const share: Check<number> = (name, value) => {
  const given = number(name, value);
  if (given > 0 && given <= 1) return given;
  throw rangeError(name, `must be more than 0 and at most 1, not ${given}`);
};

const damagePolicy: Check<DamagePolicy> = (name, value) => {
  if (typeof value === 'function') return value as DamagePolicy;
  if (typeof value !== 'string') throw typeError(name, 'a string or a function', value);
  if (value === 'abort' || value === 'skip' || value === 'zero') return value;
  throw rangeError(name, "must be 'abort', 'skip', 'zero' or a function");
};

/** Every type of key slots. An object, so that the compiler reports a missing one. */
export const SLOT_TYPES = Object.keys({
  key: true,
  passphrase: true,
  x25519: true,
  hybrid: true,
  provider: true,
} satisfies Record<SlotType, true>) as SlotType[];
export const slotType = oneOf(SLOT_TYPES);

const DIGESTS: Readonly<Record<DigestName, true>> = {
  none: true,
  'crc64-nvme': true,
  sha256: true,
  sha512: true,
  blake3: true,
};

const maxSegmentSize = integer(1, limits.maxSegmentSize);

const SEALING = {
  context: contextBytes,
  frameSize: integer(limits.minFrameSize, limits.maxFrameSize),
  segmentSize: integer(0, limits.maxSegmentSize),
  digest: oneOf(Object.keys(DIGESTS) as DigestName[]),
};
const OPENING = {
  context: contextBytes,
  acceptSlots: (name: string, value: unknown) =>
    list(name, value, 1, Infinity, (_, type) => slotType(name, type)),
  maxPassphraseMemory: byteCount,
  maxPassphraseCost: byteCount,
  maxSegmentSize,
};
const PLACEMENT = { overwrite: boolean, flush: boolean, resume: boolean, resumeSecret, headerTo: path };

export const HEAL = { maxSegmentSize };
export const SEGMENTS = { threads: integer(0, 1024), signal: abortSignal };
export const RUN = { ...SEGMENTS, onProgress: callback as Check<(progress: OperationProgress) => void> };
export const DAMAGE = { onDamage: damagePolicy };
export const DETACHED = { header: bytesCopy };
export const STREAM = { concurrency: integer(1, 1024), signal: abortSignal };
export const QUEUES = {
  highWaterMark: byteCount,
  readableHighWaterMark: byteCount,
  writableHighWaterMark: byteCount,
};
export const READER = { signal: abortSignal, cacheSize: byteCount };
export const VERIFY = {
  sample: share,
  seed: byteCount,
  maxBytesPerSecond: integer(1, Number.MAX_SAFE_INTEGER),
};
export const SALVAGE = { fallbackHeader: fixedBytes, lost: oneOf(['zero', 'skip']) };
export const SIZE = { target: oneOf(['bytes', 'file']) };
export const KEY_FILE = { allowReadable: boolean };
/** The names in modules that check their values themselves. */
const OTHERS = {
  add: 0,
  header: 0,
  identities: 0,
  key: 0,
  keyId: 0,
  mend: 0,
  recipients: 0,
  remove: 0,
  replace: 0,
};
/** The options of all functions without a table of their own. */
const KNOWN = {
  ...{ ...SEALING, ...OPENING, ...PLACEMENT, ...RUN, ...DAMAGE, ...STREAM, ...QUEUES, ...READER },
  ...{ ...VERIFY, ...SALVAGE, ...SIZE, ...KEY_FILE, ...OTHERS },
};
