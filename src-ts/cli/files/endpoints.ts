// The input and output of encrypt and decrypt: a file or a standard stream.

import { statSync } from 'node:fs';
import { basename } from 'node:path';

import type { Arguments, Subject } from '../runner/arguments';
import { isTerminal, STDIN, STDOUT, wasClosed } from '../terminal/console';
import { refusal, usageError } from '../errors/command-error';

export type Direction = 'encrypt' | 'decrypt';

/** A file's path, or the descriptor of a standard stream. */
export type Endpoint = { readonly path: string } | { readonly fd: typeof STDIN | typeof STDOUT };

export interface Endpoints {
  readonly source: Endpoint;
  readonly target: Endpoint;
}

/**
 * The input and output that the arguments name.
 *
 * @throws CommandError for no input, several inputs, or a terminal as the end of sealed data.
 */
export function endpoints(direction: Direction, args: Arguments): Endpoints {
  const source: Endpoint = endpoint(onlyOperand(args, 'IN', true), STDIN);
  const output = args.value('output');
  const target = output === undefined ? defaultTarget(direction, source, args) : endpoint(output, STDOUT);
  if (args.has('resume')) filePaths('--resume', { source, target });
  if ('fd' in source) checkInput(direction);
  if ('fd' in target) {
    checkStandardOutput(direction === 'encrypt' && !args.has('tty') ? 'sealed data' : undefined, 'OUT');
  }
  return { source, target };
}

/** The same as texts, as far as the arguments name them: `-` is a standard stream. */
export function conversionSubject(direction: Direction, args: Arguments): Subject {
  const [source] = args.operands;
  if (source === undefined) return { target: args.value('output') };
  const named = args.value('output') ?? (source === '-' ? source : defaultPath(direction, source, args));
  return { source, target: named };
}

/**
 * The paths of both endpoints.
 *
 * @throws CommandError that names `option` if one is a standard stream.
 */
export function filePaths(option: string, { source, target }: Endpoints): { from: string; to: string } {
  if ('path' in source && 'path' in target) return { from: source.path, to: target.path };
  throw usageError(`${option} needs files at both ends`, 'name IN, and name the output with -o OUT');
}

/**
 * The only operand of a command.
 *
 * @param name Its name in the usage; `IN` if the command also has an OUT.
 * @param canBeStandard Whether - is accepted.
 * @throws CommandError for none or several, and for -.
 */
export function onlyOperand({ command, operands }: Arguments, name: string, canBeStandard = false): string {
  const [operand, second] = operands;
  if (operand === undefined || operand === '') {
    // The verb is the last word of the command's name.
    const verb = command.slice(command.lastIndexOf(' ') + 1);
    throw usageError(
      `${name} is missing`,
      `name the file to ${verb}${canBeStandard ? ', or - for standard input' : ''}`,
    );
  }
  if (second !== undefined) {
    throw usageError(
      `${command} takes one file, but ${second} follows ${operand}`,
      `give one file${name === 'IN' ? ', and the output with -o OUT' : ''}`,
    );
  }
  if (!canBeStandard) refuseStandardStreams(command, [operand]);
  return operand;
}

/** Refuses - where a command reads a file at any position, or writes to it. */
export function refuseStandardStreams(command: string, paths: readonly string[]): void {
  if (paths.includes('-') || paths.includes('')) {
    throw usageError(`${command} needs files, and - is not accepted`, 'name the files');
  }
}

/** An endpoint in messages. */
export function nameOf(end: Endpoint): string {
  if ('path' in end) return end.path;
  return end.fd === STDIN ? 'standard input' : 'standard output';
}

/**
 * Refuses a standard output that is closed, and one that is a terminal for binary data.
 *
 * @param binary What the binary data is, if it is binary.
 * @param placeholder The value of -o in the advice.
 */
export function checkStandardOutput(binary: string | undefined, placeholder: string): void {
  const advice = `name a file with -o ${placeholder}`;
  if (wasClosed(STDOUT)) throw refusal('standard output is closed, so the result would be lost', advice);
  if (binary !== undefined && isTerminal(STDOUT)) {
    throw refusal(
      `${binary} is binary, and standard output is a terminal`,
      `${advice}, or send it anyway with --tty`,
    );
  }
}

function endpoint(path: string, standard: typeof STDIN | typeof STDOUT): Endpoint {
  return path === '-' ? { fd: standard } : { path };
}

function defaultTarget(direction: Direction, source: Endpoint, args: Arguments): Endpoint {
  if ('fd' in source) return { fd: STDOUT };
  const { path } = source;
  const target = defaultPath(direction, path, args);
  if (target !== undefined) return { path: target };
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw refusal(`${path} is a directory`, 'name a sealed file');
  throw usageError(
    `${path} does not end in ${endingsOf(args).join(' or ')}, so the output has no name`,
    'name it with -o OUT',
  );
}

/** The output's path if none is given; `undefined` if the input's name does not tell. */
function defaultPath(direction: Direction, path: string, args: Arguments): string | undefined {
  if (direction === 'encrypt') return path + (args.has('header-out') ? BODY_ENDING : ENDING);
  const ending = endingsOf(args).find((each) => path.endsWith(each) && basename(path) !== each);
  return ending === undefined ? undefined : path.slice(0, -ending.length);
}

/** Endings of a sealed input. A body can also have the name of a sealed file. */
function endingsOf(args: Arguments): readonly string[] {
  return args.has('header') ? [BODY_ENDING, ENDING] : [ENDING];
}

function checkInput(direction: Direction): void {
  if (wasClosed(STDIN)) throw refusal('standard input is closed', 'name a file, or pipe data in');
  if (direction === 'decrypt' && isTerminal(STDIN)) {
    throw usageError(
      'standard input is a terminal',
      'name a file, or redirect one: sealstream decrypt - < FILE',
    );
  }
}

const ENDING = '.seal';
const BODY_ENDING = '.body';
