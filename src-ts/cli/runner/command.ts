// What makes a command: its options, its help, and the function that runs it.

import type { Arguments, ArgumentSpec } from './arguments';

/** A command. Every command also has --help. */
export interface Command extends ArgumentSpec {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Its arguments, such as `[options] FILE`. */
  readonly usage: string;
  /** Paragraphs, separated by blank lines. The help wraps them. */
  readonly description: string;
  /** Command lines to copy, with what they do. */
  readonly examples: readonly (readonly [command: string, effect: string])[];
  /** Runs the command. Returns the exit code if that is not 0. */
  readonly run: (args: Arguments) => Promise<number> | Promise<void>;
}
