// Public keys where something else is expected: they are told by their look.

import { closeSync, openSync, readSync } from 'node:fs';

/** Whether a word looks like a public key. */
export function isPublicKey(text: string): boolean {
  return LOOK.test(text);
}

/**
 * Whether a file's first line that is no comment looks like a public key. Only a regular file is to be asked. Nothing of a file
 * of secrets becomes a string, which could not be overwritten.
 */
export function holdsPublicKey(path: string): boolean {
  const bytes = Buffer.alloc(ENOUGH);
  try {
    const fd = openSync(path, 'r');
    try {
      return beginsWithPublicKey(bytes.subarray(0, readSync(fd, bytes, 0, ENOUGH, 0)));
    } finally {
      closeSync(fd);
    }
  } catch {
    // What is wrong with it is told already.
    return false;
  } finally {
    bytes.fill(0);
  }
}

function beginsWithPublicKey(bytes: Buffer): boolean {
  for (let start = 0; start < bytes.length;) {
    const first = bytes[start] ?? 0;
    const found = bytes.indexOf(LINE_FEED, start);
    if (first === HASH) start = found === -1 ? bytes.length : found + 1;
    else if (first <= BLANK) start += 1;
    else return bytes.indexOf('age1', start) === start && isPublicKey(bytes.toString('latin1', start));
  }
  return false;
}

const LOOK = /^age1[a-z0-9]{50}/;
// For a comment and the longest public key.
const ENOUGH = 4096;
const LINE_FEED = 0x0a;
const HASH = 0x23;
// It and everything below it is none of a line's text.
const BLANK = 0x20;
