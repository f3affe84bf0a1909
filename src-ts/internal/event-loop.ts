// Shares the event loop with the rest of the program.

import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Yields to the event loop if its current turn has taken long. Work that goes from promise to promise never ends a turn by
 * itself.
 *
 * @returns `undefined` if the turn has not taken long, so that the caller need not await.
 */
export function yieldIfLong(): Promise<void> | undefined {
  const now = performance.now();
  if (turnBegan === undefined) {
    turnBegan = now;
    // Reset with the turn. The timer keeps no process alive.
    setImmediate(() => (turnBegan = undefined)).unref();
  }
  return now - turnBegan < LONG_TURN_MS ? undefined : nextTurn();
}

/**
 * Returns what `emit` returns, or `otherwise` if a listener throws. A promise would swallow the listener's error; here it stays
 * an uncaught exception, as for every event emitter.
 */
export function emitSafely<T>(emit: () => T, otherwise: T): T {
  try {
    return emit();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return otherwise;
  }
}

let turnBegan: number | undefined;
const LONG_TURN_MS = 4;
