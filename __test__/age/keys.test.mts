// Keys are age's: what its commands make is taken here, and what is made here is taken by them. `npm run test:age` builds
// the commands.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { folder, names, sealstream } from '../cli/command.mjs';

/** Runs a command of age's, and gives what it prints. */
function age(command: 'age' | 'age-keygen', args: readonly string[], cwd: string, input = ''): string {
  const program = join(process.env['AGE_COMMANDS'] ?? '', command);
  return execFileSync(program, args, { cwd, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

for (const [kind, theirs, ours, prefix] of [
  ['X25519', [], ['--pair', '--x25519'], 'age1'],
  ['post-quantum hybrid', ['-pq'], ['--pair'], 'age1pq1'],
] as const) {
  test(`an ${kind} key pair of age-keygen’s serves here as it is`, async (t) => {
    const cwd = folder(t);
    age('age-keygen', [...theirs, '-o', 'theirs.key'], cwd);
    const publicKey = age('age-keygen', ['-y', 'theirs.key'], cwd).trim();
    t.true(publicKey.startsWith(prefix));
    const shown = await sealstream(['keygen', '-y', 'theirs.key'], { cwd });
    t.is(shown.stdout.toString().trim(), publicKey, shown.stderr);

    writeFileSync(join(cwd, 'x'), 'some text');
    const sealed = await sealstream(['encrypt', '-r', publicKey, 'x'], { cwd });
    t.is(sealed.code, 0, sealed.stderr);
    const opened = await sealstream(['decrypt', '-i', 'theirs.key', '-o', 'y', 'x.seal'], { cwd });
    t.is(opened.code, 0, opened.stderr);
    t.is(readFileSync(join(cwd, 'y'), 'utf8'), 'some text');
  });

  test(`an ${kind} key pair that is made here serves age as it is`, async (t) => {
    const cwd = folder(t);
    const made = await sealstream(['keygen', ...ours, '-o', 'ours.key'], { cwd });
    const publicKey = made.stdout.toString().trim();
    t.is(age('age-keygen', ['-y', 'ours.key'], cwd).trim(), publicKey);
    const lines = (name: string) =>
      readFileSync(join(cwd, name), 'utf8')
        .split('\n')
        .map((line) => line.replace(/\d/g, '0').slice(0, 16));
    age('age-keygen', [...theirs, '-o', 'theirs.key'], cwd);
    t.is(lines('ours.key').length, lines('theirs.key').length);
    t.deepEqual(lines('ours.key').slice(0, 2), lines('theirs.key').slice(0, 2));

    age('age', ['-r', publicKey, '-o', 'x.age'], cwd, 'for age');
    t.is(age('age', ['-d', '-i', 'ours.key', 'x.age'], cwd), 'for age');
  });
}

test('a file of several pairs and a list of recipients are the same for both', async (t) => {
  const cwd = folder(t);
  for (const [name, args] of [
    ['a.key', []],
    ['b.key', ['-pq']],
  ] as const) {
    age('age-keygen', [...args, '-o', name], cwd);
  }
  writeFileSync(
    join(cwd, 'both.key'),
    ['a.key', 'b.key'].map((name) => readFileSync(join(cwd, name), 'utf8')).join('\n'),
    {
      mode: 0o600,
    },
  );
  const publicKeys = age('age-keygen', ['-y', 'both.key'], cwd);
  t.is((await sealstream(['keygen', '-y', 'both.key'], { cwd })).stdout.toString(), publicKeys);
  writeFileSync(join(cwd, 'team'), `# both\n${publicKeys}`);
  writeFileSync(join(cwd, 'x'), 'some text');
  const sealed = await sealstream(['encrypt', '-R', 'team', 'x'], { cwd });
  t.is(sealed.code, 0, sealed.stderr);
  for (const name of ['a.key', 'b.key', 'both.key']) {
    const opened = await sealstream(['decrypt', '-i', name, '-f', '-o', 'y', 'x.seal'], { cwd });
    t.is(opened.code, 0, opened.stderr);
  }
});

test('a host with the public key alone can seal, and can’t open', async (t) => {
  const [owner, host] = [folder(t), folder(t)];
  age('age-keygen', ['-pq', '-o', 'backup.key'], owner);
  writeFileSync(join(host, 'backup.pub'), age('age-keygen', ['-y', 'backup.key'], owner));
  writeFileSync(join(host, 'x'), 'some text');
  t.is((await sealstream(['encrypt', '-R', 'backup.pub', 'x'], { cwd: host })).code, 0);
  for (const args of [
    ['-i', 'backup.pub', '--allow-readable-key'],
    ['-k', 'backup.pub', '--allow-readable-key'],
  ]) {
    const { code } = await sealstream(['decrypt', ...args, '-o', 'y', 'x.seal'], { cwd: host });
    t.is(code, 3);
  }
  t.false(names(host).includes('y'));
  const opened = await sealstream(['decrypt', '-i', 'backup.key', '-o', 'y', join(host, 'x.seal')], {
    cwd: owner,
  });
  t.is(opened.code, 0, opened.stderr);
});
