// Reads a command's arguments by its table of options. An unknown, missing or repeated option is an error that names it.

import { parseArgs } from 'node:util';

import { type CommandError, usageError } from '../errors/command-error';
import { nearest } from '../../internal/nearest';
import { parseSize } from '../../damage-page/units';

/**
 * An option of a command: its syntax and its help.
 *
 * `-k, --key FILE...` has a letter and a value and may be repeated; `--words[=N]` is a flag that takes a value after `=`; `-y` has
 * only a letter.
 */
export type OptionSpec = readonly [syntax: string, help: string];

/** The syntax of an option, parsed. */
export interface Option {
  /** The long name, without dashes; the letter if there is none. */
  readonly name: string;
  readonly short: string | undefined;
  /** It has a letter and no long name; `name` is then the letter. */
  readonly isShortOnly: boolean;
  /** Placeholder of the value in the help; a flag has none. */
  readonly value: string | undefined;
  readonly isRepeatable: boolean;
  /** A flag that takes a value after `=`. */
  readonly hasOptionalValue: boolean;
}

/** The files that a command works on, as its JSON names them: one, or an input and an output. `-` is a standard stream. */
export interface Subject {
  readonly file?: string | undefined;
  readonly source?: string | undefined;
  readonly target?: string | undefined;
}

/** A command's name and options, and the files that its arguments name. */
export interface ArgumentSpec {
  readonly name: string;
  readonly options: readonly OptionSpec[];
  /** Also called if the arguments are wrong: it names what is known. Commands for many files have none. */
  readonly subject?: (args: Arguments) => Subject;
  /** Whether standard output is for data, so that JSON goes to standard error. */
  readonly sendsData?: (args: Arguments) => boolean;
}

/** The arguments of a command. Every option is one that the command has. */
export class Arguments {
  constructor(
    private readonly spec: ArgumentSpec,
    /** The arguments that are not options, in order. */
    readonly operands: readonly string[],
    private readonly given: ReadonlyMap<string, readonly (string | undefined)[]>,
  ) {}

  /** The command's name. */
  get command(): string {
    return this.spec.name;
  }

  /** The files that the command works on. */
  get subject(): Subject {
    return this.spec.subject?.(this) ?? {};
  }

  /** Whether standard output is for data. */
  get sendsData(): boolean {
    return this.spec.sendsData?.(this) === true;
  }

  /** Whether an option was given. */
  has(option: string): boolean {
    return this.given.has(option);
  }

  /** Every value of an option. */
  values(option: string): string[] {
    return (this.given.get(option) ?? []).filter((value) => value !== undefined);
  }

  /** The value of an option that is given at most once. */
  value(option: string): string | undefined {
    return this.values(option)[0];
  }

  /** The value of an option as a number of bytes. */
  size(option: string): number | undefined {
    const text = this.value(option);
    if (text === undefined) return undefined;
    const size = parseSize(text);
    if (size === undefined) {
      throw usageError(
        `--${option} is not a size: ${text}`,
        'write a number of bytes, or K, M or G after a number: 64K, 1M',
      );
    }
    return size;
  }

  /** The value of an option as an integer from 1 to `maximum`. */
  count(option: string, maximum: number): number | undefined {
    const text = this.value(option);
    if (text === undefined) return undefined;
    if (!/^[1-9]\d{0,8}$/.test(text) || Number(text) > maximum) {
      const message = `--${option} must be a whole number from 1 to ${maximum}, not ${text}`;
      throw usageError(message, `for example: --${option} 4`);
    }
    return Number(text);
  }

  /** The value of an option as one of these words. */
  choice<Word extends string>(option: string, words: readonly Word[]): Word | undefined {
    const text = this.value(option);
    return text === undefined ? undefined : oneOf(text, words, `--${option} can't be ${text}`);
  }
}

/**
 * The one of `words` that is `text`.
 *
 * @throws CommandError with `message` for any other text, and the nearest word as advice.
 */
