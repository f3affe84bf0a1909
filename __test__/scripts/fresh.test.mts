import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { atLeast, installedAsLocked, newestChange } from '../../scripts/lib/fresh.mjs';

test('versions are compared part by part, as numbers', (t) => {
  t.true(atLeast('20.19.0', '20.19'));
  t.true(atLeast('20.20.2', '20.19'));
  t.true(atLeast('100.0.0', '20.19'));
  t.true(atLeast('1.95.0-nightly', '1.95'));
  t.false(atLeast('20.9.9', '20.19'));
  t.false(atLeast('18.20.0', '20.19'));
  t.false(atLeast('1.95', '1.95.1'));
});

test('an install is current when it holds what the lock file asks for', (t) => {
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

test('the newest change is the newest file or folder, however deep', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'sealstream-'));
  t.teardown(() => {
    rmSync(root, { recursive: true });
  });
  const folder = join(root, 'a', 'b');
  const file = join(folder, 'c.rs');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, '');
  for (const path of [root, join(root, 'a'), folder]) utimesSync(path, 1000, 1000);

  utimesSync(file, 2000, 2000);
  t.is(newestChange([root]), 2_000_000);
  utimesSync(folder, 3000, 3000);
  t.is(newestChange([root]), 3_000_000);
  t.is(newestChange([join(root, 'missing')]), 0);
});
