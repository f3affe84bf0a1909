// Messages on standard error, for people and programs.

import { note, printable } from './console';
import type { Explanation } from '../errors/explanation';

/** Prints one line of a report. */
export function inform(text: string): void {
  note(`${printable(text)}\n`);
}

/** Prints a warning. */
export function warn(text: string): void {
  note(`sealstream: warning: ${printable(text)}\n`);
}

/** Prints an error: a sentence and advice, or the same as JSON. */
export function printFailure(explanation: Explanation, command: string | undefined, json: boolean): void {
  if (explanation.isSilent) return;
  const { code, kind, message, advice, exitCode, failure = null, stack } = explanation;
  if (json) {
    note(`${JSON.stringify({ error: { code, kind, message, advice, exitCode, failure } })}\n`);
  } else {
    note(`sealstream${command === undefined ? '' : ` ${command}`}: ${printable(message)}.\n`);
    if (advice !== '') note(`  ${printable(sentence(advice))}\n`);
  }
  if (process.env['SEALSTREAM_DEBUG'] === '1' && stack !== undefined) note(`${stack}\n`);
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!]$/.test(whole) ? whole : `${whole}.`;
}
