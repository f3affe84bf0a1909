// What a rewrap is to change, by its options.

import { createHash } from 'node:crypto';

import type { Recipient, RewrapChange, SlotSelector } from '../../index';
import { limits } from '../../internal/binding';
import { SLOT_TYPES } from '../../internal/options';

import type { Arguments } from '../runner/arguments';
import { usageError } from '../errors/usage-error';

/**
 * Refuses what no rewrap can mean.
 *
 * @throws CommandError.
 */
export function checkChange(args: Arguments): void {
  const adds = ADDITIONS.some((option) => args.has(option));
  const [removes, replaces] = [args.has('remove'), args.has('replace')];
  if (args.has('mend')) {
    if (adds || removes || replaces) throw usageError('--mend changes nobody', 'leave it out, or the rest');
  } else if (!adds && !removes) {
    throw usageError(
      'nothing is to be changed',
      'say who with --add-recipient TEXT, --add-key FILE or --remove SELECTOR; --mend writes the header again as it is',
    );
  }
  if (args.has('log') && PASSPHRASES.some((option) => args.has(option))) {
    // To know it again the log would have to hold what a passphrase can be guessed by.
    throw usageError(
      '--log can not tell one passphrase from another',
      'leave it out, or add the passphrase by a command of its own',
    );
  }
  if (replaces && (!adds || removes)) {
    throw usageError(
      '--replace needs whom to add, and nothing to remove',
      'give --add-key FILE and --replace',
    );
  }
}

/** The change, for the library. */
export function change(
  args: Arguments,
  add: readonly Recipient[],
  remove: readonly SlotSelector[],
): RewrapChange {
  if (args.has('replace')) return { replace: add };
  return { ...(add.length > 0 && { add }), ...(remove.length > 0 && { remove }) };
}

/**
 * A change in a word, by which a log knows its own lines: what is added counts, and not the names of the files that it is in.
 *
 * @param marks Of whoever is added.
 */
export function changeOf(args: Arguments, marks: readonly string[]): string {
  const said = ['key-id', 'remove'].map((option) => args.values(option));
  const flags = ['replace', 'mend'].filter((option) => args.has(option));
  const text = JSON.stringify([marks, ...said, flags]);
  // Public keys are long, and every line has this.
  return createHash('sha256').update(text).digest('hex');
}

/**
 * What a value of --remove selects.
 *
 * @throws CommandError.
 */
export function selectorOf(text: string): SlotSelector {
  if (/^\d{1,9}$/.test(text)) {
    if (Number(text) < MAX_SLOTS) return Number(text);
    throw usageError(
      `--remove can't be ${text}: the last position there can be is ${MAX_SLOTS - 1}`,
      'see the positions of a file with sealstream inspect',
    );
  }
  if (text.startsWith('id:') && text.length > 3) return { keyId: text.slice(3) };
  const type = SLOT_TYPES.find((candidate) => text === `type:${candidate}`);
  if (type === undefined) {
    const types = SLOT_TYPES.map((candidate) => `type:${candidate}`).join(', ');
    throw usageError(`--remove can't be ${text}`, `write id:NAME, a position such as 0, or one of ${types}`);
  }
  return { type };
}

// What a header has room for.
const MAX_SLOTS = limits.maxSlots;
const PASSPHRASES = ['add-passphrase', 'add-passphrase-fd'];
const ADDITIONS = ['add-recipient', 'add-recipients-file', 'add-key', ...PASSPHRASES];
