// The commands: what each takes, and what its help says. The help is made from these, and so is the reading of
// arguments.

import type { ArgumentSpec, OptionSpec } from './arguments';

/** A command, as its help tells it. */
export interface CommandSpec extends ArgumentSpec {
  readonly name: CommandName;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  /** What one has to know, in paragraphs of lines. */
  readonly details: readonly (readonly string[])[];
  /** Commands to copy, with what they do. */
  readonly examples: readonly (readonly [command: string, effect: string])[];
}

/** The most threads that an operation takes. */
export const MAX_THREADS = 1024;

/** The name of a command. */
export type CommandName = 'keygen' | 'encrypt' | 'decrypt' | 'inspect';

const help: OptionSpec = { name: 'help', short: 'h', help: ['this text'] };
const quiet: OptionSpec = {
  name: 'quiet',
  short: 'q',
  help: ['no progress and no report; warnings and errors are still told'],
};
const json: OptionSpec = {
  name: 'json',
  help: [
    'the report as one JSON object on standard output, or on standard error where',
    'the data goes to standard output; an error as JSON on standard error:',
    '{"error":{"code","kind","message","advice","exitCode","failure"}}',
  ],
};
const allowReadableKey: OptionSpec = {
  name: 'allow-readable-key',
  help: ['take a key file that group or others can read'],
};
const force: OptionSpec = {
  name: 'force',
  short: 'f',
  help: ['replace OUT if it exists, once the new file is complete'],
};
const noFlush: OptionSpec = {
  name: 'no-flush',
  help: ['do not wait until OUT is on the disk: faster, but a power cut may undo it'],
};
const threads: OptionSpec = {
  name: 'threads',
  value: 'N',
  help: [`threads to work with, 1 to ${MAX_THREADS}; as many as there are cores by default`],
};
const keyPlace = [
  'The key is read from a file: -k, or else the one that SEALSTREAM_KEY_FILE names. It is not',
  'taken from the command line, where every program on the computer could read it. It must be a',
  'regular file, not a pipe, that only you can read.',
];

const keygen: CommandSpec = {
  name: 'keygen',
  summary: 'make a new key file',
  usage: 'sealstream keygen -o FILE',
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      help: ['the new key file; - prints the key on standard output instead'],
    },
    quiet,
    { ...json, help: ['the report as one JSON object on standard output'] },
    help,
  ],
  details: [
    [
      'Makes a random 32-byte key. Only you can read the file, and an existing file is never',
      'replaced. Keep a copy in a safe place: without the key, nothing that was sealed with it',
      'can ever be opened.',
    ],
    [
      '-o - prints the key, as a secret store takes it. To save it in a file use -o FILE, or else set',
      'umask 077 before: a key file that others can read is refused. When it is used, a key must be',
      'in a regular file, not in a pipe.',
    ],
  ],
  examples: [
    ['sealstream keygen -o my.key', 'make a key'],
    ['sealstream keygen -o - | vault-of-yours store', 'hand a key to a secret store'],
  ],
};

const encrypt: CommandSpec = {
  name: 'encrypt',
  summary: 'seal a file, or standard input',
  usage: 'sealstream encrypt [options] IN',
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'OUT',
      help: ['where to; IN.seal by default, - for standard output'],
    },
    { name: 'key', short: 'k', value: 'FILE', help: ['the key file'] },
    {
      name: 'key-id',
      value: 'TEXT',
      help: [
        'a name for the key, which anyone can read in the sealed file, so that the',
        'right key is found later',
      ],
    },
    {
      name: 'context',
      value: 'TEXT',
      help: [
        'what the data belongs to, such as "tenant 7, backup 2024-05": it is not stored,',
        'and opening asks for the same text',
      ],
    },
    {
      name: 'digest',
      value: 'NAME',
      help: ['how damage is found without a key: crc64-nvme (default), sha256, sha512, blake3', 'or none'],
    },
    { name: 'frame-size', value: 'SIZE', help: ['bytes in a frame: 1K to 16M, 64K by default'] },
    {
      name: 'segment-size',
      value: 'SIZE',
      help: [
        'bytes in a segment, the unit of parallel work: a multiple of the frame size, up',
        'to 1G; 1M by default, more for over 64G. Over 64M, whoever opens it must',
        'allow it with --max-segment-size',
      ],
    },
    threads,
    force,
    noFlush,
    allowReadableKey,
    quiet,
    json,
    help,
  ],
  details: [
    [
      'Seals IN, a file or - for standard input, so that only the key opens it and every change',
      'to it shows. OUT appears when it is complete, or not at all. Sealed data is not written to',
      'a terminal.',
    ],
    keyPlace,
  ],
  examples: [
    ['sealstream encrypt -k my.key report.pdf', 'make report.pdf.seal'],
    ['sealstream encrypt -k my.key -o /backup/r.seal report.pdf', 'choose the place'],
    ['tar c photos | sealstream encrypt -k my.key - > photos.seal', 'seal what a program writes'],
    ['sealstream encrypt -k my.key -- -odd-name', 'a name that begins with a dash'],
  ],
};

const decrypt: CommandSpec = {
  name: 'decrypt',
  summary: 'open what was sealed',
  usage: 'sealstream decrypt [options] IN',
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'OUT',
      help: ['where to; IN without its .seal by default, - for standard output'],
    },
    {
      name: 'key',
      short: 'k',
      value: 'FILE',
      repeatable: true,
      help: ['the key file; give several and the one that fits is used'],
    },
    { name: 'context', value: 'TEXT', help: ['the text that was given when sealing'] },
    {
      name: 'max-segment-size',
      value: 'SIZE',
      help: ['accept segments up to this size, 64M by default: memory grows with it'],
    },
    threads,
    { ...force, help: [...force.help, 'and send anything to a terminal, binary data too'] },
    noFlush,
    allowReadableKey,
    quiet,
    json,
    help,
  ],
  details: [
    [
      'Opens IN, a file or - for standard input. OUT appears when all of IN has been verified, or',
      'not at all. To standard output each segment goes as soon as it is verified: use it only',
      'when the exit code is 0, since a stream that is cut short shows at its end.',
    ],
    [
      'A terminal as standard output gets text of up to 1 MiB, once all of it is verified; binary',
      'data, control characters and longer text are refused, unless --force is given.',
    ],
    keyPlace,
  ],
  examples: [
    ['sealstream decrypt -k my.key report.pdf.seal', 'make report.pdf'],
    ['sealstream decrypt -k my.key -o - notes.seal', 'show a text on the terminal'],
    ['sealstream decrypt -k my.key - < photos.seal | tar x', 'hand it to a program'],
    ['sealstream decrypt -k my.key -o - big.seal > /dev/null', 'verify without keeping'],
  ],
};

const inspect: CommandSpec = {
  name: 'inspect',
  summary: 'show what can be seen of a sealed file without a key',
  usage: 'sealstream inspect [options] FILE',
  options: [{ ...json, help: ['one JSON object on standard output'] }, help],
  details: [
    [
      'Shows sizes, the digest and who can open the file. It needs no key, and so verifies nothing:',
      'whoever can write the file can change all of this. Decrypting tells.',
    ],
  ],
  examples: [
    ['sealstream inspect report.pdf.seal', 'a table'],
    ['sealstream inspect --json report.pdf.seal', 'the same for a program'],
  ],
};

/** Every command, in the order of the help. */
export const commands: readonly CommandSpec[] = [keygen, encrypt, decrypt, inspect];
