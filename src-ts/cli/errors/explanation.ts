// What an error comes to, for whoever ran the command.

/** An error in words, and what a script needs to know of it. */
export interface Explanation {
  readonly exitCode: number;
  /** Stable, for programs: the library's code, the system's, or ERR_CLI_… */
  readonly code: string;
  /** What happened, in one word. */
  readonly kind: string;
  /** A sentence without its full stop. */
  readonly message: string;
  /** What to do about it; empty where nothing can be done. */
  readonly advice: string;
  /** The library's own description, if the error is the library's. */
  readonly failure?: object;
  /** Nobody is to be told: the reader of the output has left. */
  readonly isSilent?: boolean;
  /** Where it came from, for whoever looks for a bug. */
  readonly stack?: string;
}
