import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { folder, jsonError, names, parsed, sealstream } from './command.mjs';

test('a key file is its owner’s alone, and the report says what is next', async (t) => {
  const cwd = folder(t);
  const { code, stdout, stderr } = await sealstream(['keygen', '-o', 'my.key'], { cwd });
  t.is(code, 0);
  t.is(stdout.length, 0);
  t.regex(stderr, /sealstream encrypt -k my\.key FILE/);
  t.regex(readFileSync(join(cwd, 'my.key'), 'utf8'), /^[0-9a-f]{64}\n$/m);
  if (process.platform !== 'win32') t.is(statSync(join(cwd, 'my.key')).mode & 0o777, 0o600);
});

test('a file is never replaced by a key', async (t) => {
  const cwd = folder(t);
  await sealstream(['keygen', '-o', 'my.key'], { cwd });
  const before = readFileSync(join(cwd, 'my.key'));
  const { code, stderr } = await sealstream(['keygen', '-o', 'my.key'], { cwd });
  t.is(code, 5);
  t.regex(stderr, /my\.key exists/);
  t.deepEqual(readFileSync(join(cwd, 'my.key')), before);
});

test('a key is printed only where that is asked for', async (t) => {
  const cwd = folder(t);
  const nothing = await sealstream(['keygen'], { cwd });
  t.is(nothing.code, 2);
  t.is(nothing.stdout.length, 0);
  t.regex(nothing.stderr, /-o FILE.*-o -/);

  const printed = await sealstream(['keygen', '-o', '-'], { cwd });
  t.is(printed.code, 0);
  t.regex(printed.stdout.toString(), /^[0-9a-f]{64}\n$/);
  t.is(printed.stderr, '');
  t.deepEqual(names(cwd), []);
});

test('--json names the key file and does not show the key', async (t) => {
  const cwd = folder(t);
  const { stdout, stderr } = await sealstream(['keygen', '-o', 'k', '--json'], { cwd });
  t.deepEqual(parsed(stdout), { command: 'keygen', keyFile: 'k' });
  t.is(stderr, '');

  const refused = await sealstream(['keygen', '-o', '-', '--json'], { cwd });
  t.is(refused.code, 2);
  t.is(jsonError(refused.stderr)['kind'], 'Usage');
});

test('--quiet says nothing', async (t) => {
  const { code, stdout, stderr } = await sealstream(['keygen', '-qo', 'k'], { cwd: folder(t) });
  t.deepEqual([code, stdout.length, stderr], [0, 0, '']);
});

test('a folder that is not there is named', async (t) => {
  const { code, stderr } = await sealstream(['keygen', '-o', 'no/such/k'], { cwd: folder(t) });
  t.is(code, 1);
  t.regex(stderr, /no\/such\/k/);
});

test('a file name without -o is explained', async (t) => {
  const { code, stderr } = await sealstream(['keygen', 'my.key'], { cwd: folder(t) });
  t.is(code, 2);
  t.regex(stderr, /sealstream keygen -o my\.key/);
});
