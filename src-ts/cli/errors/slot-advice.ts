// What a sealed file's slots ask for, as advice.

import type { Scene } from './failure-place';

/**
 * How to give what these types of slots open with, or nothing where no option gives it.
 *
 * @param types Of the slots, as `inspect` names them.
 */
export function waysToOpen(types: readonly string[]): string | undefined {
  const ways = Object.entries(WAYS).filter(([type]) => types.includes(type));
  const texts = [...new Set(ways.map(([, way]) => way))];
  return texts.length === 0 ? undefined : texts.join('; or ');
}

/**
 * The types of the slots that a failure lists in words, but for those that are not accepted.
 *
 * @param slots As `NoMatchingKey` has them.
 */
export function slotTypes(slots: string): string[] {
  // A key's name can be anything.
  const bare = slots.replace(QUOTED, '""').split('; ');
  return bare.filter((words) => !words.endsWith(NOT_ACCEPTED)).map((words) => TYPES[words] ?? 'unknown');
}

/**
 * What to do where nothing that was given opens the file.
 *
 * @param slots As `NoMatchingKey` has them.
 */
export function otherKey(slots: string, scene: Scene | undefined): string {
  const advice = otherKeyOf(slots, scene);
  return scene?.command === 'verify'
    ? `${advice}; or check what can be checked without the key with --no-key`
    : advice;
}

function otherKeyOf(slots: string, scene: Scene | undefined): string {
  const wanted = slotTypes(slots);
  if (scene?.isKeyFromEnvironment === true && wanted.includes('key')) {
    return 'the key is the one of SEALSTREAM_KEY_FILE: let that name the key file that it was sealed with, or give -k FILE';
  }
  // What was not tried at all is likelier than another of what was.
  const untried = waysToOpen(wanted.filter((type) => scene?.offered?.includes(type) !== true));
  if (untried !== undefined) return triedText(scene?.offered ?? []) + untried;
  const ways = waysToOpen(wanted);
  if (ways !== undefined) return ways;
  return slots.includes(NOT_ACCEPTED)
    ? 'have it accepted with --accept-slots'
    : 'none of its keys can be given here';
}

function triedText(offered: readonly string[]): string {
  const tried = new Set(offered.map((type) => TRIED[type] ?? type));
  return tried.size === 0 ? '' : `${[...tried].join(' and ')} did not fit: `;
}

const WAYS: Readonly<Record<string, string>> = {
  passphrase: 'it opens with a passphrase: have it asked for with -p',
  x25519: 'give the file of the secret key that belongs to its public key, by -i FILE',
  hybrid: 'give the file of the secret key that belongs to its public key, by -i FILE',
  key: 'give the key file that it was sealed with, by -k FILE',
};
const TRIED: Readonly<Record<string, string>> = {
  key: 'the key',
  x25519: 'the key pair',
  hybrid: 'the key pair',
  passphrase: 'the passphrase',
};
const TYPES: Readonly<Record<string, string>> = {
  'a key without a name': 'key',
  'key ""': 'key',
  'a passphrase': 'passphrase',
  'an X25519 key': 'x25519',
  'a post-quantum hybrid key': 'hybrid',
};
const NOT_ACCEPTED = 'which is not accepted';
const QUOTED = /"(?:[^"\\]|\\.)*"/g;
