// The lines of --json, which have one shape in all commands: docs/guides/command.md describes it.

import type { Arguments, Subject } from '../runner/arguments';
import { exitCodes } from '../errors/exit-codes';
import type { Explanation } from '../errors/explanation';
import { note, STDERR, STDOUT, writeAll } from '../terminal/console';
import { printStack } from '../terminal/messages';

/**
 * What happened to a file: `ok`; `skipped`, because a log says that it is done; `partial`, if a part of it was recovered;
 * `damaged`; or `failed`.
 */
export type Status = 'ok' | 'skipped' | 'partial' | 'damaged' | 'failed';

/** An error, as JSON tells it. Members without a value are absent. */
export interface JsonError {
  readonly code: string;
  readonly message: string;
  readonly failure?: object | undefined;
  readonly map?: object | undefined;
  readonly advice?: string | undefined;
  readonly exitCode: number;
}

/** The status for an exit code. */
export function statusOf(exitCode: number): Status {
  switch (exitCode) {
    case exitCodes.success:
      return 'ok';
    case exitCodes.partial:
      return 'partial';
    case exitCodes.damaged:
      return 'damaged';
    default:
      return 'failed';
  }
}

/** An error as JSON tells it. */
export function jsonError({ code, message, failure, map, advice, exitCode }: Explanation): JsonError {
  return { code, message, failure, map, advice: advice === '' ? undefined : advice, exitCode };
}

/** Prints the line of a command that did what it should, or a part of it. */
export function printJsonReport(args: Arguments, report: object, status: Status = 'ok'): void {
  const { command, subject, sendsData } = args;
  printJson({ command, ...subject, status, report }, sendsData ? STDERR : STDOUT);
}

/** Prints the line of a command that failed. If standard output can't be written, it goes to standard error. */
export function printJsonFailure(
  command: string,
  subject: Subject | undefined,
  explanation: Explanation,
  sendsData: boolean,
): void {
  if (explanation.isSilent === true) return;
  printStack(explanation.stack);
  const status = statusOf(explanation.exitCode);
  const text = jsonLine({ command, ...subject, status, error: jsonError(explanation) });
  try {
    if (!sendsData) {
      writeAll(STDOUT, text);
      return;
    }
  } catch {
    // Standard output is closed or full.
  }
  note(text);
}

/** Prints a line of JSON. */
export function printJson(value: object, to: number = STDOUT): void {
  writeAll(to, jsonLine(value));
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
