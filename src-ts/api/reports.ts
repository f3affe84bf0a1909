// The addon's report as the package's two.

import type { Report as NativeReport } from '../../native/binding';
import type { OpenReport, SealReport } from '../internal/types';

/** @internal */
export function sealReport(report: NativeReport): SealReport {
  const { opened: _, ...common } = report;
  return common;
}

/** @internal */
export function openReport(report: NativeReport): OpenReport {
  const { opened, ...common } = report;
  if (opened === undefined)
    throw new Error('an operation that opens reported none of it (a bug in sealstream)');
  return { ...common, ...opened };
}

/** What the progress of sealing and opening ends with. @internal */
export function plaintextSize(report: NativeReport): number {
  return report.plaintextSize;
}
