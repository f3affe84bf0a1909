// What a sealed file's slots ask for, as advice.

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
  return bare.filter((words) => !words.endsWith('is not accepted')).map((words) => TYPES[words] ?? 'unknown');
}

const WAYS: Readonly<Record<string, string>> = {
  passphrase: 'it opens with a passphrase: have it asked for with -p',
  x25519: 'give the file of the secret key that belongs to its public key, by -i FILE',
  hybrid: 'give the file of the secret key that belongs to its public key, by -i FILE',
  key: 'give the key file that it was sealed with, by -k FILE',
};
const TYPES: Readonly<Record<string, string>> = {
  'a key without a name': 'key',
  'key ""': 'key',
  'a passphrase': 'passphrase',
  'an X25519 key': 'x25519',
  'a post-quantum hybrid key': 'hybrid',
};
const QUOTED = /"(?:[^"\\]|\\.)*"/g;
