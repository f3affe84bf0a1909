// What a source that is not a local file can fail with.

/** Why a source could not be read, in one word. */
export type SourceErrorCode =
  /** The object is not the one that was opened: another ETag, another time, another size. */
  | 'ERR_SOURCE_CHANGED'
  /** The server answered with an error; `status` is its number. */
  | 'ERR_SOURCE_STATUS'
  /** The server knows no ranges, or answered with another one than it was asked for. */
  | 'ERR_SOURCE_RANGE'
  /** The bytes came compressed, or otherwise encoded. */
  | 'ERR_SOURCE_ENCODING'
  /** No connection, or one that broke off, every time it was tried. */
  | 'ERR_SOURCE_NETWORK';

/** What is known beside the code. @internal */
export interface SourceErrorDetails {
  status?: number | undefined;
  cause?: unknown;
}

/**
 * Why an {@link httpSource} could not be read.
 *
 * Its message names the object by its address without the query, which may hold a signature, and shows no header.
 */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  /** The failure in one word, such as `ERR_SOURCE_CHANGED`. Stable. */
  readonly code: SourceErrorCode;
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number;

  /** @internal */
  constructor(message: string, code: SourceErrorCode, { status, cause }: SourceErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (status !== undefined) this.status = status;
  }
}

/** An error of the network, by the word that the system has for it. @internal */
export function networkError(name: string, problem: string, cause?: unknown): SourceError {
  const { code } = ((cause as Error | undefined)?.cause ?? cause ?? {}) as { code?: unknown };
  const word = typeof code === 'string' ? ` (${code})` : '';
  return new SourceError(`${name}: ${problem}${word}`, 'ERR_SOURCE_NETWORK', { cause });
}
