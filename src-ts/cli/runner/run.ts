// Finds the command, runs it, and turns the result into an exit code.

import { native } from '../../internal/binding';

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
      writeAll(STDERR, generalHelp(native.version()));
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
function splitName([first, second = '', ...rest]: readonly string[]): [
  name: string | undefined,
  rest: readonly string[],
] {
  if (first === undefined) return [undefined, []];
  const hasTwoWords = commandsOf(first).length > 0 && /^\w/.test(second);
  if (hasTwoWords) return [`${first} ${second}`, rest];
  return [first, second === '' ? [] : [second, ...rest]];
}

async function dispatch(name: string, argv: readonly string[]): Promise<number | undefined> {
  if (['--version', '-V'].includes(name)) {
    writeAll(STDOUT, `sealstream ${native.version()}\n`);
  } else if (['help', '--help', '-h'].includes(name)) {
    const [topic] = splitName(argv);
    writeAll(STDOUT, topic === undefined ? generalHelp(native.version()) : helpOf(topic));
  } else if (commandsOf(name).length > 0 && ['--help', '-h'].includes(argv[0] ?? '')) {
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

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const family = commandsOf(name).map((candidate) => candidate.name);
  if (family.length > 0) throw usageError(`${name} needs a subcommand`, `write one of: ${family.join(', ')}`);
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
