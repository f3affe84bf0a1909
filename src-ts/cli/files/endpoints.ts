// Where a command reads and writes: a file or a standard stream at each end.

import { statSync } from 'node:fs';
import { basename } from 'node:path';

import type { Arguments } from '../runner/arguments';
import { isTerminal, STDIN, STDOUT, wasClosed } from '../terminal/console';
import { refusal, usageError } from '../errors/usage-error';

/** Which way data goes. */
export type Direction = 'encrypt' | 'decrypt';

/** One end: a file's path, or a standard stream's descriptor. */
export type Endpoint = { readonly path: string } | { readonly fd: typeof STDIN | typeof STDOUT };

/** Both ends of a conversion. */
export interface Endpoints {
  readonly source: Endpoint;
  readonly target: Endpoint;
}

/**
 * The ends that the arguments name.
 *
 * @throws CommandError for ends that can't be meant: none, two, a terminal for sealed bytes.
 */
export function endpoints(direction: Direction, args: Arguments): Endpoints {
  const source: Endpoint = endpoint(onlyOperand(args, 'IN', true), STDIN);
  const output = args.value('output');
  const target: Endpoint =
    output === undefined
      ? defaultTarget(direction, source, endingOf(direction, args))
      : endpoint(output, STDOUT);
  if (args.has('resume') && ('fd' in source || 'fd' in target)) {
    throw usageError('--resume needs files at both ends', 'name IN, and name the output with -o OUT');
  }
  if ('fd' in source) checkInput(direction);
  if ('fd' in target) checkOutput(direction);
  return { source, target };
}

/**
 * The one operand that a command takes.
 *
 * @param name What the usage calls it; `IN` where the command has an OUT too.
 * @param canBeStandard Whether - is taken.
 * @throws CommandError for none or more.
 */
export function onlyOperand({ command, operands }: Arguments, name: string, canBeStandard = false): string {
  const [operand, second] = operands;
  if (operand === undefined || operand === '') {
    const standard = canBeStandard ? ', or - for standard input' : '';
    // Of a command of two words the last one is what is done.
    const verb = command.slice(command.lastIndexOf(' ') + 1);
    throw usageError(`${name} is missing`, `name the file to ${verb}${standard}`);
  }
  if (second !== undefined) {
    const advice = `give one at a time${name === 'IN' ? ', and the output with -o OUT' : ''}`;
    throw usageError(`one file is expected, but ${second} follows ${operand}`, advice);
  }
  return operand;
}

/** An end as a person knows it. */
export function nameOf(end: Endpoint): string {
  if ('path' in end) return end.path;
  return end.fd === STDIN ? 'standard input' : 'standard output';
}

function endpoint(path: string, standard: typeof STDIN | typeof STDOUT): Endpoint {
  return path === '-' ? { fd: standard } : { path };
}

/** The body of a stream, without its header, is no sealed file, and is not to be looked for as one. */
function endingOf(direction: Direction, args: Arguments): string {
  return args.has(direction === 'encrypt' ? 'detached-header' : 'header') ? BODY_ENDING : ENDING;
}

function defaultTarget(direction: Direction, source: Endpoint, ending: string): Endpoint {
  if ('fd' in source) return { fd: STDOUT };
  const { path } = source;
  if (direction === 'encrypt') return { path: path + ending };
  // A body may have been named like a sealed file.
  const end = [ending, ENDING].find((each) => path.endsWith(each) && basename(path) !== each);
  if (end === undefined) {
    if (isDirectory(path)) throw refusal(`${path} is a directory`, 'name a sealed file');
    throw usageError(`${path} does not end in ${ending}, so the output has no name`, 'name it with -o OUT');
  }
  return { path: path.slice(0, -end.length) };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function checkInput(direction: Direction): void {
  if (wasClosed(STDIN)) throw refusal('standard input is closed', 'name a file, or pipe data in');
  if (direction === 'decrypt' && isTerminal(STDIN)) {
    throw usageError(
      'standard input is a terminal',
      'name a file, or send one in: sealstream decrypt - < FILE',
    );
  }
}

function checkOutput(direction: Direction): void {
  if (wasClosed(STDOUT)) {
    throw refusal('standard output is closed, so the result would be lost', 'name a file with -o OUT');
  }
  if (direction === 'encrypt' && isTerminal(STDOUT)) {
    throw refusal('sealed data is binary, and standard output is a terminal', 'name a file with -o OUT');
  }
}

const ENDING = '.seal';
const BODY_ENDING = '.body';
