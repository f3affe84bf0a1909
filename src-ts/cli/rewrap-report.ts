// What rewrapping files did, for people and for programs.

import type { RewrapReport } from '../index';

import { printable } from './console';
import { worstOf } from './exit-codes';
import type { Explanation } from './explanation';
import { counted, formatCount, formatDuration } from './units';

/** What came of one file: what was done, that it had been done before, or why it could not be. */
export type Outcome =
  | { readonly path: string; readonly report: RewrapReport }
  | { readonly path: string; readonly skipped: true }
  | { readonly path: string; readonly failure: Explanation };

/** A line about a file, and one more with advice where it failed. */
export function outcomeText(outcome: Outcome): string {
  const { path } = outcome;
  if ('failure' in outcome) {
    const { message, advice } = outcome.failure;
    const told = message.includes(path) ? message : `${path}: ${message}`;
    return `FAILED   ${printable(told)}\n${advice === '' ? '' : `  ${printable(advice)}\n`}`;
  }
  if ('skipped' in outcome) return `skipped  ${printable(path)}: done before, as the log says\n`;
  const { added, removed, slots, revision, inPlace } = outcome.report;
  const changes = [
    ...(added.length > 0 ? [`added ${added.length}`] : []),
    ...(removed.length > 0 ? [`removed ${removed.length}`] : []),
  ];
  const how = inPlace ? 'in place' : 'in a new file';
  const who = `${counted(slots.length, 'key slot')}, revision ${revision}, ${how}`;
  return `ok       ${printable(path)}: ${[...changes, who].join('; ')}\n`;
}

/** The same as an object. */
export function outcomeObject(outcome: Outcome): object {
  const { path: file } = outcome;
  if ('report' in outcome) return { file, status: 'ok', ...outcome.report };
  if ('skipped' in outcome) return { file, status: 'skipped' };
  const { code, kind, message, advice, exitCode, failure } = outcome.failure;
  return {
    file,
    status: 'failed',
    error: { code, kind, message, advice, exitCode, failure: failure ?? null },
  };
}

/** Sums over all files. */
export class Summary {
  readonly #began = Date.now();
  readonly #exitCodes = new Set<number>();
  readonly #counts = { ok: 0, skipped: 0, failed: 0 };

  /** Adds a file. */
  add(outcome: Outcome): void {
    if ('failure' in outcome) {
      this.#counts.failed += 1;
      this.#exitCodes.add(outcome.failure.exitCode);
    } else if ('skipped' in outcome) this.#counts.skipped += 1;
    else this.#counts.ok += 1;
  }

  /** The exit code of it all: that of the worst. */
  get exitCode(): number {
    return worstOf(this.#exitCodes);
  }

  text(): string {
    const { ok, skipped, failed } = this.#counts;
    const time = formatDuration(Date.now() - this.#began);
    const before = skipped === 0 ? '' : `, ${formatCount(skipped)} done before`;
    return `rewrapped ${counted(ok, 'file')} in ${time}${before}, ${formatCount(failed)} failed\n`;
  }

  object(exitCode = this.exitCode): object {
    const elapsedMs = Date.now() - this.#began;
    return { summary: { ...this.#counts, elapsedMs, exitCode } };
  }
}
