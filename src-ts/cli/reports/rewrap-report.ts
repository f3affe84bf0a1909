// What rewrapping files did, for people and for programs.

import type { RewrapReport } from '../../index';
import { SLOT_TYPES } from '../../internal/options';

import { printable } from '../terminal/console';
import { type Failed, failedObject, failedText, Tally } from './file-outcomes';
import { counted, formatCount, formatDuration } from '../../damage-page/units';

/** What came of one file: what was done, that it had been done before, or why it could not be. */
export type Outcome =
  | { readonly path: string; readonly report: RewrapReport }
  | { readonly path: string; readonly skipped: true }
  | Failed;

/** A line about a file, and one more with advice where it failed. */
export function outcomeText(outcome: Outcome): string {
  const { path } = outcome;
  if ('failure' in outcome) return failedText('FAILED   ', outcome);
  if ('skipped' in outcome) return `skipped  ${printable(path)}: done before, as the log says\n`;
  const { added, removed, slots, revision, inPlace } = outcome.report;
  const changes = [
    ...(added.length > 0 ? [`added ${added.length}`] : []),
    ...(removed.length > 0 ? [`removed ${removed.length}`] : []),
  ];
  const unknown = unknownSlots(outcome.report);
  const stays = unknown === 0 ? [] : [`${counted(unknown, 'slot')} of unknown types left as they are`];
  const how = inPlace ? 'in place' : 'in a new file';
  const who = `${counted(slots.length, 'key slot')}, revision ${revision}, ${how}`;
  return `ok       ${printable(path)}: ${[...changes, ...stays, who].join('; ')}\n`;
}

/** The same as an object. */
export function outcomeObject(outcome: Outcome): object {
  const { path: file } = outcome;
  if ('report' in outcome) {
    return { file, status: 'ok', ...outcome.report, unknownSlots: unknownSlots(outcome.report) };
  }
  if ('skipped' in outcome) return { file, status: 'skipped' };
  return failedObject('failed', outcome);
}

/** Slots of types that this release does not know, which also `--replace` leaves. */
function unknownSlots({ slots }: RewrapReport): number {
  return slots.filter(({ type }) => !SLOT_TYPES.some((known) => known === type)).length;
}

/** Sums over all files. */
export class Summary {
  readonly #tally = new Tally();
  readonly #counts = { ok: 0, skipped: 0, failed: 0 };

  /** Adds a file. */
  add(outcome: Outcome): void {
    if ('failure' in outcome) {
      this.#counts.failed += 1;
      this.#tally.add(outcome.failure.exitCode);
    } else if ('skipped' in outcome) this.#counts.skipped += 1;
    else this.#counts.ok += 1;
  }

  /** The exit code of it all: that of the worst. */
  get exitCode(): number {
    return this.#tally.exitCode;
  }

  text(): string {
    const { ok, skipped, failed } = this.#counts;
    const time = formatDuration(this.#tally.elapsedMs);
    const before = skipped === 0 ? '' : `, ${formatCount(skipped)} done before`;
    return `rewrapped ${counted(ok, 'file')} in ${time}${before}, ${formatCount(failed)} failed\n`;
  }

  object(exitCode = this.exitCode): object {
    const { elapsedMs } = this.#tally;
    return { summary: { ...this.#counts, elapsedMs, exitCode } };
  }
}
