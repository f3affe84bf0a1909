// The help texts, made from the commands' descriptions.

import { shown } from './arguments';
import type { CommandSpec } from './command-spec';
import { commands } from '../commands/index';
import { exitCodeMeanings } from '../errors/exit-codes';

/** The help of the whole program. */
export function generalHelp(version: string): string {
  return lines(
    `sealstream ${version}: seals files and streams, so that only a key opens them and every change shows`,
    '',
    'Usage: sealstream COMMAND [options]',
    '',
    'Commands:',
    ...table([
      ...commands.map(({ name, summary }) => [name, summary] as const),
      ['help', 'this text; sealstream help COMMAND tells all about one command'],
    ]),
    '',
    'Start here:',
    ...table([
      ['sealstream keygen -o my.key', 'make a key'],
      ['sealstream encrypt -k my.key report.pdf', 'make report.pdf.seal'],
      ['sealstream decrypt -k my.key report.pdf.seal', 'make report.pdf again'],
    ]),
    '',
    ...exitCodeSection(),
    '',
    'SEALSTREAM_KEY_FILE names the key file where no option names any key; SEALSTREAM_PASSPHRASE is the',
    'passphrase where -p would ask for one; SEALSTREAM_DEBUG=1 adds the stack to an error.',
  );
}

/** The help of one command. */
export function commandHelp(command: CommandSpec): string {
  return lines(
    `Usage: ${command.usage}`,
    '',
    ...command.details.flatMap((paragraph) => [...paragraph, '']),
    'Examples:',
    ...table(command.examples),
    '',
    'Options:',
    ...command.options.flatMap((option) => {
      const left = `${option.short === undefined ? '    ' : ''}${shown(option)} ${option.value ?? ''}`;
      // One that is too wide has a line of its own.
      const beside = left.length < OPTION_WIDTH ? [left] : [left, ''];
      const right = left.length < OPTION_WIDTH ? option.help : ['', ...option.help];
      return right.map((line, index) => `  ${(beside[index] ?? '').padEnd(OPTION_WIDTH)}${line}`);
    }),
    '',
    ...exitCodeSection(),
  );
}

function exitCodeSection(): string[] {
  return ['Exit codes:', ...table(exitCodeMeanings, 4)];
}

/** Two columns; a left part that is too wide for a line puts the right one below it. */
function table(rows: readonly (readonly [string, string])[], atLeast = 8): string[] {
  const width = Math.max(atLeast, ...rows.map(([left]) => left.length)) + 2;
  return rows.flatMap(([left, right]) => [`  ${left.padEnd(width)}${right}`.trimEnd()]);
}

function lines(...all: readonly string[]): string {
  return `${all.map((line) => line.trimEnd()).join('\n')}\n`;
}

// --max-segment-size SIZE and two spaces; only few options are wider.
const OPTION_WIDTH = 29;
