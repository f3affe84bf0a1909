// What an editor shows of each function: short, in the package's own names, with a text.

import test from 'ava';

import { hovers } from '../../scripts/hovers.mjs';

/** Characters of the longest signature that a hover shows well. */
const LONGEST = 250;
/** Options that an editor must offer. */
const OFFERED: Readonly<Record<string, readonly string[]>> = {
  'sealstream: encryptFile': ['key', 'recipients', 'context', 'overwrite', 'signal'],
  'sealstream: decryptFile': ['key', 'identities', 'onDamage', 'header'],
  'sealstream: EncryptionStream': ['key', 'concurrency'],
  'sealstream: rewrap': ['add', 'remove', 'replace', 'mend'],
  'sealstream/floe: encrypt': ['key', 'aad'],
  'sealstream/aws-kms: awsKmsKey': ['client', 'keyId'],
};

test('an editor shows every function in few words of the package', (t) => {
  // A language service, on a machine that is busy with other tests.
  t.timeout(300_000);
  const all = hovers();
  t.true(all.length > 80, String(all.length));
  for (const { name, signature, documentation } of all) {
    t.not(documentation, '', name);
    t.notRegex(signature, /import\(|\bany\b|\.\.\. \d+ more/, name);
    t.true(signature.length > 0 && signature.length <= LONGEST, `${name}: ${signature}`);
  }
  for (const [name, options] of Object.entries(OFFERED)) {
    const found = all.find((hover) => hover.name === name)?.options ?? [];
    for (const option of options) t.true(found.includes(option), `${name} offers ${option}`);
  }
});
