// What people and programs are told on standard error.

import { note, printable } from './console';
import type { Explanation } from '../errors/explanation';

/** One line of a report. */
export function inform(text: string): void {
  note(`${text}\n`);
}

/** One line about something that works, and soon may not. */
export function warn(text: string): void {
  note(`sealstream: warning: ${text}\n`);
}

/** A failure: a sentence and what to do about it, or the same as JSON. */
export function tellFailure(
  failure: Explanation,
  { command, json }: { command: string | undefined; json: boolean },
): void {
  if (failure.isSilent) return;
  const { code, kind, message, advice, exitCode } = failure;
  if (json) {
    const details = { code, kind, message, advice, exitCode, failure: failure.failure ?? null };
    note(`${JSON.stringify({ error: details })}\n`);
  } else {
    note(`sealstream${command === undefined ? '' : ` ${command}`}: ${printable(message)}.\n`);
    if (advice !== '') note(`  ${printable(sentence(advice))}\n`);
  }
  if (process.env['SEALSTREAM_DEBUG'] === '1' && failure.stack !== undefined) note(`${failure.stack}\n`);
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!]$/.test(whole) ? whole : `${whole}.`;
}
