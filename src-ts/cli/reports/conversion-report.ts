// The report of encrypt and decrypt, and its warnings.

import type { OpenReport, Report, SealReport, StartedOver } from '../../index';

import { type Direction, type Endpoint, type Endpoints, nameOf } from '../files/endpoints';
import { warn } from '../terminal/messages';
import { counted, formatCount, formatDuration, formatRate, formatSize } from '../../damage-page/units';

/** One line about a conversion. */
export function conversionText(
  direction: Direction,
  ends: Endpoints,
  report: SealReport | OpenReport,
): string {
  const { plaintextSize, elapsedMs, segments } = report;
  const rate = plaintextSize < RATE_FROM ? '' : `, ${formatRate(plaintextSize, elapsedMs)}`;
  const verb = direction === 'encrypt' ? 'sealed' : 'opened';
  const size = `${formatSize(plaintextSize)} in ${formatDuration(elapsedMs)}${rate}`;
  return `${verb} ${nameOf(ends.source)} -> ${nameOf(ends.target)}: ${size}, ${counted(segments, 'segment')}${resumeText(report)}`;
}

/** The same as an object. */
export function conversionObject(ends: Endpoints, report: Report): object {
  return { source: pathOrDash(ends.source), target: pathOrDash(ends.target), ...report };
}

/** How much of an interrupted run was used. */
function resumeText({ resume, segments }: Report): string {
  if (resume === undefined) return '';
  const { segmentsResumed, startedOver } = resume;
  if (startedOver !== undefined) return `; started over: ${REASONS[startedOver]}`;
  return segmentsResumed === 0
    ? ''
    : `; resumed ${formatCount(segmentsResumed)} of ${formatCount(segments)} segments`;
}

/** Warns that an interruption would have lost some segments. */
export function warnOfJournal({ resume }: Report): void {
  for (const { segment } of resume?.checkpointErrors ?? []) {
    warn(
      `the journal could not be written from segment ${segment} on: an interruption would have lost the later segments`,
    );
  }
}

/** Warns of a damaged header of a stream that was opened anyway. */
export function warnOfHeader(
  source: Endpoint,
  { headerFromCopy, headerCopyDamaged }: { headerFromCopy: boolean; headerCopyDamaged?: boolean },
): void {
  const header = `the header of ${nameOf(source)}`;
  if (headerFromCopy) {
    warn(
      `${header} is damaged, or older than its copy after an interrupted rewrap; the copy was used, and the contents are intact: sealstream rewrap --mend writes both again`,
    );
  }
  if (headerCopyDamaged === true) {
    warn(
      `the copy of ${header} is damaged; the header and the contents are intact: sealstream rewrap --mend writes the copy again`,
    );
  }
}

function pathOrDash(end: Endpoint): string {
  return 'path' in end ? end.path : '-';
}

const REASONS: Readonly<Record<StartedOver, string>> = {
  'journal-torn': 'the beginning of the journal was damaged',
  'no-matching-key': 'the key is not the one of the interrupted run',
  'no-secret': 'public keys open no journal, and no resume secret was given',
  'options-differ': 'the options are not those of the interrupted run',
  'output-missing': 'the unfinished output was missing',
  'output-damaged': 'the output was complete but not yet renamed, and damaged',
  distrusted: 'others could have written to the journal or to the unfinished output',
};
// For less data, the rate measures the start of threads.
const RATE_FROM = 2 ** 20;
