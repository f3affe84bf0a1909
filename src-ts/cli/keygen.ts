// A new key, into a file that only its owner can read.

import { SecretKey } from '../index';

import type { Arguments } from './arguments';
import type { CommandSpec } from './command-spec';
import { printable, STDOUT, wasClosed, writeAll } from './console';
import { refusal, usageError } from './errors';
import { saveKey } from './keys';
import { help, json, quiet } from './options';
import { inform } from './tell';

/** `sealstream keygen`. */
export const keygen: CommandSpec = {
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
  run: keygenCommand,
};

async function keygenCommand(args: Arguments): Promise<void> {
  const output = args.value('output');
  const [operand] = args.operands;
  if (operand !== undefined) {
    throw usageError(
      `keygen takes no file name, but ${operand} is given`,
      `write sealstream keygen -o ${operand}`,
    );
  }
  if (output === undefined) {
    throw usageError(
      'no place for the key is given',
      'name a new file with -o FILE, or print the key with -o -',
    );
  }
  const key = SecretKey.generate();
  try {
    if (output === '-') printKey(key, args);
    else await writeKey(key, output, args);
  } finally {
    key.dispose();
  }
}

async function writeKey(key: SecretKey, path: string, args: Arguments): Promise<void> {
  await saveKey(key, path);
  if (args.has('json')) {
    writeAll(STDOUT, `${JSON.stringify({ command: 'keygen', keyFile: path })}\n`);
  } else if (!args.has('quiet')) {
    const name = printable(path);
    inform(`wrote a new key to ${name}, which only you can read`);
    inform('keep a copy of it in a safe place: without it, nothing that it sealed can be opened');
    inform(`next: sealstream encrypt -k ${shellWord(name)} FILE`);
  }
}

function printKey(key: SecretKey, args: Arguments): void {
  if (args.has('json'))
    throw usageError('--json does not print keys', 'leave it out, or write a file with -o FILE');
  if (wasClosed(STDOUT)) throw refusal('standard output is closed, so the key would be lost', 'use -o FILE');
  const bytes = key.exportBytes();
  const text = Buffer.from(`${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}\n`);
  bytes.fill(0);
  try {
    writeAll(STDOUT, text);
  } finally {
    text.fill(0);
  }
}

/** The word as a shell takes it. */
function shellWord(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
