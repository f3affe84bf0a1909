// Text that the command prints and reads: sizes, times, the progress bar, suggestions.

import fc from 'fast-check';

import test from 'ava';

import { printable } from '../../src-ts/cli/terminal/console.js';
import { nearest } from '../../src-ts/internal/nearest.js';
import { progressLine } from '../../src-ts/cli/terminal/progress.js';
import { giveOtherKey, howToOpen } from '../../src-ts/cli/errors/key-advice.js';
import { formatDuration, formatSize, parseShare, parseSize } from '../../src-ts/damage-page/units.js';

test('sizes are read with K, M and G as powers of 1024', (t) => {
  t.is(parseSize('65536'), 65_536);
  t.is(parseSize('64K'), 65_536);
  t.is(parseSize('64kib'), 65_536);
  t.is(parseSize('1M'), 2 ** 20);
  t.is(parseSize('2GB'), 2 ** 31);
  for (const text of ['', 'K', '-1', '1.5M', '1 M', '1T', '0x10', '1MiBs', '9'.repeat(20)])
    t.is(parseSize(text), undefined);
});

test('shares are read in percent or as a fraction', (t) => {
  t.is(parseShare('1%'), 0.01);
  t.is(parseShare('0.5%'), 0.005);
  t.is(parseShare('0.01'), 0.01);
  t.is(parseShare('.5'), 0.5);
  t.is(parseShare('100%'), 1);
  for (const text of ['', '%', '-1%', '1 %', '1%%', '1e-2', 'a']) t.is(parseShare(text), undefined, text);
});

test('sizes are written in a unit that fits', (t) => {
  t.is(formatSize(0), '0 B');
  t.is(formatSize(1023), '1023 B');
  t.is(formatSize(1024), '1 KiB');
  t.is(formatSize(1_500_000), '1.4 MiB');
  t.is(formatSize(2 ** 20 - 1), '1 MiB');
  t.is(formatSize(2 ** 30), '1 GiB');
});

test('times are written as people read them', (t) => {
  t.is(formatDuration(2.3), '3 ms');
  t.is(formatDuration(620), '0.62 s');
  t.is(formatDuration(12_340), '12.3 s');
  t.is(formatDuration(185_000), '3:05');
  t.is(formatDuration(3_723_000), '1:02:03');
});

test('the nearest word is found, and none if no word is near', (t) => {
  const words = ['keygen', 'encrypt', 'decrypt', 'inspect', 'context', 'output', 'max-segment-size'];
  t.is(nearest('encrpyt', words), 'encrypt');
  t.is(nearest('ouput', words), 'output');
  t.is(nearest('max-seg', words), 'max-segment-size');
  t.is(nearest('zzz', words), undefined);
  t.is(nearest('x', words), undefined);
});

test('a word with one typing error is found among words that are far apart', (t) => {
  const words = ['keygen', 'allow-readable-key', 'context', 'no-flush'];
  const word = fc.constantFrom(...words);
  t.notThrows(() => {
    fc.assert(
      fc.property(word, fc.nat(), fc.constantFrom('z', ''), (right, seed, instead) => {
        const place = seed % right.length;
        return nearest(right.slice(0, place) + instead + right.slice(place + 1), words) === right;
      }),
    );
  });
});

test('a progress bar fits its width at any size and rate', (t) => {
  const event = fc.record(
    { bytesDone: fc.nat({ max: 2 ** 45 }), bytesTotal: fc.nat({ max: 2 ** 45 }) },
    { requiredKeys: ['bytesDone'] },
  );
  t.notThrows(() => {
    fc.assert(
      fc.property(
        event,
        fc.integer({ min: 200, max: 1e9 }),
        fc.integer({ min: 1, max: 300 }),
        (progress, elapsed, width) => {
          return progressLine(progress, elapsed, width).length <= width;
        },
      ),
    );
  });
  t.is(
    progressLine({ bytesDone: 2 ** 29, bytesTotal: 2 ** 30 }, 1000, 79),
    ' 50% [##########..........]  512 MiB of 1 GiB  512 MiB/s  0:01 left',
  );
});

test('printed text can’t control a terminal or look like another line', (t) => {
  t.is(printable('a\nb\x1b[31m\u202e'), 'a\\nb\\u{1b}[31m\\u{202e}');
  t.is(printable('Grüße 漢字 🔐'), 'Grüße 漢字 🔐');
});

test('advice about keys depends on the types of the key slots', (t) => {
  t.regex(howToOpen(['passphrase']) ?? '', /-p/);
  t.is(howToOpen(['hybrid', 'x25519'])?.match(/-i FILE/g)?.length, 1);
  t.is(howToOpen(['provider', 'unknown']), undefined);

  const context = { command: 'decrypt', input: 'a', isNamed: true };
  t.regex(
    giveOtherKey({ ...context, offered: ['key'], slotTypes: ['key', 'x25519'] }),
    /^the key did not match: [^]*-i/,
  );
  t.regex(giveOtherKey({ ...context, offered: ['key'], slotTypes: ['key'] }), /^give the key file/);
  t.regex(giveOtherKey({ ...context, slotTypes: ['key'], accepted: ['passphrase'] }), /--accept-slots/);
  t.regex(giveOtherKey({ ...context, slotTypes: ['provider'] }), /use the library/);
  // Standard input can't be inspected: every option is named.
  t.regex(giveOtherKey({ ...context, offered: ['key'] }), /-k FILE, -i FILE or -p/);
});
