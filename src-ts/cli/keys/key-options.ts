// The options by which commands name keys.

import type { OptionSpec } from '../runner/arguments';

const passphrase: OptionSpec = {
  name: 'passphrase',
  short: 'p',
  help: ['ask for a passphrase on the terminal; SEALSTREAM_PASSPHRASE, if set, is taken', 'instead'],
};
const passphraseFd: OptionSpec = {
  name: 'passphrase-fd',
  value: 'N',
  help: ['the passphrase is the first line of descriptor N, such as 3 with 3< FILE behind'],
};

/** What a passphrase that is sealed for costs. */
export const passphraseStrength: readonly OptionSpec[] = [
  {
    name: 'passphrase-strength',
    value: 'NAME',
    help: ['what trying the new passphrase costs: interactive, default or sensitive'],
  },
  {
    name: 'passphrase-cost',
    value: 'COST',
    help: ['the same in numbers of Argon2id: MEMORY,PASSES,LANES, such as 64M,3,4'],
  },
];

/** For whom to seal. */
export const sealingKeys: readonly OptionSpec[] = [
  {
    name: 'recipient',
    short: 'r',
    value: 'TEXT',
    repeatable: true,
    help: ['a public key, age1pq1… or age1…: whoever has its secret key can open it'],
  },
  {
    name: 'recipients-file',
    short: 'R',
    value: 'FILE',
    repeatable: true,
    help: ['public keys, one a line; # begins a comment'],
  },
  { name: 'key', short: 'k', value: 'FILE', repeatable: true, help: ['the key file; one or several'] },
  {
    name: 'key-id',
    value: 'TEXT',
    help: [
      'a name for the key, which anyone can read in the sealed file, so that the',
      'right key is found later',
    ],
  },
  passphrase,
  passphraseFd,
  ...passphraseStrength,
];

/** What to open with. */
export const openingKeys: readonly OptionSpec[] = [
  {
    name: 'key',
    short: 'k',
    value: 'FILE',
    repeatable: true,
    help: ['the key file; give several and the one that fits is used'],
  },
  {
    name: 'identity',
    short: 'i',
    value: 'FILE',
    repeatable: true,
    help: ['a file of secret keys, AGE-SECRET-KEY-…, one a line: of key pairs'],
  },
  passphrase,
  passphraseFd,
  {
    name: 'accept-slots',
    value: 'TYPES',
    help: ['try only these: key, passphrase, x25519, hybrid, provider; commas between'],
  },
  {
    name: 'max-passphrase-cost',
    value: 'SIZE',
    help: [
      'what trying a passphrase may cost in all: memory times passes, 4G by default.',
      'The file says how much it takes, and whoever can write it can change that',
    ],
  },
];

/** Where what opens a stream comes from, for the details of a command. */
export const keyPlace = [
  'A key is read from a file: -k, or else, where no other option names any, the one that',
  'SEALSTREAM_KEY_FILE names. Keys and passphrases are not taken from the command line, where every',
  'program on the computer could read them. A file with secret keys must be a regular file, not a',
  'pipe, that only you can read. SEALSTREAM_PASSPHRASE can be read by your other programs.',
];
