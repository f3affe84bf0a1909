// Senders on the command line: --sender-key signs, and --sender accepts only what a sender signed.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { folder, jsonError, jsonReport, sealstream } from '../command.mjs';

/** A folder with the key `my.key`, the sender keys `ours` and `theirs` with their public keys, and `x.seal`, which `ours` signed. */
async function signedFile(t: ExecutionContext) {
  const cwd = folder(t);
  const run = (...args: string[]) => sealstream(args, { cwd });
  writeFileSync(join(cwd, 'x'), 'some text');
  t.is((await run('keygen', '-o', 'my.key')).code, 0);
  const publicKeys: string[] = [];
  for (const name of ['ours', 'theirs']) {
    const made = await run('keygen', '--sender', '-o', name);
    t.is(made.code, 0, made.stderr);
    publicKeys.push(made.stdout.toString().trim());
    writeFileSync(join(cwd, `${name}.pub`), made.stdout);
  }
  const sealed = await run('encrypt', '-k', 'my.key', '--sender-key', 'ours', '--json', 'x');
  t.is(sealed.code, 0, sealed.stderr);
  const [ours = '', theirs = ''] = publicKeys;
  t.like(jsonReport(sealed.stdout), { sender: { publicKey: ours, verified: true } });
  return { cwd, run, ours, theirs };
}

test('only a file of a named sender is decrypted, printed, verified and healed', async (t) => {
  const { cwd, run, ours, theirs } = await signedFile(t);
  const commands = [
    ['decrypt', '-k', 'my.key', '-o', 'out', '-f', 'x.seal'],
    ['cat', '-k', 'my.key', '-o', 'out', '-f', 'x.seal'],
    ['verify', '--no-key', 'x.seal'],
    ['verify', '-k', 'my.key', 'x.seal'],
    ['heal', 'x.seal', 'copy.seal', '-o', 'out', '-f'],
  ];
  writeFileSync(join(cwd, 'copy.seal'), readFileSync(join(cwd, 'x.seal')));
  for (const command of commands) {
    for (const sender of [ours, 'ours.pub']) {
      const { code, stderr } = await run(...command, '--sender', 'theirs.pub', '--sender', sender);
      t.is(code, 0, `${command.join(' ')}: ${stderr}`);
    }
    const refused = await run(...command, '--sender', theirs);
    t.is(refused.code, 4, command.join(' '));
    t.regex(refused.stderr + refused.stdout.toString(), /another sender signed it/);
  }
  t.true((await run('inspect', 'x.seal')).stdout.toString().includes(`${ours}, as it claims`));
});

test('an unsigned file is refused with its reason', async (t) => {
  const { run } = await signedFile(t);
  await run('encrypt', '-k', 'my.key', '-o', 'plain.seal', 'x');
  const refused = await run(
    ...['decrypt', '-k', 'my.key', '--sender', 'ours.pub', '--json', '-o', 'out', 'plain.seal'],
  );
  t.is(refused.code, 4);
  t.like(jsonError(refused).failure, { kind: 'SenderUnverified', reason: 'no-signature' });
});

test('a sender key that can not be used is refused before any work', async (t) => {
  const { cwd, run } = await signedFile(t);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', join(cwd, 'protected')]);
  for (const [name, expected, pattern] of [
    ['missing', 2, /does not exist/],
    ['x', 3, /no private key of OpenSSH/],
    ['protected', 3, /ssh-add protected/],
    ['agent:', 1, /SSH_AUTH_SOCK|ssh-add/],
  ] as const) {
    const args = ['encrypt', '-k', 'my.key', '--sender-key', name, '--allow-readable-key', '-o', 'out', 'x'];
    const { code, stderr } = await sealstream(args, { cwd, env: { SSH_AUTH_SOCK: '' } });
    t.is(code, expected, `${name}: ${stderr}`);
    t.regex(stderr, pattern);
    t.false(existsSync(join(cwd, 'out')));
  }
  t.is((await run('encrypt', '-k', 'my.key', '--sender-key', 'ours', '--resume', '-o', 'out', 'x')).code, 2);
  t.is((await run('decrypt', '-k', 'my.key', '--sender', 'x', '-o', 'out', 'x.seal')).code, 3);
  t.is((await run('keygen', '--sender', '-o', 'ours')).code, 5);
  t.is((await run('keygen', '--sender', '--pair', '-o', 'new')).code, 2);
});
