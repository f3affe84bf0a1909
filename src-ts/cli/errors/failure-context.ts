// What a command was doing when an operation failed, where the error does not say.

import type { SealError } from '../../index';

/** What a command was doing. */
export interface FailureContext {
  /** The first word of the command's name. */
  readonly command: string;
  /** The input, as the arguments name it. */
  readonly input: string;
  /** The input has a path, which may be wrong; standard input has none. */
  readonly isNamed: boolean;
  /** Further inputs of heal. */
  readonly replicas?: readonly string[];
  /** Data goes to standard output, which may have received a part of it. */
  readonly toStandardOutput?: boolean;
  /** SEALSTREAM_KEY_FILE named the key, not an option. */
  readonly isKeyFromEnvironment?: boolean;
  /** The types of key slots that the given keys can open. */
  readonly offered?: readonly string[];
  /** The types of key slots that may be tried, if not all. */
  readonly accepted?: readonly string[] | undefined;
  /** The types of the input's key slots, if they are known. */
  readonly slotTypes?: readonly string[];
  /** The file of a detached header. */
  readonly header?: string | undefined;
  /** The input is a header without the rest of the stream. */
  readonly isHeaderAlone?: boolean;
  /** --resume continues the operation. */
  readonly resumable?: boolean;
}

/** An operation failed, in this context. */
export class OperationError extends Error {
  override readonly name = 'OperationError';

  constructor(
    override readonly cause: unknown,
    readonly context: FailureContext,
  ) {
    super('the operation failed', { cause });
  }
}

/** Whether the library threw this error. By its shape, so that it works even if the library can't be loaded. */
export function isSealError(error: unknown): error is SealError {
  return error instanceof Error && error.name === 'SealError' && 'failure' in error;
}
