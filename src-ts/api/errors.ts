// The errors of the package.

import type {
  DamageMap,
  FloeError as FloeFailure,
  FloeErrorCode,
  SealErrorCode,
  SealFailure,
  SegmentWorkerError,
} from '../../native/binding';
import { nullPrototype } from '../internal/null-prototype';
import { brand, brandOf, hasCode, isBranded } from '../internal/error-brand';

/**
 * The base of all errors that this package defines: {@link SealError}, {@link FloeError}, `SourceError` and `ProviderError`. Wrong
 * arguments are a TypeError or a RangeError, with the argument's name in `option`; an aborted operation rejects with the signal's
 * reason.
 *
 * @example
 * try {
 *   await decryptFile('a.seal', 'a', { key });
 * } catch (error) {
 *   if (SealstreamError.is(error)) console.error(error.code, error.message);
 *   else throw error;
 * }
 */
export abstract class SealstreamError extends Error {
  /** A stable name for the failure, such as `ERR_SEAL_NO_MATCHING_KEY`. */
  abstract readonly code: string;

  /**
   * Whether `value` is an error of this package, of this copy of it or another, from this realm or another.
   *
   * @param value Anything, such as what `catch` caught.
   * @param code Only an error with this code.
   *
   * @example
   * if (SealstreamError.is(error)) console.error(error.code);
   */
  static is<Code extends string>(
    this: void,
    value: unknown,
    code: Code,
  ): value is SealstreamError & { readonly code: Code };
  static is(this: void, value: unknown): value is SealstreamError;
  static is(this: void, value: unknown, code?: unknown): boolean {
    return brandOf(value) !== undefined && hasCode(value, code);
  }
}

/**
 * Thrown when encrypting, decrypting or any other work on a sealed stream fails.
 *
 * `failure` is a union discriminated by `kind`. It nests as the engine's error enums nest, so a `switch` over it can be
 * exhaustive. `code` names the innermost failure that matters. If the system refused to read or write, `cause` is the error as Node
 * makes it.
 *
 * @example
 * try {
 *   await decryptFile('a.seal', 'a', { key });
 * } catch (error) {
 *   if (SealError.is(error, 'ERR_SEAL_DIGEST_MISMATCH')) console.error('damaged:', error.failure.error.segment);
 *   else if (SealError.is(error, 'ERR_SEAL_IO')) console.error(error.cause.code);
 *   else throw error;
 * }
 */
export class SealError extends SealstreamError {
  override readonly name = 'SealError';
  /** A stable name for the failure, such as `ERR_SEAL_DIGEST_MISMATCH`. */
  readonly code: SealErrorCode;
  /** What failed, where, and with which values. */
  readonly failure: SealFailure;
  /**
   * Whether the failure concerns one segment, or the stream's end, so that the rest of the stream may be intact. It is `false` for a
   * damaged header, which concerns all of the stream.
   */
  readonly isDamage: boolean;
  /** If `salvage` recovered nothing: what is lost, where and why. */
  declare readonly map?: DamageMap | undefined;

  /** @internal */
  constructor(message: string, code: SealErrorCode, failure: SealFailure, details?: SealErrorDetails) {
    const { isDamage = false, cause, map } = nullPrototype({ ...details });
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.failure = failure;
    this.isDamage = isDamage;
    if (map !== undefined) this.map = map;
  }

  /**
   * Whether `value` is a SealError, of this copy of the package or another, from this realm or another.
   *
   * @param value Anything, such as what `catch` caught.
   * @param code Only an error with this code; the type of its `failure` then follows from the code.
   *
   * @example
   * if (SealError.is(error, 'ERR_SEAL_TARGET_EXISTS')) console.error(`${error.failure.path} exists`);
   */
  static override is<Code extends SealErrorCode>(
    this: void,
    value: unknown,
    code: Code,
  ): value is SealErrorOf<Code>;
  static override is(this: void, value: unknown): value is SealError;
  static override is(this: void, value: unknown, code?: unknown): boolean {
    return isBranded(value, 'SealError', code);
  }
}

/** What only some errors have. */
interface SealErrorDetails {
  readonly isDamage?: boolean;
  readonly cause?: Error | undefined;
  readonly map?: DamageMap;
}

/**
 * Thrown when encrypting or decrypting a FLOE message fails. Read `failure` as that of a {@link SealError}.
 *
 * @example
 * try {
 *   floe.decrypt(message, { key });
 * } catch (error) {
 *   if (floe.FloeError.is(error, 'ERR_FLOE_HEADER_TAG')) console.error('another key, or changed');
 *   else throw error;
 * }
 */
export class FloeError extends SealstreamError {
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

  /**
   * Whether `value` is a FloeError, of this copy of the package or another, from this realm or another.
   *
   * @param value Anything, such as what `catch` caught.
   * @param code Only an error with this code; the type of its `failure` then follows from the code.
   *
   * @example
   * if (floe.FloeError.is(error, 'ERR_FLOE_HEADER_TAG')) console.error('another key, or changed');
   */
  static override is<Code extends FloeErrorCode>(
    this: void,
    value: unknown,
    code: Code,
  ): value is FloeErrorOf<Code>;
  static override is(this: void, value: unknown): value is FloeError;
  static override is(this: void, value: unknown, code?: unknown): boolean {
    return isBranded(value, 'FloeError', code);
  }
}

brand(SealError.prototype, 'SealError');
brand(FloeError.prototype, 'FloeError');

/** A {@link SealError} with this code. */
export interface SealErrorOf<Code extends SealErrorCode> extends SealError {
  readonly code: Code;
  readonly failure: SealFailureOf<Code>;
  /** The system's error if the failure is of kind `Io`. */
  readonly cause: Code extends 'ERR_SEAL_IO' ? NodeJS.ErrnoException : unknown;
  /** What is lost, if the failure is of kind `NothingRecovered`. */
  readonly map: Code extends 'ERR_SEAL_NOTHING_RECOVERED' ? DamageMap : undefined;
}

/** A {@link FloeError} with this code. */
export interface FloeErrorOf<Code extends FloeErrorCode> extends FloeError {
  readonly code: Code;
  readonly failure: Extract<FloeFailure, { readonly kind: KindOf<'ERR_FLOE_', Code> }>;
}

/** The failure of a {@link SealError} with this code: the code is its kind, or the kind of the segment's failure inside it. */
export type SealFailureOf<Code extends SealErrorCode> = Code extends SealErrorCode
  ? | Extract<SealFailure, { readonly kind: KindOf<'ERR_SEAL_', Code> }>
    | SegmentFailure<KindOf<'ERR_SEAL_', Code>>
  : never;

/** A segment's failure of this kind, if there is one. */
type SegmentFailure<Kind extends string> = Kind extends SegmentWorkerError['kind']
  ? { kind: 'Segment'; error: Extract<SegmentWorkerError, { readonly kind: Kind }> }
  : never;

/** The kind that a code stands for: `DigestMismatch` for `ERR_SEAL_DIGEST_MISMATCH`. */
type KindOf<Prefix extends string, Code extends string> = Code extends `${Prefix}${infer Name}`
  ? PascalCase<Name>
  : never;

type PascalCase<Name extends string> = Name extends `${infer Word}_${infer Rest}`
  ? `${Capitalize<Lowercase<Word>>}${PascalCase<Rest>}`
  : Capitalize<Lowercase<Name>>;
