// Values that the library refuses: a RangeError with the option's name.

import { exitCodes } from './exit-codes';
import type { Explanation } from './explanation';
import type { FailureContext } from './failure-context';
import { NAME_BODY } from './header-advice';

/** The library refused the value of an option. */
export interface OptionError extends RangeError {
  /** The option's name in the library. */
  readonly option: string;
}

/** Whether the library refused the value of an option. */
export function isOptionError(error: unknown): error is OptionError {
  return (
    error instanceof RangeError &&
    'code' in error &&
    error.code === 'ERR_OUT_OF_RANGE' &&
    'option' in error &&
    typeof error.option === 'string'
  );
}

/** Explains a refused value, with the option's name on the command line. */
export function explainOption({ option, message }: OptionError, context?: FailureContext): Explanation {
  const [text, advice] = inContext(option, message, context) ?? [
    `--${message.replace(/\b[a-z]+(?:[A-Z][a-z]+)*\b/, dashed)}`,
    'see --help of the command',
  ];
  return { exitCode: exitCodes.usage, code: 'ERR_CLI_USAGE', kind: 'Usage', message: text, advice };
}

/** The message and the advice where the option is not one of the command's. */
function inContext(
  option: string,
  message: string,
  context: FailureContext | undefined,
): [message: string, advice: string] | undefined {
  if (context === undefined) return undefined;
  const { command, input } = context;
  const problem = message.startsWith(`${option} `) ? message.slice(option.length + 1) : message;
  if (option === 'header' && command === 'header') return [`${input} has a header of its own`, NAME_BODY];
  if (command === 'rewrap' && ADDITIONS.has(option)) {
    return [
      `the additions to ${input} ${problem}`,
      'remove other key slots with --remove, or all of them with --replace',
    ];
  }
  if (option === 'remove') {
    return [`--remove ${problem}`, 'see the key slots of the file with sealstream inspect'];
  }
  // The option `path` is the input itself.
  return option === 'path' ? [`${input} ${problem}`, ''] : undefined;
}

/** The name on the command line of one of the library's options. */
function dashed(option: string): string {
  return (COMMAND_OPTION[option] ?? option).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

// Options that have another name on the command line.
const COMMAND_OPTION: Readonly<Partial<Record<string, string>>> = {
  strength: 'passphrase-cost',
  add: 'add-recipient',
};
// The library's options for the recipients that rewrap adds.
const ADDITIONS: ReadonlySet<string> = new Set(['recipients', 'add', 'replace']);
