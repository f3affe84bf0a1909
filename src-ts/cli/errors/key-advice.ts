// Advice about keys, by the types of a sealed file's key slots.

import type { FailureContext } from './failure-context';

/** How to give what opens key slots of these types; `undefined` if no option does. */
export function howToOpen(types: readonly string[]): string | undefined {
  const texts = new Set(types.flatMap((type) => HOW_TO_OPEN[type] ?? []));
  return texts.size === 0 ? undefined : [...texts].join('; or ');
}

/** What to do if no given key opens the file. */
export function giveOtherKey(context: FailureContext): string {
  const advice = otherKey(context);
  return context.command === 'verify'
    ? `${advice}; or check what can be checked without a key: --no-key`
    : advice;
}

function otherKey({ slotTypes, accepted, offered = [], isKeyFromEnvironment }: FailureContext): string {
  const types = slotTypes ?? Object.keys(HOW_TO_OPEN);
  const wanted = types.filter((type) => accepted?.includes(type) !== false);
  if (isKeyFromEnvironment === true && wanted.includes('key')) {
    return 'the key is the one of SEALSTREAM_KEY_FILE: set that to the key file that it was encrypted with, or give -k FILE';
  }
  if (slotTypes === undefined) return GIVE_ANY;
  // A type that was not tried is more likely than another key of a type that was.
  const untried = howToOpen(wanted.filter((type) => !offered.includes(type)));
  if (untried !== undefined) {
    const tried = new Set(offered.map((type) => TRIED[type] ?? type));
    return tried.size === 0 ? untried : `${[...tried].join(' and ')} did not match: ${untried}`;
  }
  return howToOpen(wanted) ?? (wanted.length < types.length ? ACCEPT_MORE : NO_OPTION);
}

const WITH_IDENTITY = 'give the file of the secret key that belongs to its public key, with -i FILE';
const HOW_TO_OPEN: Readonly<Record<string, string>> = {
  passphrase: 'it opens with a passphrase: use -p, which asks for it',
  x25519: WITH_IDENTITY,
  hybrid: WITH_IDENTITY,
  key: 'give the key file that it was encrypted with, with -k FILE',
};
const TRIED: Readonly<Record<string, string>> = {
  key: 'the key',
  x25519: 'the key pair',
  hybrid: 'the key pair',
  passphrase: 'the passphrase',
};
// Standard input can't be inspected.
const GIVE_ANY = 'give one of the keys that it was encrypted for, with -k FILE, -i FILE or -p';
const ACCEPT_MORE = 'accept its other key slots with --accept-slots';
const NO_OPTION = 'the command has no option for the keys that open it: use the library';
