import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import test from 'ava';

import { repositoryFile } from '../api/support/files.mjs';

import { replaceSection } from '../../scripts/lib/marked-section.mjs';
import { runtimes } from '../../scripts/matrix/runtimes.mjs';
import { surprises, table } from '../../scripts/matrix/table.mjs';

const MAIN = join(import.meta.dirname, '..', '..', 'scripts', 'matrix', 'smoke', 'main.mjs');

const columns = [
  { id: 'new', title: 'New 2', failures: {} },
  { id: 'old', title: 'Old 1', failures: { fly: 'TypeError: no wings', swim: 'it hangs' } },
];
const gaps = [{ runtimes: ['old'], capability: 'fly', note: 'It has no wings yet.' }];

test('a table names the reason of every gap once, and shows remarks on columns', (t) => {
  const known = { gaps: [...gaps, { ...gaps[0]!, capability: 'swim' }], remarks: { new: 'With a flag.' } };
  t.is(
    table(['walk', 'fly', 'swim'], columns, known),
    [
      '|  | New 2 ¹ | Old 1 |',
      '|---|:-:|:-:|',
      '| walk | ✓ | ✓ |',
      '| fly | ✓ | no ² |',
      '| swim | ✓ | no ² |',
      '',
      '¹ With a flag.<br>',
      '² It has no wings yet.',
    ].join('\n'),
  );
});

test('a failure without a reason is a surprise, and so is a reason without a failure', (t) => {
  t.deepEqual(surprises(columns, gaps), ['Old 1, swim: it hangs']);
  t.deepEqual(surprises(columns, [...gaps, { runtimes: ['new', 'old'], capability: 'swim', note: '' }]), [
    'New 2, swim: works, and is listed as a gap',
  ]);
  t.true(table(['swim'], columns, { gaps, remarks: {} }).endsWith('¹ it hangs'));
});

test('a section is replaced between its markers', (t) => {
  const text = 'before\n<!-- matrix -->\nold\n<!-- /matrix -->\nafter\n';
  const expected = 'before\n<!-- matrix -->\n\nnew\n\n<!-- /matrix -->\nafter\n';
  t.is(replaceSection(text, 'matrix', 'new'), expected);
  t.is(replaceSection(expected, 'matrix', 'new'), expected);
  t.throws(() => replaceSection('nothing', 'matrix', 'new'), { message: /missing or in the wrong order/ });
});

test('docs/RUNTIMES.md lists all runtimes and capabilities', (t) => {
  const lines = repositoryFile('docs', 'RUNTIMES.md').toString().split('\n');
  const shown = lines.slice(lines.indexOf('<!-- matrix -->'), lines.indexOf('<!-- /matrix -->'));
  const rows = shown.filter((line) => line.startsWith('| ')).map((line) => line.split(' | ')[0]!.slice(2));
  const capabilities = JSON.parse(execFileSync(process.execPath, [MAIN], { encoding: 'utf8' })) as string[];
  t.deepEqual(rows.slice(1), capabilities);
  for (const { title } of runtimes())
    t.true(
      shown.some((line) => line.includes(`${title} `)),
      title,
    );
});
