// Prints the report of a command that did one thing.

import type { Arguments } from '../runner/arguments';
import { STDOUT, writeAll } from '../terminal/console';
import { inform } from '../terminal/messages';

/**
 * Prints a report: with --json as one JSON object, else as lines on standard error, unless --quiet.
 *
 * @param jsonTo The descriptor for the JSON object.
 */
export function printReport(
  args: Arguments,
  report: object,
  lines: () => readonly string[],
  jsonTo: number = STDOUT,
): void {
  if (args.has('json')) printJson({ command: args.command, ...report }, jsonTo);
  else if (!args.has('quiet')) for (const line of lines()) inform(line);
}

/** Prints a line of JSON. */
export function printJson(value: object, to: number = STDOUT): void {
  writeAll(to, `${JSON.stringify(value)}\n`);
}
