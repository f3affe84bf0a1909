// @ts-check
/** Measures the event loop's delay. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * The 99th percentile of the event loop's delay while `work` runs, in milliseconds.
 *
 * @param {() => Promise<unknown>} work
 * @returns {Promise<number>}
 */
export async function loopDelay(work) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  await work();
  histogram.disable();
  // The histogram holds the time between two timer ticks, which includes the timer's own interval.
  return Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION);
}

/** Milliseconds. */
const RESOLUTION = 1;