export function oneOf<Word extends string>(text: string, words: readonly Word[], message: string): Word {
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  const near = nearest(text, words);
  const question = near === undefined ? '' : `did you mean ${near}? `;
  throw usageError(message, `${question}choose one of ${words.join(', ')}`);
}

/** The error for two options that can't be given together. */
export function exclusive(one: string, other: string): CommandError {
  return usageError(`${one} and ${other} exclude each other`, 'give one of them');
}

/** What a command line says, as far as it can be read. */
export interface ReadResult {
  readonly args: Arguments;
  /** The first error: an option that the command does not have, or a value that is missing or not expected. */
  readonly problem: CommandError | undefined;
}

/** Reads the arguments after a command's name. What follows a wrong one is read too: it may say how to print the error. */
export function readArguments(argv: readonly string[], spec: ArgumentSpec): ReadResult {
  const options = spec.options.map(([syntax]) => parseSyntax(syntax));
  const nodeOptions = Object.fromEntries(options.map((option) => [option.name, nodeOption(option)]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: nodeOptions,
    // This module words the errors.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, (string | undefined)[]>();
  const operands: string[] = [];
  let problem: CommandError | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = options.find((candidate) => isNamed(candidate, token));
    if (option === undefined) {
      const names = options.flatMap(({ name, isShortOnly }) => (isShortOnly ? [] : [name]));
      problem ??= unknownOption(token.rawName, token.name, spec.name, names);
      continue;
    }
    const values = given.get(option.name) ?? [];
    problem ??= wrongValue(option, token);
    if (values.length > 0 && option.value !== undefined && !option.isRepeatable) {
      problem ??= usageError(`${shown(option)} is given twice`, 'give it once');
    }
    given.set(option.name, [...values, token.value]);
  }
  return { args: new Arguments(spec, operands, given), problem };
}

function isNamed({ name, isShortOnly }: Option, token: { name: string; rawName: string }): boolean {
  return name === token.name && !(isShortOnly && token.rawName.startsWith('--'));
}

/** Parses the syntax of an option. */
export function parseSyntax(syntax: string): Option {
  const [, only, short = only, name = short ?? syntax, value, repeated, optional] = SYNTAX.exec(syntax) ?? [];
  return {
    name,
    short,
    isShortOnly: only !== undefined,
    value,
    isRepeatable: repeated !== undefined,
    hasOptionalValue: optional !== undefined,
  };
}

/** An option as it is written: `-o, --output`. */
export function shown({ name, short, isShortOnly }: Option): string {
  if (isShortOnly) return `-${name}`;
  return short === undefined ? `--${name}` : `-${short}, --${name}`;
}

function nodeOption({ short, value }: Option) {
  const type: 'string' | 'boolean' = value === undefined ? 'boolean' : 'string';
  return { type, multiple: true, ...(short === undefined ? {} : { short }) };
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function wrongValue(option: Option, { rawName, value, inlineValue }: OptionToken): CommandError | undefined {
  if (option.value === undefined) {
    if (value === undefined || option.hasOptionalValue) return undefined;
    return usageError(`${rawName} takes no value`, `write ${rawName} alone`);
  }
  if (value === undefined || value === '') {
    return usageError(`${rawName} needs a value`, `write ${rawName} ${option.value}`);
  }
  if (inlineValue !== true && value.length > 1 && value.startsWith('-')) {
    return usageError(
      `${rawName} needs a value, but ${value} follows`,
      `if ${value} is the value, write --${option.name}=${value}`,
    );
  }
  return undefined;
}

function unknownOption(rawName: string, name: string, command: string, names: readonly string[]) {
  const near = nearest(name, names);
  const help = `see sealstream ${command} --help`;
  const advice = near === undefined ? help : `did you mean --${near}? If not, ${help}`;
  return usageError(`unknown option ${rawName}`, advice);
}

const SYNTAX = /^(?:-(\w)|(?:-(\w), )?--([\w-]+))(?: ([A-Z,:]+)(\.\.\.)?|(\[=N\]))?$/;
