// @ts-check
/** How long the event loop is kept from what is due. */
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
  // What is recorded is the time from one tick of its timer to the next, of which so much is due.
  return Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION);
}

/** Milliseconds. */
const RESOLUTION = 1;
