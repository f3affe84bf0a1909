// Options that several commands have, and the functions that read their values.

import type { Arguments, OptionSpec } from './arguments';

/** The most threads that an operation uses. */
export const MAX_THREADS = 1024;
const MAX_JOBS = 64;
// Enough to keep a disk busy with short files.
const DEFAULT_JOBS = 4;

/** The number of threads, if it is given. */
export function threadCount(args: Arguments): number | undefined {
  return args.count('threads', MAX_THREADS);
}

/** The number of files to work on at once. */
export function jobCount(args: Arguments, preset: number = DEFAULT_JOBS): number {
  return args.count('jobs', MAX_JOBS) ?? preset;
}

/** How an output file is written. */
export function outputOptions(args: Arguments): { overwrite: boolean; flush: boolean } {
  return { overwrite: args.has('force'), flush: !args.has('no-flush') };
}

/** Prints the help of a command. */
export const help: OptionSpec = ['-h, --help', 'print this help'];
/** Silences progress and reports. */
export const quiet: OptionSpec = ['-q, --quiet', 'print no progress and no report, only warnings and errors'];
/** A report for programs. */
export const json: OptionSpec = [
  '--json',
  `print the report, or the error, as one line of JSON: {"command", "status", "report" or "error", and "file" or "source" and
  "target"}. It goes to standard output, or to standard error if standard output is for data`,
];
/** Reports for programs, of a command that processes many files. */
export const jsonLines: OptionSpec = [
  '--json',
  `print one line of JSON on standard output for each file, {"command", "file", "status", "report" or "error"}, and a last
  one with a "summary"`,
];
/** Replaces an existing output. */
export const force: OptionSpec = ['-f, --force', 'replace OUT if it exists, once the new file is complete'];
/** Sends data to a terminal. */
export const tty: OptionSpec = ['--tty', 'send data to a terminal even if it is binary'];
/** The header of a body. */
export const header: OptionSpec = [
  '--header FILE',
  'the header, if the input is a body whose header is in another file',
];
/** Writes the header to a file of its own. */
export const headerOut: OptionSpec = [
  '--header-out HEADER',
  'a new file for the header; an existing file is never replaced, because it may be the only header of its stream',
];
/** Processes the files in folders. */
export const recursive: OptionSpec = [
  '--recursive',
  'accept folders: every file in them whose name ends in .seal, at any depth. Symbolic links in a folder are not followed',
];
/** Processes several files at once. */
export const jobs: OptionSpec = [
  '--jobs N',
  `work on this many files at once, 1 to ${MAX_JOBS}; by default ${DEFAULT_JOBS}`,
];
/** Continues an interrupted run. */
export const resume: OptionSpec = [
  '--resume',
  `continue an interrupted run of the same command, and keep a journal so that this run can be continued; IN and OUT
  must be files`,
];
/** Does not wait for the disk. */
export const noFlush: OptionSpec = [
  '--no-flush',
  'do not wait until OUT is on the disk: faster, but a power failure may lose the file',
];
/** How the output file is written. */
export const output: readonly OptionSpec[] = [force, noFlush];
/** What is printed. */
export const printing: readonly OptionSpec[] = [quiet, json];
/** The number of threads. */
export const threads: OptionSpec = [
  '--threads N',
  `number of processor threads for each file, 1 to ${MAX_THREADS}; by default one for each core`,
];
/** Bounds the memory that a sealed file can ask for. */
export const maxSegmentSize: OptionSpec = [
  '--max-segment-size SIZE',
  'accept segments up to this size; 64M by default. Memory use grows with it',
];
/** Accepts key files that other users can read. */
export const allowReadableKey: OptionSpec = [
  '--allow-readable-key',
  'accept a file with secret keys that group or others can read',
];

const passphrase: readonly OptionSpec[] = [
  [
    '-p, --passphrase',
    'ask for a passphrase on the terminal, or take the one in SEALSTREAM_PASSPHRASE if that is set',
  ],
  [
    '--passphrase-fd N',
    'read the passphrase from the first line of file descriptor N, such as 3 with 3< FILE',
  ],
];

/** The cost of a passphrase to encrypt with. */
export const passphraseStrength: readonly OptionSpec[] = [
  [
    '--passphrase-strength NAME',
    'what each guess of the new passphrase costs: interactive, default or sensitive',
  ],
  ['--passphrase-cost COST', 'the same as Argon2id parameters: MEMORY,PASSES,LANES, such as 64M,3,4'],
];

/** The recipients to encrypt for. */
export const sealingKeys: readonly OptionSpec[] = [
  [
    '-r, --recipient TEXT...',
    'a public key, age1pq1… or age1…: its secret key decrypts the file; repeatable',
  ],
  ['-R, --recipients-file FILE...', 'a file of public keys, one a line; # begins a comment; repeatable'],
  ['-k, --key FILE...', 'the key file; repeatable'],
  [
    '--key-id TEXT',
    'a name for the key, to find the right key later. It is stored in the sealed file, and anyone can read it',
  ],
  ...passphrase,
  ...passphraseStrength,
];

/** The keys to decrypt with, and their limits. */
export const openingKeys: readonly OptionSpec[] = [
  ['-k, --key FILE...', 'the key file; repeatable: the key that fits is used'],
  ['-i, --identity FILE...', 'a file of secret keys of key pairs, AGE-SECRET-KEY-…, one a line; repeatable'],
  ...passphrase,
  [
    '--accept-slots TYPES',
    'try only these types of key slots: key, passphrase, x25519, hybrid, provider; separated by commas',
  ],
  [
    '--max-passphrase-memory SIZE',
    'accept at most this much memory for trying a passphrase, 2G by default. The sealed file states it too',
  ],
  [
    '--max-passphrase-cost SIZE',
    `accept at most this total cost of trying a passphrase: memory times passes, 4G by default. The sealed file states the cost,
    and anyone who can write the file can change it`,
  ],
  ['--context TEXT', 'the context that was given when the file was encrypted'],
];

/** The senders to accept. */
export const senders: OptionSpec = [
  '--sender SENDER...',
  `accept only what one of these senders signed: a public key of OpenSSH, "ssh-ed25519 AAAA…", or a file of them, such as
  allowed_signers; repeatable`,
];

/** Where keys come from: a paragraph for the description of a command. */
export const keySources = `
  A key is read from a file: the file of -k, or the one that SEALSTREAM_KEY_FILE names if no option names a key. Keys and
  passphrases are never taken from the command line, which other programs can read. A file with secret keys must be a
  regular file, not a pipe, and readable only by you. Your other programs can read SEALSTREAM_PASSPHRASE.`;
