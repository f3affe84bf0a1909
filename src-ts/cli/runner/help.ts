// The help texts, made from the commands' descriptions.

import { parseSyntax, shown } from './arguments';
import type { Command } from './command';
import { help } from './options';
import { commands } from '../commands/index';
import { exitCodeMeanings } from '../errors/exit-codes';

type Row = readonly [left: string, right: string];

/** The help of the whole program. */
export function generalHelp(version: string): string {
  return text(
    `sealstream ${version}: encrypts files and streams so that any change to them is detected`,
    '',
    'Usage: sealstream COMMAND [options]',
    '',
    'Commands:',
    ...table([
      ...commands.map(({ name, summary }): Row => [name, summary]),
      ['help', 'print this text; sealstream help COMMAND prints the help of one command'],
    ]),
    '',
    'Start here:',
    ...table([
      ['sealstream keygen -o my.key', 'make a key file'],
      ['sealstream encrypt -k my.key report.pdf', 'write report.pdf.seal'],
      ['sealstream decrypt -k my.key report.pdf.seal', 'write report.pdf'],
    ]),
    '',
    ...exitCodes(),
    '',
    'Environment:',
    ...table([
      ['SEALSTREAM_KEY_FILE', 'the key file to use if no option names a key'],
      ['SEALSTREAM_PASSPHRASE', 'the passphrase to use where -p would ask for one'],
      ['SEALSTREAM_DEBUG', 'set to 1 to print the stack of an error'],
    ]),
  );
}

/** The help of one command. */
export function commandHelp({ name, usage, description, examples, options }: Command): string {
  return text(
    `Usage: sealstream ${name} ${usage}`,
    '',
    ...description.split(/\n\s*\n/).flatMap((paragraph) => [...wrap(paragraph, WIDTH), '']),
    'Examples:',
    ...table(examples),
    '',
    'Options:',
    ...table(
      [...options, help].map(([syntax, effect]): Row => {
        const option = parseSyntax(syntax);
        const value = option.hasOptionalValue ? '[=N]' : ` ${option.value ?? ''}`;
        return [`${option.short === undefined ? '    ' : ''}${shown(option)}${value}`.trimEnd(), effect];
      }),
      OPTION_WIDTH,
    ),
    '',
    ...exitCodes(),
  );
}

function exitCodes(): string[] {
  return ['Exit codes:', ...table(exitCodeMeanings)];
}

/** Two columns. If the left text is too long for its column, the right text starts on the next line. */
function table(rows: readonly Row[], maximum = WIDEST_COLUMN): string[] {
  const column = Math.min(maximum, Math.max(...rows.map(([left]) => left.length)) + 2);
  return rows.flatMap(([left, right]) => {
    const indent = left.length + 2 <= column ? column : OPTION_WIDTH;
    const lines = wrap(right, WIDTH - 2 - indent);
    if (left.length + 2 > indent) lines.unshift('');
    return lines.map((line, index) => `  ${(index === 0 ? left : '').padEnd(indent)}${line}`);
  });
}

/** The lines of a text, broken between words. */
function wrap(paragraph: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of paragraph.trim().split(/\s+/)) {
    const line = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && line.length <= width) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines;
}

function text(...lines: readonly string[]): string {
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

const WIDTH = 100;
// Fits most options: `    --max-segment-size SIZE` and two spaces.
const OPTION_WIDTH = 29;
const WIDEST_COLUMN = 64;
