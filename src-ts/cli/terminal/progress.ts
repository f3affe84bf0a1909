// The progress bar: one line on a terminal's standard error, gone when the work is done.

import type { ProgressEvent } from '../../index';

import { isTerminal, note, STDERR, terminalWidth } from './console';
import { formatClock, formatRate, formatSize } from '../../damage-page/units';

/** A bar that is fed by an operation's progress. */
export interface ProgressBar {
  /** For `onProgress`; none where nobody looks. */
  readonly listener: ((progress: ProgressEvent) => void) | undefined;
  /** Takes the bar off the terminal. */
  clear(): void;
}

/** A bar on standard error, if that is a terminal that can show one. */
export function progressBar(isWanted: boolean): ProgressBar {
  if (!isWanted || !isTerminal(STDERR) || process.env['TERM'] === 'dumb') {
    return { listener: undefined, clear: () => undefined };
  }
  const began = Date.now();
  let isShown = false;
  return {
    listener(progress) {
      const elapsed = Date.now() - began;
      // What is over in a moment needs no bar.
      if (elapsed < PATIENCE) return;
      note(`\r${progressLine(progress, elapsed, terminalWidth() - 1)}\x1b[K`);
      isShown = true;
    },
    clear() {
      if (isShown) note('\r\x1b[K');
      isShown = false;
    },
  };
}

/** A bar that is fed by several operations at once. */
export interface CommonBar {
  /** A listener for one more operation, which is `alone` if there is no other. */
  readonly begin: (alone: boolean) => ProgressBar['listener'];
  /** Takes the bar off the terminal. */
  readonly clear: () => void;
}

/** A bar for operations whose number is not known in advance: it shows what they have done together. */
export function commonBar(isWanted: boolean): CommonBar {
  const bar = progressBar(isWanted);
  const { listener } = bar;
  let together = 0;
  const begin: CommonBar['begin'] = (alone) => {
    if (listener === undefined || alone) return listener;
    let before = 0;
    return ({ bytesDone }) => {
      together += bytesDone - before;
      before = bytesDone;
      listener({ bytesDone: together });
    };
  };
  return {
    begin,
    clear() {
      bar.clear();
    },
  };
}

/**
 * A line that shows how far an operation is.
 *
 * @param elapsed  Milliseconds since it began.
 * @param width  Columns that the line may have.
 */
export function progressLine(
  { bytesDone, bytesTotal }: ProgressEvent,
  elapsed: number,
  width: number,
): string {
  const rate = formatRate(bytesDone, elapsed);
  if (bytesTotal === undefined || bytesTotal === 0)
    return `${formatSize(bytesDone)}  ${rate}`.slice(0, width);

  const share = Math.min(1, bytesDone / bytesTotal);
  const left = share === 0 ? '' : `  ${formatClock((elapsed * (1 - share)) / share)} left`;
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const text = `  ${formatSize(bytesDone)} of ${formatSize(bytesTotal)}  ${rate}${left}`;
  const cells = Math.min(30, width - WIDEST_TEXT);
  if (cells < 5) return `${percent}${text}`.slice(0, width);

  const full = Math.round(cells * share);
  return `${percent} [${'#'.repeat(full)}${'.'.repeat(cells - full)}]${text}`.slice(0, width);
}

const PATIENCE = 200;
// All but the bar, at its longest within an hour: the bar keeps its length while the numbers change theirs.
const WIDEST_TEXT = 59;
