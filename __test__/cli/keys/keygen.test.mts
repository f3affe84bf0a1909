import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { folder, jsonReport, names, parsed, sealstream } from '../command.mjs';

test('a key file is readable only by its owner, and the report names the next command', async (t) => {
  const cwd = folder(t);
  const { code, stdout, stderr } = await sealstream(['keygen', '-o', 'my.key'], { cwd });
  t.is(code, 0);
  t.is(stdout.length, 0);
  t.regex(stderr, /sealstream encrypt -k my\.key FILE/);
  t.regex(readFileSync(join(cwd, 'my.key'), 'utf8'), /^[0-9a-f]{64}\n$/m);
  if (process.platform !== 'win32') t.is(statSync(join(cwd, 'my.key')).mode & 0o777, 0o600);
});

test('a key never replaces a file', async (t) => {
  const cwd = folder(t);
  await sealstream(['keygen', '-o', 'my.key'], { cwd });
  const before = readFileSync(join(cwd, 'my.key'));
  const { code, stderr } = await sealstream(['keygen', '-o', 'my.key'], { cwd });
  t.is(code, 5);
  t.regex(stderr, /my\.key exists/);
  t.deepEqual(readFileSync(join(cwd, 'my.key')), before);
});

test('a key is printed only with -o -', async (t) => {
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

test('--json names the key file without the key', async (t) => {
  const cwd = folder(t);
  const { stdout, stderr } = await sealstream(['keygen', '-o', 'k', '--json'], { cwd });
  t.deepEqual(parsed(stdout), { command: 'keygen', file: 'k', status: 'ok', report: { type: 'key' } });
  t.is(stderr, '');

  // The key is data, so that the report goes to standard error.
  const printed = await sealstream(['keygen', '-o', '-', '--json'], { cwd });
  t.regex(printed.stdout.toString(), /^[0-9a-f]{64}\n$/);
  t.deepEqual(jsonReport(printed.stderr), { type: 'key' });
});

test('--quiet prints nothing', async (t) => {
  const { code, stdout, stderr } = await sealstream(['keygen', '-qo', 'k'], { cwd: folder(t) });
  t.deepEqual([code, stdout.length, stderr], [0, 0, '']);
});

test('a missing folder is named', async (t) => {
  const { code, stderr } = await sealstream(['keygen', '-o', 'no/such/k'], { cwd: folder(t) });
  t.is(code, 1);
  t.regex(stderr, /no\/such\/k/);
});

test('a file name without -o is explained', async (t) => {
  const { code, stderr } = await sealstream(['keygen', 'my.key'], { cwd: folder(t) });
  t.is(code, 2);
  t.regex(stderr, /sealstream keygen -o my\.key/);
});

test('a key pair is written to its file, and only its public key to standard output', async (t) => {
  for (const [options, publicKey, secretKey] of [
    [['--pair'], /^age1pq1[a-z0-9]+\n$/, /^AGE-SECRET-KEY-PQ-1[A-Z0-9]+$/m],
    [['--pair', '--x25519'], /^age1[a-z0-9]{58}\n$/, /^AGE-SECRET-KEY-1[A-Z0-9]+$/m],
  ] as const) {
    const cwd = folder(t);
    const made = await sealstream(['keygen', ...options, '-o', 'pair.key'], { cwd });
    t.is(made.code, 0);
    t.regex(made.stdout.toString(), publicKey);
    t.regex(made.stderr, /encrypt -R [^]*-i pair\.key [^]*its public key is on standard output\n$/);
    const file = readFileSync(join(cwd, 'pair.key'), 'utf8');
    t.regex(file, secretKey);
    t.true(file.includes(`# public key: ${made.stdout.toString()}`));
    if (process.platform !== 'win32') t.is(statSync(join(cwd, 'pair.key')).mode & 0o777, 0o600);
    t.deepEqual((await sealstream(['keygen', '-y', 'pair.key'], { cwd })).stdout, made.stdout);

    const again = await sealstream(['keygen', ...options, '-o', 'pair.key'], { cwd });
    t.is(again.code, 5);
    t.is(again.stdout.length, 0);
    t.is(readFileSync(join(cwd, 'pair.key'), 'utf8'), file);
  }
});

test('for a key pair --json has the file and the public key, and -o - prints an identity file', async (t) => {
  const cwd = folder(t);
  const made = await sealstream(['keygen', '--pair', '--x25519', '--json', '-o', 'k'], { cwd });
  const { publicKey } = jsonReport(made.stdout);
  t.deepEqual(jsonReport(made.stdout), { type: 'x25519', publicKey });
  const shown = await sealstream(['keygen', '-y', '--json', 'k'], { cwd });
  t.like(parsed(shown.stdout), { command: 'keygen', file: 'k', report: { publicKeys: [publicKey] } });
  t.false(shown.stdout.includes('SECRET'));

  const printed = await sealstream(['keygen', '--pair', '--x25519', '-o', '-'], { cwd });
  t.regex(printed.stdout.toString(), /^# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$/);
});

test('-y writes public keys to a new file, as age-keygen does', async (t) => {
  const cwd = folder(t);
  const made = await sealstream(['keygen', '--pair', '-o', 'pair.key'], { cwd });
  const write = (to: string) => sealstream(['keygen', '-y', 'pair.key', '-o', to], { cwd });
  t.regex((await write('pair.pub')).stderr, /^wrote 1 public key of pair\.key to pair\.pub\n$/);
  t.deepEqual(readFileSync(join(cwd, 'pair.pub')), made.stdout);
  for (const taken of ['pair.pub', 'pair.key']) t.is((await write(taken)).code, 5);
  t.deepEqual(readFileSync(join(cwd, 'pair.pub')), made.stdout);
  t.is((await sealstream(['keygen', '-y', 'pair.key'], { cwd })).code, 0);
});

test('a passphrase of words is printed, with its strength in bits', async (t) => {
  const ten = await sealstream(['keygen', '--passphrase-words'], { cwd: folder(t) });
  t.is(ten.code, 0);
  t.regex(ten.stdout.toString(), /^[a-z]+(-[a-z]+){9}\n$/);
  t.regex(ten.stderr, /10 random words, worth 110 bits/);
  const six = await sealstream(['keygen', '--passphrase-words', '6', '-q']);
  t.regex(six.stdout.toString(), /^[a-z]+(-[a-z]+){5}\n$/);
  t.is(six.stderr, '');
  const seven = await sealstream(['keygen', '--passphrase-words=7', '-q']);
  t.regex(seven.stdout.toString(), /^[a-z]+(-[a-z]+){6}\n$/);
});

test('options of different kinds of keys can’t be combined', async (t) => {
  const cwd = folder(t);
  for (const [args, expected] of [
    [['--pair', '-y', 'k'], /--pair and -y exclude each other/],
    [['--x25519', '-o', 'k'], /--x25519 needs --pair/],
    [['--pair'], /FILE is missing/],
    [['--passphrase-words', '5'], /one number from 6 to 24, not 5/],
    [['--passphrase-words', '25'], /6 to 24/],
    [['--passphrase-words', 'ten'], /6 to 24/],
    [['--passphrase-words', '6', '7'], /not 6 7/],
    [['--passphrase-words=6', '7'], /not 6 7/],
    [['--pair=6', '-o', 'k'], /--pair takes no value/],
    [['--y', 'a'], /unknown option --y/],
    [['--passphrase-words', '-o', 'k'], /not written to a file/],
    [['-y'], /takes one identity file/],
    [['-y', 'a', 'b'], /takes one identity file/],
    [['-y', '-'], /takes one identity file/],
    [['-y', 'a'], /identity file a does not exist[^]*after -y;/],
  ] as const) {
    const { code, stdout, stderr } = await sealstream(['keygen', ...args], { cwd });
    t.is(code, 2, stderr);
    t.is(stdout.length, 0);
    t.regex(stderr, expected);
  }
  t.deepEqual(names(cwd), []);
});
