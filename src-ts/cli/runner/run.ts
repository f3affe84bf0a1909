// Finds the command, runs it, and turns the result into an exit code.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readArguments } from './arguments';
import type { Command } from './command';
import { commandHelp, generalHelp } from './help';
import { help } from './options';
import { commands } from '../commands/index';
import { usageError } from '../errors/command-error';
import { exitCodes } from '../errors/exit-codes';
import { explain } from '../errors/explain';
import { nearest } from '../errors/nearest';
import { STDERR, STDOUT, writeAll } from '../terminal/console';
import { printFailure } from '../terminal/messages';

/**
 * Runs the command that the arguments name. Prints every result and error, and never throws.
 *
 * @returns The exit code.
 */
export async function run(argv: readonly string[]): Promise<number> {
  const [name, rest] = splitName(argv);
  try {
    if (name === undefined) {
      writeAll(STDERR, generalHelp(version()));
      return exitCodes.usage;
    }
    return (await dispatch(name, rest)) ?? exitCodes.success;
  } catch (error) {
    const explanation = explain(error);
    const command = commands.find((candidate) => candidate.name === name)?.name;
    printFailure(explanation, command, asksForJson(rest));
    return explanation.exitCode;
  }
}

/** Separates a command's name, which can have two words, from its arguments. */
function splitName([first, second, ...rest]: readonly string[]): [
  name: string | undefined,
  rest: readonly string[],
] {
  if (first === undefined || second === undefined) return [first, []];
  const both = `${first} ${second}`;
  const isName = commands.some(({ name }) => name === both);
  return isName ? [both, rest] : [first, [second, ...rest]];
}

async function dispatch(name: string, argv: readonly string[]): Promise<number | undefined> {
  if (['--version', '-V'].includes(name)) {
    writeAll(STDOUT, `sealstream ${version()}\n`);
  } else if (['help', '--help', '-h'].includes(name)) {
    const [topic] = splitName(argv);
    writeAll(STDOUT, topic === undefined ? generalHelp(version()) : helpOf(topic));
  } else if (commandsOf(name).length > 0) {
    const [word] = argv;
    if (word !== '--help' && word !== '-h') throw unknownSubcommand(name, word);
    writeAll(STDOUT, helpOf(name));
  } else {
    const command = find(name);
    const args = readArguments(argv, { name, options: [...command.options, help] });
    if (args.has('help')) writeAll(STDOUT, commandHelp(command));
    else {
      const code = await command.run(args);
      if (typeof code === 'number') return code;
    }
  }
  return undefined;
}

/** The commands of two words that begin with this word. */
function commandsOf(word: string): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `));
}

function helpOf(name: string): string {
  const family = commandsOf(name);
  return (family.length > 0 ? family : [find(name)]).map(commandHelp).join('\n');
}

function unknownSubcommand(name: string, word: string | undefined) {
  const names = commandsOf(name).map((command) => command.name);
  const words = names.map((full) => full.slice(name.length + 1));
  const near = word === undefined ? undefined : nearest(word, words);
  return usageError(
    word === undefined ? `${name} needs a subcommand` : `unknown command ${name} ${word}`,
    near === undefined ? `write one of: ${names.join(', ')}` : `did you mean sealstream ${name} ${near}?`,
  );
}

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = commands.map((candidate) => candidate.name);
  const near = name.startsWith('-') ? undefined : (ALIASES[name] ?? nearest(name, names));
  throw usageError(
    name.startsWith('-') ? `a command comes first, not ${name}` : `unknown command ${name}`,
    near === undefined ? `the commands are ${names.join(', ')}` : `did you mean sealstream ${near}?`,
  );
}

/** Whether an error is to be printed as JSON, even one about the arguments themselves. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'of unknown version';
}

// Names that other programs use for the same commands.
const ALIASES: Readonly<Record<string, string>> = {
  seal: 'encrypt',
  open: 'decrypt',
  info: 'inspect',
  'generate-key': 'keygen',
  check: 'verify',
  scrub: 'verify',
  recover: 'salvage',
  repair: 'heal',
};
