// What was done, for people and for programs.

import type { OpenReport, Report, SealReport, StartedOver } from '../../index';

import { printable } from '../terminal/console';
import type { Direction, Endpoints } from '../files/endpoints';
import { nameOf } from '../files/endpoints';
import { counted, formatCount, formatDuration, formatRate, formatSize } from '../../damage-page/units';

/** One line about a conversion that succeeded. */
export function reportText(direction: Direction, ends: Endpoints, report: SealReport | OpenReport): string {
  const { plaintextSize, elapsedMs, segments } = report;
  const rate = plaintextSize < RATE_FROM ? '' : `, ${formatRate(plaintextSize, elapsedMs)}`;
  const verb = direction === 'encrypt' ? 'sealed' : 'opened';
  const [from, to] = [printable(nameOf(ends.source)), printable(nameOf(ends.target))];
  const time = formatDuration(elapsedMs);
  const text = `${verb} ${from} -> ${to}: ${formatSize(plaintextSize)} in ${time}${rate}, ${counted(segments, 'segment')}`;
  return text + resumeText(report);
}

/** What was there of an earlier attempt. */
function resumeText({ resume, segments }: Report): string {
  if (resume === undefined) return '';
  const { segmentsResumed, startedOver } = resume;
  if (startedOver !== undefined) return `; started over: ${REASONS[startedOver]}`;
  return segmentsResumed === 0
    ? ''
    : `; resumed ${formatCount(segmentsResumed)} of ${formatCount(segments)} segments`;
}

/** What kept an operation from leaving what the next could have gone on with. */
export function resumeWarnings({ resume }: Report): string[] {
  const errors = resume?.checkpointErrors ?? [];
  return errors.map(({ segment }) =>
    printable(
      `the journal could not be written from segment ${segment} on: an interruption would have cost what came after`,
    ),
  );
}

const REASONS: Readonly<Record<StartedOver, string>> = {
  JournalTorn: 'the journal was torn at its beginning',
  NoMatchingKey: 'the key is not the one that it was begun with',
  NoSecret: 'public keys open no journal, and no resume secret was given',
  OptionsDiffer: 'the options are not those that it was begun with',
  OutputMissing: 'the unfinished output was gone',
  OutputDamaged: 'the output was complete but for its name, and damaged',
  Distrusted: 'others could have written to what was left',
};

/** The same as an object. */
export function reportObject(direction: Direction, ends: Endpoints, report: Report): object {
  return { command: direction, source: portable(ends.source), target: portable(ends.target), ...report };
}

/** What is wrong with a stream that could be opened all the same. */
export function warnings(
  from: string,
  state: { headerFromCopy: boolean; headerCopyDamaged?: boolean },
): string[] {
  const found: string[] = [];
  if (state.headerFromCopy) {
    found.push(
      `the header of ${from} is damaged, or older than its copy after an interrupted rewrap; the copy served, and the contents are whole: sealstream rewrap --mend writes both again`,
    );
  }
  if (state.headerCopyDamaged === true) {
    found.push(
      `the copy of the header of ${from} is damaged; the header and the contents are whole: sealstream rewrap --mend writes it again`,
    );
  }
  return found.map(printable);
}

function portable(end: Endpoints['source']): string {
  return 'path' in end ? end.path : '-';
}

// Below this a rate tells of the start of threads rather than of sealing.
const RATE_FROM = 2 ** 20;
