// @ts-check
// Sends a response as over a slow line. Without this the socket's buffers would take the whole video at once, and a seek
// would cause no further request.

import { setTimeout as wait } from 'node:timers/promises';

/**
 * @param {import('node:http').ServerResponse} response  Nothing may have been written to it.
 * @param {number} bytesPerSecond
 * @param {(bytes: number) => void} onSent  Called with the size of each piece sent.
 */
export function slowDown(response, bytesPerSecond, onSent) {
  const [write, end, emit] = [response.write, response.end, response.emit].map((method) =>
    /** @type {(...args: unknown[]) => unknown} */ (method).bind(response),
  );
  /** Resolves when all earlier chunks are sent. */
  let line = Promise.resolve();

  /** @param {Uint8Array} chunk */
  const trickle = async (chunk) => {
    for (let at = 0; at < chunk.length && !response.destroyed; at += PIECE) {
      const piece = chunk.subarray(at, at + PIECE);
      write?.(piece);
      onSent(piece.length);
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
    // The writer must wait for this line, not for the socket.
    emit: (/** @type {string} */ event, /** @type {unknown[]} */ ...args) =>
      event !== 'drain' && emit?.(event, ...args),
  });
}

const PIECE = 16 * 1024;
