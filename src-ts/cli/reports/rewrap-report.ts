// The report of rewrap.

import type { RewrapReport } from '../../index';
import { SLOT_TYPES } from '../../internal/options';

import { type FileResult, FilesReport } from './files-report';
import { counted, formatCount, formatDuration } from '../../damage-page/units';

/** What rewrap did to a file; nothing if its log says that the change is done. */
export type Rewrapped = RewrapReport | 'skipped';

type Status = 'ok' | 'skipped' | 'failed';

/** The report of a rewrap. */
export class RewrapFilesReport extends FilesReport<Rewrapped, Status> {
  constructor() {
    super({ ok: 0, skipped: 0, failed: 0 });
  }

  protected override assess(result: FileResult<Rewrapped>): { status: Status; exitCode?: number } {
    if ('failure' in result) return { status: 'failed', exitCode: result.failure.exitCode };
    return { status: result.report === 'skipped' ? 'skipped' : 'ok' };
  }

  protected override describe(report: Rewrapped): [string] {
    if (report === 'skipped') return ['done before, according to the log'];
    const { added, removed, slots, revision, inPlace } = report;
    const unknown = unknownSlots(report);
    const parts = [
      ...(added.length > 0 ? [`added ${added.length}`] : []),
      ...(removed.length > 0 ? [`removed ${removed.length}`] : []),
      ...(unknown > 0 ? [`kept ${counted(unknown, 'slot')} of unknown types`] : []),
      `${counted(slots.length, 'key slot')}, revision ${revision}, ${inPlace ? 'in place' : 'in a new file'}`,
    ];
    return [parts.join('; ')];
  }

  protected override properties(report: Rewrapped): object {
    return report === 'skipped' ? {} : { ...report, unknownSlots: unknownSlots(report) };
  }

  protected override total(): string[] {
    const { ok, skipped, failed } = this.counts;
    const before = skipped === 0 ? '' : `, ${formatCount(skipped)} done before`;
    return [
      `rewrapped ${counted(ok, 'file')} in ${formatDuration(this.elapsedMs)}${before}, ${formatCount(failed)} failed`,
    ];
  }

  protected override sums(): object {
    return this.counts;
  }
}

/** Slots of types that this release does not know. --replace keeps them. */
function unknownSlots({ slots }: RewrapReport): number {
  return slots.filter(({ type }) => !SLOT_TYPES.some((known) => known === type)).length;
}
