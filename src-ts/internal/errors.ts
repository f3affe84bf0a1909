// Makes the errors that callers see: the addon's failures as the package's classes, and errors for wrong arguments.

import { types } from 'node:util';

import type {
  FloeError as FloeFailure,
  FloeErrorCode,
  SealErrorCode,
  SealFailure,
} from '../../native/binding';
import { FloeError, SealError, SealstreamError } from '../api/errors';
import { systemError } from './system-error';

/** Turns an error of the addon into the package's own class, with a stack that leads to the caller. */
export function publicError(error: unknown): unknown {
  // Own properties: a program may have put the names on Object.prototype.
  if (!isError(error) || !Object.hasOwn(error, 'failure') || !Object.hasOwn(error, 'code')) return error;
  if (error instanceof SealstreamError) return error;
  const { message, code, failure, isDamage } = error as Error & Record<string, unknown>;
  if (String(code).startsWith('ERR_FLOE_')) {
    return new FloeError(message, code as FloeErrorCode, failure as FloeFailure);
  }
  const seal = failure as SealFailure;
  const cause = seal.kind === 'Io' ? systemError(seal) : undefined;
  return new SealError(message, code as SealErrorCode, seal, { isDamage: isDamage === true, cause });
}

/** Whether `value` is an error, of this realm or another. */
export function isError(value: unknown): value is Error {
  // A DOMException is no native error.
  return value instanceof Error || types.isNativeError(value);
}

/** Calls the addon. Throws what the addon throws as the package's own classes. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw publicError(error);
  }
}

/** Awaits a promise of the addon. Rejects with the package's own classes. */
export async function awaitNative<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw publicError(error);
  }
}

/** A secret that was used after it was disposed of. */
export function disposedError(name: string): TypeError {
  const error = new TypeError(`${name} was disposed of`);
  return Object.assign(error, { code: 'ERR_INVALID_STATE', option: optionOf(name) });
}

/** An argument of the wrong type. The message describes the value and never shows it: it may be a key. */
export function typeError(
  name: string,
  expected: string,
  value: unknown,
  found: string = describe(value),
): TypeError {
  const error = new TypeError(`${name} must be ${expected}, not ${found}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE', option: optionOf(name) });
}

/** An argument of the right type with a value that is not allowed. */
export function rangeError(name: string, problem: string): RangeError {
  return Object.assign(new RangeError(`${name} ${problem}`), {
    code: 'ERR_OUT_OF_RANGE',
    option: optionOf(name),
  });
}

/** Calls the addon, whose error says what is wrong with the argument `name`. */
export function withName<T>(name: string, call: () => T, prefix = ''): T {
  try {
    return call();
  } catch (error) {
    throw rangeError(name, prefix + (isError(error) ? error.message : String(error)));
  }
}

/** The name of the argument: `recipients` for `recipients[1]`. */
function optionOf(name: string): string {
  return /^\w+(?=[^\w ])/.exec(name)?.[0] ?? name;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== ''
    ? `an instance of ${constructor.name}`
    : 'an object';
}
