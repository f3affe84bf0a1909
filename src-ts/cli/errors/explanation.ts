// An error as the command prints it.

/** A message, advice, and the exit code. */
export interface Explanation {
  readonly exitCode: number;
  /** Stable, for programs: the library's code, the system's, or ERR_CLI_… */
  readonly code: string;
  /** What happened, in one word. */
  readonly kind: string;
  /** A sentence without its full stop. */
  readonly message: string;
  /** What to do about it; empty if there is nothing to do. */
  readonly advice: string;
  /** The library's own description, if the error is the library's. */
  readonly failure?: object;
  /** The damage map of a salvage that recovered nothing. */
  readonly map?: object;
  /** Print nothing: the reader of the output has closed it. */
  readonly isSilent?: boolean;
  /** For reports of bugs. */
  readonly stack?: string;
}
