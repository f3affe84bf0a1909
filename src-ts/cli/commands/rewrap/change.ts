// The change that the options of rewrap ask for.

import { createHash } from 'node:crypto';

import type { RewrapOptions } from '../../../index';
import type { Recipient, SlotSelector } from '../../../index';
import { limits } from '../../../internal/binding';
import { SLOT_TYPES } from '../../../internal/options';

import type { Arguments } from '../../runner/arguments';
import { usageError } from '../../errors/command-error';

/**
 * Checks the combination of options.
 *
 * @throws CommandError for options that can't be combined, and for no change at all.
 */
export function checkChange(args: Arguments): void {
  const adds = ADDITIONS.some((option) => args.has(option));
  const [removes, replaces] = [args.has('remove'), args.has('replace')];
  if (args.has('mend')) {
    if (adds || removes || replaces)
      throw usageError('--mend changes no key slot', 'leave it out, or the other changes');
  } else if (!adds && !removes) {
    throw usageError(
      'no change is given',
      'use --add-recipient TEXT, --add-key FILE or --remove SELECTOR; --mend writes the header again as it is',
    );
  }
  if (args.has('log') && PASSPHRASES.some((option) => args.has(option))) {
    // To recognize it, the log would need a hash, by which a passphrase can be guessed.
    throw usageError(
      "--log can't tell one passphrase from another",
      'leave it out, or add the passphrase with a separate command',
    );
  }
  if (replaces && (!adds || removes)) {
    throw usageError(
      '--replace needs an addition, and excludes --remove',
      'for example: --add-key FILE --replace',
    );
  }
}

/** The change, for the library. */
export function changeFor(
  args: Arguments,
  add: readonly Recipient[],
  remove: readonly SlotSelector[],
): Pick<RewrapOptions, 'add' | 'remove' | 'replace' | 'mend'> {
  if (args.has('mend')) return { mend: true };
  if (args.has('replace')) return { replace: add };
  return { ...(add.length > 0 && { add }), ...(remove.length > 0 && { remove }) };
}

/**
 * A hash of the change, by which a log recognizes its own lines. It depends on the added keys, not on the names of their files.
 *
 * @param recipients Fingerprints of the added recipients.
 */
export function fingerprintOf(args: Arguments, recipients: readonly string[]): string {
  const values = ['key-id', 'remove'].map((option) => args.values(option));
  const flags = ['replace', 'mend'].filter((option) => args.has(option));
  const text = JSON.stringify([recipients, ...values, flags]);
  // Every line of the log has it, and public keys are long.
  return createHash('sha256').update(text).digest('hex');
}

/**
 * The key slots that a value of --remove selects.
 *
 * @throws CommandError for any other text.
 */
export function selectorOf(text: string): SlotSelector {
  const [, slot] = /^slot:(\d{1,9})$/.exec(text) ?? [];
  if (slot !== undefined) {
    if (Number(slot) < limits.maxSlots) return { slotIndex: Number(slot) };
    throw usageError(
      `--remove can't be ${text}: the highest slot index is ${limits.maxSlots - 1}`,
      'see the key slots of a file with sealstream inspect',
    );
  }
  if (text.startsWith('id:') && text.length > 3) return { keyId: text.slice(3) };
  const type = SLOT_TYPES.find((candidate) => text === `type:${candidate}`);
  if (type === undefined) {
    const types = SLOT_TYPES.map((candidate) => `type:${candidate}`).join(', ');
    throw usageError(`--remove can't be ${text}`, `write id:NAME, slot:N such as slot:0, or one of ${types}`);
  }
  return { type };
}

const PASSPHRASES = ['add-passphrase', 'add-passphrase-fd'];
const ADDITIONS = ['add-recipient', 'add-recipients-file', 'add-key', ...PASSPHRASES];
