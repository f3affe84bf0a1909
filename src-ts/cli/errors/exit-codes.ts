// What a script can tell from the exit code.

/** Every exit code, by what it means. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  wrongKey: 3,
  damaged: 4,
  refused: 5,
  partial: 6,
  /** The shell's own code for a reader that went away, 128 + SIGPIPE. */
  brokenPipe: 141,
} as const;

/** The code of a command that did several things, of which some failed so: that of the worst. */
export function worstOf(codes: ReadonlySet<number>): number {
  const worst = WORST_FIRST.find((code) => codes.has(code));
  return worst ?? (codes.size > 0 ? exitCodes.failed : exitCodes.done);
}

const WORST_FIRST: readonly number[] = [
  exitCodes.damaged,
  exitCodes.wrongKey,
  exitCodes.failed,
  exitCodes.refused,
  exitCodes.usage,
];

/** The code of a command that a signal ended, as shells count. */
export const signalExitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The meanings, for the help. */
export const exitCodeMeanings: readonly (readonly [codes: string, meaning: string])[] = [
  ['0', 'done'],
  ['1', 'failed: reading or writing, the input or a folder is not there, no space, or a bug'],
  ['2', 'usage: an option is wrong, something that must be named is not, a key or recipients file is'],
  ['', 'not there, or no passphrase came'],
  ['3', 'the key, the passphrase or the context does not fit, or a key file holds no key'],
  ['4', 'the sealed stream is damaged, cut short or tampered with, or not a sealed stream at all'],
  ['5', 'refused by a rule: the target exists, source and target are one file, not a regular file,'],
  ['', 'a key file that others can read or that you cannot, a limit, binary data to a terminal'],
  ['6', 'salvage got a part of the data back, and says which'],
  ['130', 'interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP'],
  ['141', 'the reader of standard output went away'],
];
