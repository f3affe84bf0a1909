// The progress bar: one line on the terminal at standard error, removed at the end.

import type { OperationProgress } from '../../index';

import { isTerminal, note, STDERR, terminalWidth } from './console';
import { formatClock, formatRate, formatSize } from '../../damage-page/units';

/** The bar of one operation. */
export interface ProgressBar {
  /** For `onProgress`; `undefined` if no bar is shown. */
  readonly listener: ((progress: OperationProgress) => void) | undefined;
  /** Removes the bar from the terminal. */
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
      if (elapsed < SHOW_AFTER_MS) return;
      note(`\r${progressLine(progress, elapsed, terminalWidth() - 1)}\x1b[K`);
      isShown = true;
    },
    clear() {
      if (isShown) note('\r\x1b[K');
      isShown = false;
    },
  };
}

/** Makes listeners for several operations, of which `listener` gets the sum. Their number need not be known in advance. */
export function summed(listener: ProgressBar['listener']): () => ProgressBar['listener'] {
  let total = 0;
  return () => {
    let before = 0;
    return (
      listener &&
      (({ bytesDone }) => {
        total += bytesDone - before;
        before = bytesDone;
        listener({ bytesDone: total });
      })
    );
  };
}

/**
 * The text of the bar.
 *
 * @param elapsed Milliseconds since the operation began.
 * @param width Columns of the line, at most.
 */
export function progressLine(
  { bytesDone, bytesTotal }: OperationProgress,
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

// Shorter operations need no bar.
const SHOW_AFTER_MS = 200;
// The longest text beside the bar within an hour. The bar keeps its length while the numbers grow.
const WIDEST_TEXT = 59;
