// What a command is: what it takes and what its help says, and what it does.

import type { Arguments, ArgumentSpec } from './arguments';

/** A command, as its help tells it. */
export interface CommandSpec extends ArgumentSpec {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  /** What one has to know, in paragraphs of lines. */
  readonly details: readonly (readonly string[])[];
  /** Commands to copy, with what they do. */
  readonly examples: readonly (readonly [command: string, effect: string])[];
  /** Does it; gives the exit code, where that is not 0. */
  readonly run: (args: Arguments) => Promise<number> | Promise<void>;
}
