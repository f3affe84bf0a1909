// @ts-check
// An answer that goes out as over a slow line. The buffers of one machine would take a whole video at once otherwise, and
// nothing would be left to be asked for when somebody seeks.

import { setTimeout as wait } from 'node:timers/promises';

/**
 * @param {import('node:http').ServerResponse} response  Nothing of it was written yet.
 * @param {number} bytesPerSecond
 * @param {(bytes: number) => void} sent  Told of what goes out.
 */
export function slowDown(response, bytesPerSecond, sent) {
  const [write, end, emit] = [response.write, response.end, response.emit].map((method) =>
    /** @type {(...args: unknown[]) => unknown} */ (method).bind(response),
  );
  /** Done when all before it went out. */
  let line = Promise.resolve();

  /** @param {Uint8Array} chunk */
  const trickle = async (chunk) => {
    for (let at = 0; at < chunk.length && !response.destroyed; at += PIECE) {
      const piece = chunk.subarray(at, at + PIECE);
      write?.(piece);
      sent(piece.length);
      await wait((piece.length / bytesPerSecond) * 1000);
    }
    emit?.('drain');
  };
  Object.assign(response, {
    write: (/** @type {Uint8Array} */ chunk) => {
      line = line.then(() => trickle(chunk));
      return false;
    },
    end: (/** @type {unknown[]} */ ...args) => {
      line = line.then(() => void end?.(...args));
      return response;
    },
    // Whoever writes waits for this line, not for the socket.
    emit: (/** @type {string} */ event, /** @type {unknown[]} */ ...args) =>
      event !== 'drain' && emit?.(event, ...args),
  });
}

const PIECE = 16 * 1024;
