// The report of rewrap.

import type { RewrapReport } from '../../index';
import { SLOT_TYPES } from '../../internal/options';

import type { Status } from './envelope';
import { FilesReport } from './files-report';
import { counted, formatCount, formatDuration } from '../../damage-page/units';

/** What rewrap did to a file; nothing if its log says that the change is done. */
export type Rewrapped = RewrapReport | 'skipped';

/** The report of a rewrap. */
export class RewrapFilesReport extends FilesReport<Rewrapped> {
  protected override exitCodeOf(): undefined {
    return undefined;
  }

  protected override statusWithoutReport(report: Rewrapped): Status | undefined {
    return report === 'skipped' ? 'skipped' : undefined;
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

  protected override properties(report: Rewrapped): object | undefined {
    return report === 'skipped' ? undefined : { ...report, unknownSlots: unknownSlots(report) };
  }

  protected override total(): string[] {
    const { ok, skipped, damaged, failed } = this.counts;
    const before = skipped === 0 ? '' : `, ${formatCount(skipped)} done before`;
    return [
      `rewrapped ${counted(ok, 'file')} in ${formatDuration(this.elapsedMs)}${before}, ${formatCount(damaged + failed)} failed`,
    ];
  }

  protected override sums(): object {
    const { ok, skipped, damaged, failed } = this.counts;
    return { files: ok + skipped + damaged + failed, ok, skipped, damaged, failed };
  }
}

/** Slots of types that this release does not know. --replace keeps them. */
function unknownSlots({ slots }: RewrapReport): number {
  return slots.filter(({ type }) => !SLOT_TYPES.some((known) => known === type)).length;
}
