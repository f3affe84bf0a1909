import { linkSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import test from 'ava';

import { temporaryDirectory } from '../api/support/files.mjs';

import { atLeast, hasStamp, installedAsLocked, stateOf, writeStamp } from '../../scripts/lib/fresh.mjs';

test('versions are compared part by part, as numbers', (t) => {
  t.true(atLeast('20.19.0', '20.19'));
  t.true(atLeast('20.20.2', '20.19'));
  t.true(atLeast('100.0.0', '20.19'));
  t.true(atLeast('1.95.0-nightly', '1.95'));
  t.false(atLeast('20.9.9', '20.19'));
  t.false(atLeast('18.20.0', '20.19'));
  t.false(atLeast('1.95', '1.95.1'));
});

test('an installation is current if it matches the lock file', (t) => {
  const lock = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/other-platform': { version: '2.0.0', optional: true },
    },
  };
  const a = { 'node_modules/a': { version: '1.0.0' } };

  t.true(installedAsLocked(lock, { packages: a }));
  t.false(installedAsLocked(lock, { packages: {} }));
  t.false(installedAsLocked(lock, { packages: { 'node_modules/a': { version: '1.0.1' } } }));
  t.false(installedAsLocked(lock, { packages: { ...a, 'node_modules/gone': { version: '1.0.0' } } }));
});

test('a state depends on all files at or below its paths, not on their times', (t) => {
  const root = temporaryDirectory(t);
  const file = join(root, 'a', 'b', 'c.rs');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'one');
  utimesSync(file, 2000, 2000);
  const paths = [join(root, 'a'), join(root, 'missing')];
  const state = stateOf(paths);
  t.is(stateOf(paths), state);
  const changes: [string, () => void][] = [
    [
      'newer',
      () => {
        utimesSync(file, 3000, 3000);
      },
    ],
    [
      'older',
      () => {
        utimesSync(file, 1000, 1000);
      },
    ],
    [
      'another size',
      () => {
        writeFileSync(file, 'three');
      },
    ],
    [
      'renamed',
      () => {
        renameSync(file, `${file}.old`);
      },
    ],
    [
      'gone',
      () => {
        rmSync(`${file}.old`);
      },
    ],
    [
      'missing no more',
      () => {
        writeFileSync(join(root, 'missing'), '');
      },
    ],
  ];
  const seen = new Set([state]);
  for (const [name, change] of changes) {
    change();
    t.false(seen.has(stateOf(paths)), name);
    seen.add(stateOf(paths));
  }
});

test('a source that changes during a build makes the result stale', (t) => {
  const root = temporaryDirectory(t);
  const [source, stamp] = [join(root, 'source'), join(root, 'stamps', 'made')];
  writeFileSync(source, 'one');
  const before = stateOf([source]);
  t.false(hasStamp(stamp, before));
  writeFileSync(source, 'other');
  writeStamp(stamp, before);
  t.false(hasStamp(stamp, stateOf([source])));
  writeStamp(stamp, stateOf([source]));
  t.true(hasStamp(stamp, stateOf([source])));
});

test('a stamp in a hard-linked copy of a tree does not count for that copy', (t) => {
  const root = temporaryDirectory(t);
  const [stamp, other] = [join(root, 'stamp'), join(root, 'other')];
  writeStamp(stamp, 'here');
  linkSync(stamp, other);
  writeStamp(other, 'there');
  t.true(hasStamp(stamp, 'here'));
  t.true(hasStamp(other, 'there'));
});
