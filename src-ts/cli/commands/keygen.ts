// `sealstream keygen`: makes keys, key pairs and passphrases.

import { generatePassphrase, KeyPair, SecretKey } from '../../index';
import { BITS_PER_WORD, DEFAULT_WORDS, MAX_WORDS, MIN_WORDS } from '../../keys/passphrase-generator';

import { type Arguments, exclusive, type Subject } from '../runner/arguments';
import type { Command } from '../runner/command';
import { usageError } from '../errors/command-error';
import { checkStandardOutput } from '../files/endpoints';
import { checkMissing, checkOutputs, requiredOutput, writeWhole } from '../files/outputs';
import { disposeAll } from '../keys/dispose';
import { written } from '../keys/key-arguments';
import { readIdentityFile, saveKey, saveSenderKey } from '../keys/key-files';
import { printReport } from '../reports/print-report';
import * as common from '../runner/options';
import { isTerminal, printable, STDOUT, writeAll } from '../terminal/console';
import { counted } from '../../damage-page/units';

/** `sealstream keygen`. */
export const keygen: Command = {
  name: 'keygen',
  summary: 'make a key file, a key pair, a sender key or a passphrase',
  usage: '[--pair [--x25519] | --sender] -o FILE | -y FILE',
  description: `
    Makes a random 32-byte key, which encrypts and decrypts. With --pair it makes a key pair: its public key encrypts, and only
    its secret key in FILE decrypts. FILE is readable only by you, and an existing file is never replaced. Keep a copy in a safe
    place: without the key, nothing that was encrypted with it can be decrypted.

    Files of key pairs and public keys have the format of age: age-keygen makes and reads the same files. Sealed files do not
    have the format of age. -y FILE prints the public keys of an identity file, as age-keygen does.

    -o - prints the key, for a secret store. To save the key in a file, use -o FILE, or set umask 077 before: a key file that
    others can read is refused. To use a key, it must be in a regular file, not in a pipe.`,
  options: [
    ['-o, --output FILE', 'the new key file; - prints the key on standard output'],
    ['--pair', 'make a key pair that is safe from quantum computers too, and print its public key'],
    ['--x25519', 'with --pair: make it of X25519 alone, which has a short public key'],
    [
      '--sender',
      'make a key that signs what encrypt --sender-key encrypts, as ssh-keygen -t ed25519 does, and print its public key',
    ],
    ['-y', 'print the public keys of the key pairs in FILE, one a line; with -o, write them to a new file'],
    [
      '--passphrase-words[=N]',
      `print a new passphrase of ${DEFAULT_WORDS} words, or of N words: ${MIN_WORDS} to ${MAX_WORDS}`,
    ],
    common.allowReadableKey,
    ...common.printing,
  ],
  examples: [
    ['sealstream keygen -o my.key', 'make a key file'],
    ['sealstream keygen --pair -o pair.key > pair.pub', 'make a key pair'],
    ['sealstream keygen -y pair.key', 'print its public key again'],
    ['sealstream keygen --sender -o sender.key > sender.pub', 'make a key that signs'],
    ['sealstream keygen --passphrase-words', 'make a passphrase'],
    ['sealstream keygen -o - | vault-of-yours store', 'pass a key to a secret store'],
  ],
  subject: subjectOf,
  sendsData: (args) => args.value('output') === '-' || args.has('passphrase-words'),
  run: keygenCommand,
};

async function keygenCommand(args: Arguments): Promise<void> {
  const [mode, other] = MODES.filter((candidate) => args.has(candidate));
  if (mode !== undefined && other !== undefined) throw exclusive(written(mode), written(other));
  if (args.has('x25519') && mode !== 'pair') {
    throw usageError('--x25519 needs --pair', 'write sealstream keygen --pair --x25519 -o FILE');
  }
  if (mode === 'y') return printPublicKeys(args);
  if (mode === 'sender') return makeSender(args);
  if (mode === 'passphrase-words') {
    printPassphrase(args);
    return;
  }
  const output = outputOf(args);
  const made =
    mode === undefined ? SecretKey.generate() : KeyPair.generate(args.has('x25519') ? 'x25519' : 'hybrid');
  try {
    if (output === '-') printKey(made, args);
    else await writeKey(made, output, args);
  } finally {
    made.dispose();
  }
}

/** The file with secrets that the command reads or writes, `-` for standard output; with -y and -o the files of both. */
function subjectOf(args: Arguments): Subject {
  const output = args.value('output');
  if (!args.has('y')) return { file: args.has('passphrase-words') ? '-' : output };
  const [source] = args.operands;
  return output === undefined ? { file: source } : { source, target: output };
}

function outputOf(args: Arguments): string {
  const [operand] = args.operands;
  if (operand === undefined) return requiredOutput(args, 'output', '-o FILE', true);
  throw usageError(
    `keygen takes no file name without -o, but ${operand} is given`,
    `write sealstream keygen -o ${operand}`,
  );
}

