// Passphrases that are drawn rather than thought up.

import { native } from '../internal/binding';
import { calling } from '../api/errors';
import { checkedInteger } from '../internal/options';

/** Bits of randomness in each word: the list has 2048, and all are equally likely. @internal */
export const BITS_PER_WORD = 11;
/** Words in a passphrase unless told otherwise. @internal */
export const DEFAULT_WORDS = 10;
/** The fewest words. @internal */
export const MIN_WORDS = 6;
/** The most words. @internal */
export const MAX_WORDS = 24;

/**
 * A new passphrase: English words from the system's generator with `-` between them.
 *
 * It is a string, which JavaScript can't overwrite: it stays in memory until that is used for something else.
 *
 * @param words How many, 6 to 24, 10 by default. Each is worth 11 bits.
 * @throws RangeError or TypeError for anything else, SealError if the system gives no random bytes.
 */
export function generatePassphrase(words: number = DEFAULT_WORDS): string {
  const count = checkedInteger('words', words, MIN_WORDS, MAX_WORDS);
  return calling(() => native.generatePassphrase(count));
}
