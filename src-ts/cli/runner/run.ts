// Finds the command, runs it, and turns the result into an exit code.

import { native } from '../../internal/binding';

import { type Arguments, readArguments } from './arguments';
import type { Command } from './command';
import { commandHelp, generalHelp } from './help';
import { help } from './options';
import { commands } from '../commands/index';
import { usageError } from '../errors/command-error';
import { exitCodes } from '../errors/exit-codes';
import { explain } from '../errors/explain';
import { nearest } from '../../internal/nearest';
import { printJsonFailure } from '../reports/envelope';
import { isTerminal, note, STDOUT, writeAll } from '../terminal/console';
import { printFailure } from '../terminal/messages';

/**
 * Runs the command that the arguments name. Prints every result and error, and never throws.
 *
 * @returns The exit code.
 */
export async function run(argv: readonly string[]): Promise<number> {
  const [name, rest] = splitName(argv);
  if (name === undefined) {
    note(generalHelp(native.version()));
    return exitCodes.usage;
  }
  let args: Arguments | undefined;
  try {
    const text = helpFor(name, rest);
    if (text !== undefined) {
      writeAll(STDOUT, text);
      return exitCodes.success;
    }
    const command = find(name);
    const read = readArguments(rest, { ...command, options: [...command.options, help] });
    args = read.args;
    if (args.has('help')) {
      writeAll(STDOUT, commandHelp(command));
      return exitCodes.success;
    }
    if (read.problem !== undefined) throw read.problem;
    refuseJsonBesideData(args);
    return (await command.run(args)) ?? exitCodes.success;
  } catch (error) {
    const explanation = explain(error);
    const isJson = args?.has('json') ?? asksForJson(rest);
    if (isJson) printJsonFailure(args?.command ?? name, args?.subject, explanation, args?.sendsData === true);
    else printFailure(explanation, commands.find((candidate) => candidate.name === name)?.name);
    return explanation.exitCode;
  }
}

/** Refuses --json if data goes to a terminal, where the two would mix. */
function refuseJsonBesideData(args: Arguments): void {
  if (args.has('json') && args.sendsData && isTerminal(STDOUT)) {
    throw usageError("--json can't be used when data goes to a terminal", 'name a file with -o OUT');
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

/** The text for `--version`, `help` and `--help`; `undefined` for a command that is to run. */
function helpFor(name: string, argv: readonly string[]): string | undefined {
  if (['--version', '-V'].includes(name)) return `sealstream ${native.version()}\n`;
  if (['help', '--help', '-h'].includes(name)) {
    const [topic] = splitName(argv);
    return topic === undefined ? generalHelp(native.version()) : helpOf(topic);
  }
  const isFamily = commandsOf(name).length > 0 && ['--help', '-h'].includes(argv[0] ?? '');
  return isFamily ? helpOf(name) : undefined;
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
