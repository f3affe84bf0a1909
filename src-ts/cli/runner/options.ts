// Options that several commands have, and words that their helps share.

import type { OptionSpec } from './arguments';

/** The most threads that an operation takes. */
export const MAX_THREADS = 1024;

/** Asks for the help of a command. */
export const help: OptionSpec = { name: 'help', short: 'h', help: ['this text'] };
/** The context to open with. */
export const openingContext: OptionSpec = {
  name: 'context',
  value: 'TEXT',
  help: ['the text that was given when sealing'],
};
/** Bounds the memory that a sealed file can ask for. */
export const maxSegmentSize: OptionSpec = {
  name: 'max-segment-size',
  value: 'SIZE',
  help: ['accept segments up to this size, 64M by default: memory grows with it'],
};
/** Silences what is not an error or a warning. */
export const quiet: OptionSpec = {
  name: 'quiet',
  short: 'q',
  help: ['no progress and no report; warnings and errors are still told'],
};
/** A report for programs. */
export const json: OptionSpec = {
  name: 'json',
  help: [
    'the report as one JSON object on standard output, or on standard error where',
    'the data goes to standard output; an error as JSON on standard error:',
    '{"error":{"code","kind","message","advice","exitCode","failure"}}',
  ],
};
/** Takes files with secret keys that are not private. */
export const allowReadableKey: OptionSpec = {
  name: 'allow-readable-key',
  help: ['take a file with secret keys that group or others can read'],
};
/** Reports for programs, of a command on many files. */
export const jsonLines: OptionSpec = {
  name: 'json',
  help: ['one JSON object a line on standard output for each file, and at last', 'one with a "summary"'],
};
/** Replaces an existing output. */
export const force: OptionSpec = {
  name: 'force',
  short: 'f',
  help: ['replace OUT if it exists, once the new file is complete'],
};
/** Goes on with what was interrupted. */
export const resume: OptionSpec = {
  name: 'resume',
  help: [
    'go on with what an interrupted run of the same command left, and leave what the',
    'next one can go on with; IN and OUT must be files',
  ],
};
/** Does not wait for the disk. */
export const noFlush: OptionSpec = {
  name: 'no-flush',
  help: ['do not wait until OUT is on the disk: faster, but a power cut may undo it'],
};
/** How many threads work. */
export const threads: OptionSpec = {
  name: 'threads',
  value: 'N',
  help: [`threads to work with, 1 to ${MAX_THREADS}; as many as there are cores by default`],
};
