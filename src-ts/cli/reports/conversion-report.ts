// The report of encrypt and decrypt, and its warnings.

import type { StartedOver } from '../../../native/binding';
import type { DecryptReport, EncryptReport, ReportWarning } from '../../index';

import { type Direction, type Endpoint, type Endpoints, nameOf } from '../files/endpoints';
import { warn } from '../terminal/messages';
import { counted, formatCount, formatDuration, formatRate, formatSize } from '../../damage-page/units';

/** One line about a conversion. */
export function conversionText(
  direction: Direction,
  ends: Endpoints,
  report: EncryptReport | DecryptReport,
): string {
  const {
    plaintextSize,
    stats: { elapsedMs, segments },
  } = report;
  const rate = plaintextSize < RATE_FROM ? '' : `, ${formatRate(plaintextSize, elapsedMs)}`;
  const verb = `${direction}ed`;
  const size = `${formatSize(plaintextSize)} in ${formatDuration(elapsedMs)}${rate}`;
  return `${verb} ${nameOf(ends.source)} -> ${nameOf(ends.target)}: ${size}, ${counted(segments, 'segment')}${senderText(report)}${resumeText(report)}`;
}

/** Who signed it. */
function senderText({ sender }: EncryptReport | DecryptReport): string {
  if (sender === undefined) return '';
  const name = sender.publicKey ?? 'a key that can not be read';
  return sender.verified ? `; signed by ${name}` : `; its signature is not right (${name})`;
}

/** How much of an interrupted run was used. */
function resumeText({ resume, stats: { segments } }: EncryptReport | DecryptReport): string {
  if (resume === undefined) return '';
  const { segmentsResumed, startedOver } = resume;
  if (startedOver !== undefined) return `; started over: ${REASONS[startedOver]}`;
  return segmentsResumed === 0
    ? ''
    : `; resumed ${formatCount(segmentsResumed)} of ${formatCount(segments)} segments`;
}

/** Prints the warnings of a report; about `source` those of its header. */
export function printWarnings(source: Endpoint, warnings: readonly ReportWarning[]): void {
  for (const { kind, message } of warnings) {
    switch (kind) {
      case 'HeaderFromCopy':
        warnOfHeader(source);
        break;
      case 'HeaderCopyDamaged':
        warn(
          `the copy of the header of ${nameOf(source)} is damaged; the header and the contents are intact: sealstream rewrap --mend writes the copy again`,
        );
        break;
      default:
        warn(message);
    }
  }
}

/** Warns that the header's copy was used. */
export function warnOfHeader(source: Endpoint): void {
  warn(
    `the header of ${nameOf(source)} is damaged, or older than its copy after an interrupted rewrap; the copy was used, and the contents are intact: sealstream rewrap --mend writes both again`,
  );
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
