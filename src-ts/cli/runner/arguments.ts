// A command's arguments, read by its list of options: what is unknown, missing or said twice is an error that names it.

import { parseArgs } from 'node:util';

import { usageError } from '../errors/usage-error';
import { nearest } from '../errors/nearest';
import { parseSize } from '../../damage-page/units';

/** An option of a command. */
export interface OptionSpec {
  /** Its long name, without dashes. */
  readonly name: string;
  /** Its letter. */
  readonly short?: string;
  /** What stands for its value in the help; an option without one is a flag. */
  readonly value?: string;
  /** A flag that may have a value all the same, behind `=`. */
  readonly mayHaveValue?: boolean;
  /** It may be given more than once. */
  readonly repeatable?: boolean;
  /** What it does, in lines. */
  readonly help: readonly string[];
}

/** What of a command its arguments are read by. */
export interface ArgumentSpec {
  readonly name: string;
  readonly options: readonly OptionSpec[];
}

/** The arguments of a command, which are all options that it has. */
export class Arguments {
  constructor(
    readonly command: string,
    /** What is no option, in order. */
    readonly operands: readonly string[],
    private readonly given: ReadonlyMap<string, readonly (string | undefined)[]>,
  ) {}

  /** Whether an option was given. */
  has(option: string): boolean {
    return this.given.has(option);
  }

  /** Every value of an option. */
  values(option: string): string[] {
    return (this.given.get(option) ?? []).filter((value) => value !== undefined);
  }

  /** The value of an option that is given once at most. */
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
        'write bytes, or K, M or G behind a number: 64K, 1M',
      );
    }
    return size;
  }

  /** The value of an option as a whole number from 1 to a limit. */
  count(option: string, most: number): number | undefined {
    const text = this.value(option);
    if (text === undefined) return undefined;
    if (!/^[1-9]\d{0,8}$/.test(text) || Number(text) > most) {
      const message = `--${option} must be a whole number from 1 to ${most}, not ${text}`;
      throw usageError(message, `write it like --${option} 4`);
    }
    return Number(text);
  }

  /** The value of an option as one of these words. */
  choice<Word extends string>(option: string, words: readonly Word[]): Word | undefined {
    const text = this.value(option);
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) {
      const near = nearest(text, words);
      const meant = near === undefined ? '' : `did you mean ${near}? `;
      throw usageError(`--${option} can't be ${text}`, `${meant}choose one of ${words.join(', ')}`);
    }
    return word;
  }
}

/**
 * Reads the arguments behind a command's name.
 *
 * @throws CommandError for what the command does not have.
 */
export function readArguments(argv: readonly string[], command: ArgumentSpec): Arguments {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(command.options.map((option) => [option.name, nodeOption(option)])),
    // What is wrong is said here, in the words of this command.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, (string | undefined)[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = command.options.find(({ name }) => name === token.name);
    if (option === undefined) throw unknownOption(token.rawName, token.name, command);
    checkValue(option, token);
    const values = given.get(option.name) ?? [];
    values.push(token.value);
    if (values.length > 1 && option.value !== undefined && option.repeatable !== true) {
      throw usageError(`${shown(option)} is given twice`, 'give it once');
    }
    given.set(option.name, values);
  }
  return new Arguments(command.name, operands, given);
}

/** An option as it is written: `-o, --output`. */
export function shown({ name, short }: OptionSpec): string {
  return short === undefined ? `--${name}` : `-${short}, --${name}`;
}

function nodeOption({ short, value }: OptionSpec) {
  const type: 'string' | 'boolean' = value === undefined ? 'boolean' : 'string';
  return { type, multiple: true, ...(short === undefined ? {} : { short }) };
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkValue(option: OptionSpec, { rawName, value, inlineValue }: OptionToken): void {
  if (option.value === undefined) {
    if (value !== undefined && option.mayHaveValue !== true)
      throw usageError(`${rawName} takes no value`, `write ${rawName} alone`);
    return;
  }
  if (value === undefined || value === '') {
    throw usageError(`${rawName} needs a value`, `write ${rawName} ${option.value}`);
  }
  if (inlineValue !== true && value.length > 1 && value.startsWith('-')) {
    const meant = `--${option.name}=${value}`;
    throw usageError(
      `${rawName} needs a value, but ${value} follows`,
      `if that is the value, write ${meant}`,
    );
  }
}

function unknownOption(rawName: string, name: string, command: ArgumentSpec) {
  const near = nearest(
    name,
    command.options.map((option) => option.name),
  );
  const help = `see sealstream ${command.name} --help`;
  const advice = near === undefined ? help : `did you mean --${near}? If not, ${help}`;
  return usageError(`unknown option ${rawName}`, advice);
}
