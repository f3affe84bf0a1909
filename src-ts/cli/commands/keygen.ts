// `sealstream keygen`: new keys, key pairs and passphrases.

import { generatePassphrase, KeyPair, SecretKey } from '../../index';
import { BITS_PER_WORD, DEFAULT_WORDS, MAX_WORDS, MIN_WORDS } from '../../keys/passphrase-generator';

import type { Arguments } from '../runner/arguments';
import type { CommandSpec } from '../runner/command-spec';
import { isTerminal, printable, STDOUT, wasClosed, writeAll } from '../terminal/console';
import { disposeAll } from '../keys/dispose';
import { refusal, usageError } from '../errors/usage-error';
import { readIdentityFile, saveKey } from '../keys/key-files';
import { allowReadableKey, help, json, quiet } from '../runner/options';
import { inform } from '../terminal/messages';

/** `sealstream keygen`. */
export const keygen: CommandSpec = {
  name: 'keygen',
  summary: 'make a new key file, a key pair or a passphrase',
  usage: 'sealstream keygen [--recipient | --x25519] -o FILE',
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      help: ['the new key file; - prints the key on standard output instead'],
    },
    {
      name: 'recipient',
      help: ['make a key pair, safe from quantum computers too, and print its public key'],
    },
    { name: 'x25519', help: ['the same of X25519 alone: its public key is short'] },
    { name: 'public', help: ['print the public keys of the key pairs in FILE, one a line'] },
    {
      name: 'passphrase-words',
      mayHaveValue: true,
      help: [
        `print a new passphrase of ${DEFAULT_WORDS} words, or as many as follow: ${MIN_WORDS} to ${MAX_WORDS}`,
      ],
    },
    allowReadableKey,
    quiet,
    { ...json, help: ['the report as one JSON object on standard output'] },
    help,
  ],
  details: [
    [
      'Makes a random 32-byte key, which both seals and opens; with --recipient a key pair, of which the',
      'public key seals and only the file opens. Only you can read the file, and an existing file is',
      'never replaced. Keep a copy in a safe place: without the key, nothing that was sealed with it',
      'can ever be opened.',
    ],
    [
      'Files of key pairs and public keys are those of age: age-keygen makes and reads the same. What is',
      'sealed is not age’s format.',
    ],
    [
      '-o - prints the key, as a secret store takes it. To save it in a file use -o FILE, or else set',
      'umask 077 before: a key file that others can read is refused. When it is used, a key must be',
      'in a regular file, not in a pipe.',
    ],
  ],
  examples: [
    ['sealstream keygen -o my.key', 'make a key'],
    ['sealstream keygen --recipient -o pair.key > pair.pub', 'make a key pair'],
    ['sealstream keygen --public pair.key', 'see its public key again'],
    ['sealstream keygen --passphrase-words', 'make a passphrase'],
    ['sealstream keygen -o - | vault-of-yours store', 'hand a key to a secret store'],
  ],
  run: keygenCommand,
};

async function keygenCommand(args: Arguments): Promise<void> {
  const modes = MODES.filter((mode) => args.has(mode));
  const [mode, other] = modes;
  if (other !== undefined)
    throw usageError(`--${mode ?? ''} and --${other} exclude each other`, 'give one of them');
  if (mode === 'public') return printPublicKeys(args);
  if (mode === 'passphrase-words') {
    printPassphrase(args);
    return;
  }
  const output = outputOf(args);
  const made =
    mode === undefined ? SecretKey.generate() : KeyPair.generate(mode === 'x25519' ? 'x25519' : 'hybrid');
  try {
    if (output === '-') printKey(made, args);
    else await writeKey(made, output, args);
  } finally {
    made.dispose();
  }
}

function outputOf(args: Arguments): string {
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
  return output;
}

