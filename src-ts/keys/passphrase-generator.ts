// Generates passphrases.

import { native } from '../internal/binding';
import { callNative } from '../internal/errors';
import { integer } from '../internal/options';

/** Bits of randomness in each word: the list has 2048 words, all equally likely. */
export const BITS_PER_WORD = 11;
/** Words in a passphrase by default. */
export const DEFAULT_WORDS = 10;
export const MIN_WORDS = 6;
export const MAX_WORDS = 24;

/**
 * Generates a passphrase: English words, drawn with the system's random generator and joined by `-`.
 *
 * JavaScript cannot overwrite the string; it stays in memory until that is reused.
 *
 * @param words The number of words, 6 to 24, 10 by default. Each adds 11 bits.
 * @throws RangeError or TypeError for another number, SealError if the random generator fails.
 *
 * @example
 * const secret = generatePassphrase();
 * await encryptFile('a', 'a.seal', { recipients: [passphrase(secret)] });
 */
export function generatePassphrase(words: number = DEFAULT_WORDS): string {
  const count = integer(MIN_WORDS, MAX_WORDS)('words', words);
  return callNative(() => native.generatePassphrase(count));
}
