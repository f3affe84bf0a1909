// What was done, for people and for programs.

import type { OpenReport, Report, SealReport } from '../index';

import { printable } from './console';
import type { Direction, Endpoints } from './endpoints';
import { nameOf } from './endpoints';
import { counted, formatDuration, formatRate, formatSize } from './units';

/** One line about a conversion that succeeded. */
export function reportText(direction: Direction, ends: Endpoints, report: SealReport | OpenReport): string {
  const { plaintextSize, elapsedMs, segments } = report;
  const rate = plaintextSize < RATE_FROM ? '' : `, ${formatRate(plaintextSize, elapsedMs)}`;
  const verb = direction === 'encrypt' ? 'sealed' : 'opened';
  const [from, to] = [printable(nameOf(ends.source)), printable(nameOf(ends.target))];
  const time = formatDuration(elapsedMs);
  return `${verb} ${from} -> ${to}: ${formatSize(plaintextSize)} in ${time}${rate}, ${counted(segments, 'segment')}`;
}

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
      `the header of ${from} is damaged; its copy served, and the contents are whole: seal them again soon`,
    );
  }
  if (state.headerCopyDamaged === true) {
    found.push(
      `the copy of the header of ${from} is damaged; the header and the contents are whole: seal them again soon`,
    );
  }
  return found.map(printable);
}

function portable(end: Endpoints['source']): string {
  return 'path' in end ? end.path : '-';
}

// Below this a rate tells of the start of threads rather than of sealing.
const RATE_FROM = 2 ** 20;