async function writeKey(made: SecretKey | KeyPair, path: string, args: Arguments): Promise<void> {
  await saveKey(made, path);
  const publicKey = made instanceof KeyPair ? made.publicKey : undefined;
  if (args.has('json')) {
    writeAll(STDOUT, `${JSON.stringify({ command: 'keygen', keyFile: path, publicKey })}\n`);
    return;
  }
  if (!args.has('quiet')) {
    const name = printable(path);
    inform(`wrote a new ${publicKey === undefined ? 'key' : 'key pair'} to ${name}, which only you can read`);
    inform('keep a copy of it in a safe place: without it, nothing that it sealed can be opened');
    inform(
      publicKey === undefined
        ? `next: sealstream encrypt -k ${shellWord(name)} FILE`
        : `next: ${sealFor(publicKey, shellWord(name))}, anywhere; sealstream decrypt -i ${shellWord(name)} FILE.seal, here`,
    );
    if (publicKey !== undefined)
      inform(isTerminal(STDOUT) ? 'its public key:' : 'its public key is on standard output');
  }
  // By itself on standard output, so that it can be kept or sent.
  if (publicKey !== undefined) writeAll(STDOUT, `${publicKey}\n`);
}

function printKey(made: SecretKey | KeyPair, args: Arguments): void {
  if (args.has('json'))
    throw usageError('--json does not print keys', 'leave it out, or write a file with -o FILE');
  if (wasClosed(STDOUT)) throw refusal('standard output is closed, so the key would be lost', 'use -o FILE');
  const text = made instanceof KeyPair ? pairText(made) : keyText(made);
  try {
    writeAll(STDOUT, text);
  } finally {
    text.fill(0);
  }
}

function keyText(key: SecretKey): Buffer {
  const bytes = key.exportBytes();
  const text = Buffer.from(`${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}\n`);
  bytes.fill(0);
  return text;
}

function pairText(pair: KeyPair): Buffer {
  return Buffer.from(`# public key: ${pair.publicKey}\n${pair.exportText()}\n`);
}

async function printPublicKeys(args: Arguments): Promise<void> {
  const [path, second] = args.operands;
  if (path === undefined || path === '' || second !== undefined || args.has('output')) {
    throw usageError('--public takes one file of key pairs', 'write sealstream keygen --public FILE');
  }
  const pairs = await readIdentityFile(path, args.has('allow-readable-key'), '--public');
  try {
    const publicKeys = pairs.map(({ publicKey }) => publicKey);
    const text = args.has('json')
      ? JSON.stringify({ command: 'keygen', keyFile: path, publicKeys })
      : publicKeys.join('\n');
    writeAll(STDOUT, `${text}\n`);
  } finally {
    disposeAll(pairs);
  }
}

function printPassphrase(args: Arguments): void {
  if (args.has('output')) {
    throw usageError('a passphrase is not written to a file', 'leave -o out, and learn it or write it down');
  }
  if (args.has('json')) throw usageError('--json does not print passphrases', 'leave it out');
  const words = wordCount([...args.values('passphrase-words'), ...args.operands]);
  if (wasClosed(STDOUT)) throw refusal('standard output is closed, so it would be lost', 'open it');
  const text = Buffer.from(`${generatePassphrase(words)}\n`);
  try {
    if (!args.has('quiet')) {
      const bits = words * BITS_PER_WORD;
      inform(`${words} random words, worth ${bits} bits: with sealstream encrypt -p, type or paste them`);
    }
    writeAll(STDOUT, text);
  } finally {
    text.fill(0);
  }
}

function wordCount([count, more]: readonly string[]): number {
  if (count === undefined) return DEFAULT_WORDS;
  if (
    more === undefined &&
    /^\d{1,2}$/.test(count) &&
    Number(count) >= MIN_WORDS &&
    Number(count) <= MAX_WORDS
  ) {
    return Number(count);
  }
  throw usageError(
    `--passphrase-words takes one number from ${MIN_WORDS} to ${MAX_WORDS}, not ${more === undefined ? count : `${count} ${more}`}`,
    `write it like --passphrase-words ${DEFAULT_WORDS}`,
  );
}

/** How to seal for a new pair. */
function sealFor(publicKey: string, pairFile: string): string {
  if (!isTerminal(STDOUT)) return 'sealstream encrypt -R FILE-OF-THE-PUBLIC-KEY FILE';
  return publicKey.length <= SHORT
    ? 'sealstream encrypt -r PUBLIC-KEY FILE'
    : // Too long to be typed or pasted.
      `sealstream keygen --public ${pairFile} > pair.pub; sealstream encrypt -R pair.pub FILE`;
}

/** The word as a shell takes it. */
function shellWord(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

// What a line of a terminal has room for.
const SHORT = 80;
const MODES = ['recipient', 'x25519', 'public', 'passphrase-words'] as const;
