// The exit codes of the program.

/** Every exit code, by its meaning. */
export const exitCodes = {
  success: 0,
  failed: 1,
  usage: 2,
  wrongKey: 3,
  damaged: 4,
  refused: 5,
  partial: 6,
  /** What shells report for a program that SIGPIPE ended: 128 + 13. */
  brokenPipe: 141,
} as const;

/** The exit code of a command that processed several files: the worst of theirs. */
export function worstOf(codes: ReadonlySet<number>): number {
  const worst = WORST_FIRST.map((name) => exitCodes[name]).find((code) => codes.has(code));
  return worst ?? (codes.size > 0 ? exitCodes.failed : exitCodes.success);
}

const WORST_FIRST = ['damaged', 'wrongKey', 'failed', 'refused', 'usage'] as const;

/** The exit code of a command that a signal ended: 128 plus the signal's number, as in shells. */
export const signalExitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The meanings, for the help. */
export const exitCodeMeanings: readonly (readonly [codes: string, meaning: string])[] = [
  ['0', 'success'],
  ['1', 'failure: a read or write failed, a file or folder is missing, the disk is full, or a bug'],
  ['2', 'usage: a wrong or missing argument, a missing key or recipients file, or no passphrase'],
  ['3', 'the key, the passphrase or the context does not match, or a key file holds no key'],
  [
    '4',
    'the sealed stream is damaged, cut short or tampered with, not signed by a sender of --sender, or not a sealed stream',
  ],
  [
    '5',
    `refused: the target exists, source and target are the same file, a file is not a regular file, others can read a
    key file or you can't, a limit is exceeded, or binary data would go to a terminal`,
  ],
  ['6', 'salvage recovered a part of the data, and lists what is lost'],
  ['130', 'interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP'],
  ['141', 'the reader of standard output closed it'],
];
