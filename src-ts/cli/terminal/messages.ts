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

/** Prints an error: a sentence and advice. */
export function printFailure(explanation: Explanation, command: string | undefined): void {
  const { message, advice, isSilent, stack } = explanation;
  if (isSilent === true) return;
  note(`sealstream${command === undefined ? '' : ` ${command}`}: ${printable(message)}.\n`);
  if (advice !== '') note(`  ${printable(sentence(advice))}\n`);
  printStack(stack);
}

/** Prints the stack of an error for a report of a bug, if SEALSTREAM_DEBUG asks for it. */
export function printStack(stack: string | undefined): void {
  if (process.env['SEALSTREAM_DEBUG'] === '1' && stack !== undefined) note(`${stack}\n`);
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!]$/.test(whole) ? whole : `${whole}.`;
}
