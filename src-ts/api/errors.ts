// What fails and how it is told: typed failures from the engine, and TypeError or RangeError for wrong arguments.

import type { FloeError as FloeFailure, FloeErrorCode, SealErrorCode, SealFailure } from '../../native/binding';

/**
 * Why a stream was not sealed or opened.
 *
 * `failure` is a union that is discriminated by `kind`, nested as the engine's own enums nest; a `switch` over it can be
 * exhaustive. `code` names the innermost failure of interest in one word.
 *
 * @example
 * try {
 *   await decryptFile('a.seal', 'a', { key });
 * } catch (error) {
 *   if (error instanceof SealError && error.failure.kind === 'Segment') console.error(error.failure.error.segment);
 * }
 */
export class SealError extends Error {
  override readonly name = 'SealError';
  /** The failure in one word, such as `ERR_SEAL_DIGEST_MISMATCH`. Stable. */
  readonly code: SealErrorCode;
  /** What failed, where, and with which values. */
  readonly failure: SealFailure;
  /** Whether it concerns one segment, or the end, so that the rest of the stream may be sound. */
  readonly isDamage: boolean;

  /** @internal */
  constructor(message: string, code: SealErrorCode, failure: SealFailure, isDamage = false) {
    super(message);
    this.code = code;
    this.failure = failure;
    this.isDamage = isDamage;
  }
}

/** Why a FLOE message was not sealed or opened; see {@link SealError} for how to read it. */
export class FloeError extends Error {
  override readonly name = 'FloeError';
  /** The failure in one word, such as `ERR_FLOE_HEADER_TAG`. Stable. */
  readonly code: FloeErrorCode;
  /** What failed, where, and with which values. */
  readonly failure: FloeFailure;

  /** @internal */
  constructor(message: string, code: FloeErrorCode, failure: FloeFailure) {
    super(message);
    this.code = code;
    this.failure = failure;
  }
}

/** The addon's error as the package's own class, with a stack that leads to the caller. @internal */
export function translated(error: unknown): unknown {
  if (!(error instanceof Error) || !('failure' in error) || !('code' in error)) return error;
  const { message, code, failure, isDamage } = error as Error & Record<string, unknown>;
  return String(code).startsWith('ERR_FLOE_')
    ? new FloeError(message, code as FloeErrorCode, failure as FloeFailure)
    : new SealError(message, code as SealErrorCode, failure as SealFailure, isDamage === true);
}

/** Calls the addon, and throws what it throws as the package's own errors. @internal */
export function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw translated(error);
  }
}

/** An option that no function has. @internal */
export function unknownOption(name: string): TypeError {
  const error = new TypeError(`there is no option ${JSON.stringify(name)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** Something that was used after it was disposed of. @internal */
export function disposedOf(name: string): TypeError {
  return Object.assign(new TypeError(`${name} was disposed of`), { code: 'ERR_INVALID_STATE' });
}

/** An argument of a wrong type. Its value is described, never shown: it may be a key. @internal */
export function typeError(
  name: string,
  expected: string,
  value: unknown,
  found = described(value),
): TypeError {
  const error = new TypeError(`${name} must be ${expected}, not ${found}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** An argument of the right type with a value that is not allowed. @internal */
export function rangeError(name: string, problem: string): RangeError {
  return Object.assign(new RangeError(`${name} ${problem}`), { code: 'ERR_OUT_OF_RANGE' });
}

function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== ''
    ? `an instance of ${constructor.name}`
    : 'an object';
}