async function writeKey(made: SecretKey | KeyPair, path: string, args: Arguments): Promise<void> {
  await saveKey(made, path);
  const publicKey = made instanceof KeyPair ? made.publicKey : undefined;
  printReport(args, keyReport(made), () => {
    const [kind, name] = [publicKey === undefined ? 'key' : 'key pair', shellWord(printable(path))];
    return [
      `wrote a new ${kind} to ${path}, which only you can read`,
      publicKey === undefined
        ? 'keep a copy of it in a safe place: without it, nothing that it encrypted can be decrypted'
        : 'keep a copy of it in a safe place: without it, nothing that was encrypted for it can be decrypted',
      ...(publicKey === undefined
        ? [`next: sealstream encrypt -k ${name} FILE`]
        : [
            `next: ${encryptCommand(publicKey, name)} on any computer, and sealstream decrypt -i ${name} FILE.seal on this one`,
            isTerminal(STDOUT) ? 'its public key:' : 'its public key is on standard output',
          ]),
    ];
  });
  // Nothing else is on standard output, so that it can be redirected to a file.
  if (publicKey !== undefined && !args.has('json')) writeAll(STDOUT, `${publicKey}\n`);
}

/** What is not secret of a new key. */
function keyReport(made: SecretKey | KeyPair): object {
  return made instanceof KeyPair ? { type: made.type, publicKey: made.publicKey } : { type: 'key' };
}

function printKey(made: SecretKey | KeyPair, args: Arguments): void {
  checkStandardOutput(undefined, 'FILE');
  const text =
    made instanceof KeyPair
      ? Buffer.from(`# public key: ${made.publicKey}\n${made.exportText()}\n`)
      : keyText(made);
  try {
    writeAll(STDOUT, text);
    printReport(args, keyReport(made), () => []);
  } finally {
    text.fill(0);
  }
}

function keyText(key: SecretKey): Buffer {
  const bytes = key.exportBytes();
  try {
    return Buffer.from(`${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}\n`);
  } finally {
    bytes.fill(0);
  }
}

async function makeSender(args: Arguments): Promise<void> {
  const output = outputOf(args);
  if (output === '-') throw usageError('--sender writes a file', 'name a new file with -o FILE');
  const publicKey = await saveSenderKey(output);
  printReport(args, { type: 'sender', publicKey }, () => [
    `wrote a new sender key to ${output}, which only you can read`,
    `next: sealstream encrypt --sender-key ${shellWord(printable(output))} FILE; who decrypts names its public key with --sender`,
    isTerminal(STDOUT) ? 'its public key:' : 'its public key is on standard output',
  ]);
  if (!args.has('json')) writeAll(STDOUT, `${publicKey}\n`);
}

async function printPublicKeys(args: Arguments): Promise<void> {
  const [path, second] = args.operands;
  if (path === undefined || path === '' || path === '-' || second !== undefined) {
    throw usageError('-y takes one identity file', 'write sealstream keygen -y FILE');
  }
  const output = args.value('output');
  const isFile = output !== undefined && output !== '-';
  if (isFile) {
    checkOutputs(args, [{ path: output, option: '-o' }], [{ path, role: 'the identity file' }]);
    checkMissing({ path: output, option: '-o' }, false, 'name a new file with -o FILE');
  } else checkStandardOutput(undefined, 'FILE');
  const pairs = await readIdentityFile(path, args.has('allow-readable-key'), '-y');
  try {
    const publicKeys = pairs.map(({ publicKey }) => publicKey);
    const text = `${publicKeys.join('\n')}\n`;
    if (isFile) writeWhole(output, text, false);
    // With --json the report has them, unless -o - asks for both.
    else if (!args.has('json') || output === '-') writeAll(STDOUT, text);
    printReport(args, { publicKeys }, () =>
      isFile ? [`wrote ${counted(publicKeys.length, 'public key')} of ${path} to ${output}`] : [],
    );
  } finally {
    disposeAll(pairs);
  }
}

function printPassphrase(args: Arguments): void {
  if (args.has('output')) {
    throw usageError(
      'a passphrase is not written to a file',
      'leave -o out, and memorize it or write it down',
    );
  }
  const words = wordCount([...args.values('passphrase-words'), ...args.operands]);
  checkStandardOutput(undefined, 'FILE');
  const text = Buffer.from(`${generatePassphrase(words)}\n`);
  try {
    const bits = words * BITS_PER_WORD;
    printReport(args, { words, bits }, () => [
      `${words} random words, worth ${bits} bits: type or paste them for sealstream encrypt -p`,
    ]);
    writeAll(STDOUT, text);
  } finally {
    text.fill(0);
  }
}

function wordCount(given: readonly string[]): number {
  const [count = String(DEFAULT_WORDS), ...more] = given;
  const words = Number(count);
  const isCount = /^\d+$/.test(count) && words >= MIN_WORDS && words <= MAX_WORDS;
  if (isCount && more.length === 0) return words;
  throw usageError(
    `--passphrase-words takes one number from ${MIN_WORDS} to ${MAX_WORDS}, not ${given.join(' ')}`,
    `for example: --passphrase-words ${DEFAULT_WORDS}`,
  );
}

/** How to encrypt for a new key pair. */
function encryptCommand(publicKey: string, pairFile: string): string {
  if (!isTerminal(STDOUT)) return 'sealstream encrypt -R FILE-OF-THE-PUBLIC-KEY FILE';
  return publicKey.length <= TYPED_LENGTH
    ? 'sealstream encrypt -r PUBLIC-KEY FILE'
    : `sealstream keygen -y ${pairFile} > pair.pub; sealstream encrypt -R pair.pub FILE`;
}

/** Quotes a word for a shell. */
function shellWord(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

// Longer public keys are not typed or pasted.
const TYPED_LENGTH = 80;
const MODES = ['pair', 'sender', 'y', 'passphrase-words'] as const;
