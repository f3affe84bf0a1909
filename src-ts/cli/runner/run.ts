// Finds the command, runs it, and turns its end into an exit code.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readArguments } from './arguments';
import type { CommandSpec } from './command-spec';
import { commands } from '../commands/index';
import { STDERR, STDOUT, writeAll } from '../terminal/console';
import { usageError } from '../errors/usage-error';
import { exitCodes } from '../errors/exit-codes';
import { explain } from '../errors/explain';
import { commandHelp, generalHelp } from './help';
import { nearest } from '../errors/nearest';
import { tellFailure } from '../terminal/messages';

/**
 * Runs the command that the arguments name. It tells all that there is to tell, and never throws.
 *
 * @returns The exit code.
 */
export async function run(argv: readonly string[]): Promise<number> {
  const [name, rest] = split(argv);
  try {
    if (name === undefined) {
      writeAll(STDERR, generalHelp(version()));
      return exitCodes.usage;
    }
    return (await dispatch(name, rest)) ?? exitCodes.done;
  } catch (error) {
    const explanation = explain(error);
    tellFailure(explanation, {
      command: commands.find((command) => command.name === name)?.name,
      json: asksForJson(rest),
    });
    return explanation.exitCode;
  }
}

/** A command's name, which can have two words, and what is behind it. */
function split([first, second, ...rest]: readonly string[]): [
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
    const [topic] = split(argv);
    writeAll(STDOUT, topic === undefined ? generalHelp(version()) : helpOf(topic));
  } else if (commandsOf(name).length > 0) {
    const [word] = argv;
    if (word !== '--help' && word !== '-h') throw wrongWord(name, word);
    writeAll(STDOUT, helpOf(name));
  } else {
    const command = find(name);
    const args = readArguments(argv, command);
    if (args.has('help')) writeAll(STDOUT, commandHelp(command));
    else {
      const code = await command.run(args);
      if (typeof code === 'number') return code;
    }
  }
  return undefined;
}

/** The commands of two words that begin with this one. */
function commandsOf(word: string): readonly CommandSpec[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `));
}

function helpOf(name: string): string {
  const family = commandsOf(name);
  return (family.length > 0 ? family : [find(name)]).map(commandHelp).join('\n');
}

function wrongWord(name: string, word: string | undefined) {
  const names = commandsOf(name).map((command) => command.name);
  const words = names.map((full) => full.slice(name.length + 1));
  const near = word === undefined ? undefined : nearest(word, words);
  const said = word === undefined ? 'stands alone' : `is followed by ${word}`;
  const advice =
    near === undefined ? `write one of: ${names.join(', ')}` : `did you mean sealstream ${name} ${near}?`;
  return usageError(`${name} ${said}, and needs to be told what to do`, advice);
}

function find(name: string): CommandSpec {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = commands.map((candidate) => candidate.name);
  if (name.startsWith('-'))
    throw usageError(`a command comes first, not ${name}`, `it is one of ${names.join(', ')}`);
  const near = ALIASES[name] ?? nearest(name, names);
  throw usageError(
    `unknown command ${name}`,
    near === undefined ? `it is one of ${names.join(', ')}` : `did you mean sealstream ${near}?`,
  );
}

/** Whether an error is to be JSON, also one about the arguments themselves. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'of unknown version';
}

// Words that other programs have for the same.
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
