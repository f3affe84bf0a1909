// Checks values of options and arguments. Every error names the option. option-tables.ts says which function has which option.

import { types } from 'node:util';
import { fileURLToPath } from 'node:url';

import type { DigestName, OperationProgress, SlotType } from '../../native/binding';
import { abortSignal } from './abort';
import { limits } from './binding';
import { copiedBytes, isBytes, secretBytes, sizeOf } from './bytes';
import { nullPrototype } from './null-prototype';
import { rangeError, typeError } from './errors';
import type { DamagePolicy } from '../api/types';

/** Checks the value of the option `name`, and returns it as the engine takes it. */
export type Check<T> = (name: string, value: unknown) => T;

/** The options of one function: the check of each. */
export type Table = Readonly<Record<string, Check<unknown>>>;

/** Options that were checked. They have no prototype. */
export type Checked<T extends Table> = { [Name in keyof T]?: ReturnType<T[Name]> };

/**
 * Reads the own properties of `given`, each once, and checks them by `table`. What a program put on a prototype is not read, and a
 * value that is `undefined` is as good as absent.
 *
 * @param argument The argument's name.
 * @param unknown Makes the error for a name that is not in the table.
 */
export function ownOptions<T extends Table>(
  argument: string,
  given: unknown,
  table: T,
  unknown: (name: string) => Error,
): Checked<T> {
  if (typeof given !== 'object' || given === null) throw typeError(argument, 'an object', given);
  const values = nullPrototype<Record<string, unknown>>({});
  for (const name of Object.keys(given)) {
    const value = (given as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    if (!Object.hasOwn(table, name)) throw unknown(name);
    values[name] = value;
  }
  const result = nullPrototype<Record<string, unknown>>({});
  for (const [name, check] of Object.entries(table)) {
    const value = values[name];
    if (value !== undefined) result[name] = check(name, value);
  }
  return result as Checked<T>;
}

/** Takes some of the options that were checked. */
export function picked<T extends object, Name extends keyof T>(options: T, ...names: Name[]): Pick<T, Name> {
  const result = nullPrototype<Partial<T>>({});
  for (const name of names) if (options[name] !== undefined) result[name] = options[name];
  return result as Pick<T, Name>;
}

/** Takes a value as it is: who uses it checks it. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a table says what it expects
export function anything<T>(_: string, value: unknown): T {
  return value as T;
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
  return names.every((name) => typeof member(value, name) === 'function');
}

/**
 * A property of an object of the caller's: its own or its class's, but not one that a program put on `Object.prototype`, of any realm.
 */
export function member(object: object, name: string): unknown {
  let holder: object | null = object;
  while (holder !== null && !Object.hasOwn(holder, name))
    holder = Object.getPrototypeOf(holder) as object | null;
  const isEverywhere = holder !== object && holder !== null && Object.getPrototypeOf(holder) === null;
  // A proxy answers for itself.
  if (holder === null ? !types.isProxy(object) : isEverywhere) return undefined;
  return (object as Readonly<Record<string, unknown>>)[name];
}

export function integer(least: number, most: number): Check<number> {
  return (name, value) => {
    const given = number(name, value);
    if (Number.isInteger(given) && given >= least && given <= most) return given;
    throw rangeError(name, `must be an integer from ${least} to ${most}, not ${given}`);
  };
}

/** A count of bytes, or a position among them. */
export const byteCount: Check<number> = integer(0, Number.MAX_SAFE_INTEGER);

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

export const contextBytes: Check<Uint8Array> = (name, value) => {
  if (typeof value === 'string') return Buffer.from(text(0, limits.maxContext)(name, value));
  if (!isBytes(value)) throw typeError(name, 'a Uint8Array or a string', value);
  const size = sizeOf(value);
  if (size <= limits.maxContext) return copiedBytes(name, value);
  throw rangeError(name, `must have at most ${limits.maxContext} bytes, not ${size}`);
};

export const resumeSecret: Check<Uint8Array> = (name, value) => copiedBytes(name, secretBytes(name, value));

const number: Check<number> = (name, value) => {
  if (typeof value !== 'number') throw typeError(name, 'a number', value);
  return value;
};

export const share: Check<number> = (name, value) => {
  const given = number(name, value);
  if (given > 0 && given <= 1) return given;
  throw rangeError(name, `must be more than 0 and at most 1, not ${given}`);
};

export const damagePolicy: Check<DamagePolicy> = (name, value) => {
  if (typeof value === 'function') return value as DamagePolicy;
  if (typeof value !== 'string') throw typeError(name, 'a string or a function', value);
  if (value === 'abort' || value === 'skip' || value === 'zero') return value;
  throw rangeError(name, "must be 'abort', 'skip', 'zero' or a function");
};

/** Every type of key slots. An object, so that the compiler reports a missing one. */
export const SLOT_TYPES: readonly SlotType[] = Object.keys({
  key: true,
  passphrase: true,
  x25519: true,
  hybrid: true,
  provider: true,
} satisfies Record<SlotType, true>) as SlotType[];
export const slotType: Check<SlotType> = oneOf(SLOT_TYPES);

export const digest: Check<DigestName> = oneOf(
  Object.keys({
    none: true,
    'crc64-nvme': true,
    sha256: true,
    sha512: true,
    blake3: true,
  } satisfies Record<DigestName, true>) as DigestName[],
);

export const progressListener = callback as Check<(progress: OperationProgress) => void>;

export { abortSignal };
