// Prints the report of a command that did one thing.

import type { Arguments } from '../runner/arguments';
import { inform } from '../terminal/messages';
import { printJsonReport, type Status } from './envelope';

/** Prints a report: with --json as one line of JSON, else as lines on standard error, unless --quiet. */
export function printReport(
  args: Arguments,
  report: object,
  lines: () => readonly string[],
  status: Status = 'ok',
): void {
  if (args.has('json')) printJsonReport(args, report, status);
  else if (!args.has('quiet')) for (const line of lines()) inform(line);
}
