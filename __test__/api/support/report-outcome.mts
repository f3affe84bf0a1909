// How the report of a stream ends.

export interface ReportOutcome {
  state: 'pending' | 'resolved' | 'rejected';
  reason?: unknown;
}

/** What has become of a report, read at any time. */
export function outcomeOf(report: Promise<object>): ReportOutcome {
  const outcome: ReportOutcome = { state: 'pending' };
  report.then(
    () => (outcome.state = 'resolved'),
    (reason: unknown) => {
      outcome.state = 'rejected';
      outcome.reason = reason;
    },
  );
  return outcome;
}

/** Why a report was rejected. Fails if it was not. */
export function reasonOf(report: Promise<object>): Promise<unknown> {
  return report.then(
    () => {
      throw new Error('the report resolved');
    },
    (reason: unknown) => reason,
  );
}
