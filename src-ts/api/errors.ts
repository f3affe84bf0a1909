// The errors of sealing and opening.

import type {
  FloeError as FloeFailure,
  FloeErrorCode,
  SealErrorCode,
  SealFailure,
} from '../../native/binding';

/**
 * Thrown when sealing or opening a stream fails.
 *
 * `failure` is a union discriminated by `kind`. It nests as the engine's error enums nest, so a `switch` over it can be
 * exhaustive. `code` names the innermost failure that matters.
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
  /** A stable name for the failure, such as `ERR_SEAL_DIGEST_MISMATCH`. */
  readonly code: SealErrorCode;
  /** What failed, where, and with which values. */
  readonly failure: SealFailure;
  /** Whether the failure concerns one segment, or the stream's end, so that the rest of the stream may be intact. */
  readonly isDamage: boolean;

  /** @internal */
  constructor(message: string, code: SealErrorCode, failure: SealFailure, isDamage = false) {
    super(message);
    this.code = code;
    this.failure = failure;
    this.isDamage = isDamage;
  }
}

/**
 * Thrown when sealing or opening a FLOE message fails. Read `failure` as that of a {@link SealError}.
 *
 * @example
 * try {
 *   floe.open(message, { key });
 * } catch (error) {
 *   if (error instanceof FloeError && error.code === 'ERR_FLOE_HEADER_TAG') console.error('another key, or changed');
 * }
 */
export class FloeError extends Error {
  override readonly name = 'FloeError';
  /** A stable name for the failure, such as `ERR_FLOE_HEADER_TAG`. */
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
