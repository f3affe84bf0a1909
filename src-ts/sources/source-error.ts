// Failures of sources that are not local files.

import { SealstreamError } from '../api/errors';
import { nullPrototype } from '../internal/null-prototype';
import { brand, isBranded } from '../internal/error-brand';

/** Why a source could not be read. */
export type SourceErrorCode =
  /** The object changed since it was opened: another ETag, another time, another size. */
  | 'ERR_SOURCE_CHANGED'
  /** The server answered with an error; `status` is its number. */
  | 'ERR_SOURCE_STATUS'
  /** The server does not support ranges, or answered with another range. */
  | 'ERR_SOURCE_RANGE'
  /** The bytes arrived compressed, or otherwise encoded. */
  | 'ERR_SOURCE_ENCODING'
  /** There was no connection, or it broke off, in every attempt. */
  | 'ERR_SOURCE_NETWORK';

/**
 * Thrown when an {@link httpSource} cannot be read.
 *
 * Its message names the object by its address without the query, which may hold a signature, and shows no header.
 *
 * @example
 * try {
 *   await openReader(httpSource(url), { key });
 * } catch (error) {
 *   if (SourceError.is(error, 'ERR_SOURCE_STATUS') && error.status === 403) console.error('the address has expired');
 * }
 */
export class SourceError extends SealstreamError {
  override readonly name = 'SourceError';
  /** A stable name for the failure, such as `ERR_SOURCE_CHANGED`. */
  readonly code: SourceErrorCode;
  /** The HTTP status of the answer, if there was one. */
  readonly status?: number;

  /** @internal */
  constructor(message: string, code: SourceErrorCode, details?: { status?: number; cause?: unknown }) {
    const { status, cause } = nullPrototype({ ...details });
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (status !== undefined) this.status = status;
  }

  /**
   * Whether `value` is a SourceError, of this copy of the package or another, from this realm or another.
   *
   * @param value Anything, such as what `catch` caught.
   * @param code Only an error with this code.
   *
   * @example
   * if (SourceError.is(error, 'ERR_SOURCE_CHANGED')) console.error('another object has its place now');
   */
  static override is<Code extends SourceErrorCode>(
    this: void,
    value: unknown,
    code: Code,
  ): value is SourceError & { readonly code: Code };
  static override is(this: void, value: unknown): value is SourceError;
  static override is(this: void, value: unknown, code?: unknown): boolean {
    return isBranded(value, 'SourceError', code);
  }
}

brand(SourceError.prototype, 'SourceError');

/** A network error, with the system's code for it. */
export function networkError(name: string, problem: string, cause?: unknown): SourceError {
  const { code } = ((cause as Error | undefined)?.cause ?? cause ?? {}) as { code?: unknown };
  const suffix = typeof code === 'string' ? ` (${code})` : '';
  return new SourceError(`${name}: ${problem}${suffix}`, 'ERR_SOURCE_NETWORK', { cause });
}
