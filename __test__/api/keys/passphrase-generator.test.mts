import test from 'ava';
import { generatePassphrase } from 'sealstream';

test('a generated passphrase has the requested number of words, ten by default', (t) => {
  t.is(generatePassphrase().split('-').length, 10);
  for (const words of [6, 7, 24]) {
    const passphrase = generatePassphrase(words);
    t.regex(passphrase, /^[a-z]{3,8}(-[a-z]{3,8})+$/);
    t.is(passphrase.split('-').length, words);
  }
});

test('generated passphrases differ, and use the whole word list', (t) => {
  const all = Array.from({ length: 500 }, () => generatePassphrase(24));
  t.is(new Set(all).size, all.length);
  // Of 2048 words 12,000 draws leave out six; none of the first letters by chance.
  const words = all.flatMap((passphrase) => passphrase.split('-'));
  t.true(new Set(words).size > 1900);
});

test('too few words, too many words and other values are refused', (t) => {
  for (const words of [5, 25, 0, -1, 10.5, Number.NaN]) {
    t.throws(() => generatePassphrase(words), { instanceOf: RangeError });
  }
  t.throws(() => generatePassphrase('10' as unknown as number), { instanceOf: TypeError });
});
