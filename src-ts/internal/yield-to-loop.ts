// Turns of the event loop: work that goes from promise to promise never ends one by itself.

import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Lets the event loop go on with what else it has, if this turn of it takes long already.
 *
 * @returns `undefined` where it does not, so that nobody waits for nothing.
 * @internal
 */
export function turnIfLong(): Promise<void> | undefined {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    // The mark goes with the turn, and keeps no process alive.
    setImmediate(() => (began = undefined)).unref();
  }
  return now - began < LONG ? undefined : nextTurn();
}

let began: number | undefined;
/** Milliseconds. */
const LONG = 4;
