// The log by which a rewrap of many files goes on where it was interrupted.

import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { end, main, parsed, program, sealstream } from './command.mjs';
import { store } from './store.mjs';

test('a folder gets another key, goes on where it was interrupted, and counts what failed', async (t) => {
  const cwd = await store(t);
  const rotate = (log = 'log') =>
    sealstream(
      ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--replace', '--recursive', 'store', '--log', log],
      { cwd },
    );
  // One file is not of this key.
  copyFileSync(join(cwd, 'other.seal'), join(cwd, 'store', 'c.seal'));
  const first = await rotate();
  t.is(first.code, 3, first.stderr);
  t.regex(first.stdout.toString(), /FAILED {3}store\/c\.seal: /);
  t.regex(first.stdout.toString(), /rewrapped 2 files in [^,]*, 1 failed\n$/);
  // The old key opens none of them any more, and need not.
  copyFileSync(join(cwd, 'a.seal'), join(cwd, 'store', 'c.seal'));
  appendFileSync(join(cwd, 'log'), '{"file":"torn');
  const second = await rotate();
  t.is(second.code, 0, second.stderr);
  t.regex(second.stdout.toString(), /skipped {2}store\/a\.seal/);
  t.regex(second.stdout.toString(), /rewrapped 1 file in [^,]*, 2 done before, 0 failed\n$/);
  for (const name of ['a', 'c', 'deep/er/b']) {
    const args = ['decrypt', '-k', 'new.key', '-o', '-', `store/${name}.seal`];
    t.is((await sealstream(args, { cwd })).code, 0, name);
  }
  // Another change with the same log is not done yet; a file that was sealed anew neither.
  copyFileSync(join(cwd, 'a.seal'), join(cwd, 'store', 'a.seal'));
  t.regex((await rotate()).stdout.toString(), /rewrapped 1 file in [^,]*, 2 done before, 0 failed\n$/);
  const other = await sealstream(
    ['rewrap', '-k', 'new.key', '-k', 'my.key', '--mend', '--recursive', 'store', '--log', 'log'],
    { cwd },
  );
  t.regex(other.stdout.toString(), /rewrapped 3 files in [^,]*, 0 failed\n$/);
});

test('a file that a run had done when it was killed is not done again', async (t) => {
  const cwd = await store(t);
  const args = ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--log', 'log', 'store/a.seal'];
  t.is((await sealstream(args, { cwd })).code, 0);
  const [begun, done] = readFileSync(join(cwd, 'log'), 'utf8').split('\n');
  t.like(parsed(begun ?? ''), { revision: 1, done: false });
  t.like(parsed(done ?? ''), { revision: 1, done: true });
  // The last line did not come to be written.
  writeFileSync(join(cwd, 'log'), `${begun ?? ''}\n`);
  t.regex((await sealstream(args, { cwd })).stdout.toString(), /^skipped {2}store\/a\.seal/);
});

test('a file whose rewrap failed is done by the next run, whatever others did to it meanwhile', async (t) => {
  const cwd = await store(t);
  const rewrap = (key: string, ...args: string[]) =>
    sealstream(['rewrap', '-k', key, ...args, 'store/a.seal'], { cwd });
  const change = ['--add-key', 'new.key', '--log', 'log'];
  t.is((await rewrap('stranger.key', ...change)).code, 3);
  t.like(logLines(cwd), [{ done: false }, { done: false, failed: true }]);
  // The revision that the change would have made.
  t.is((await rewrap('my.key', '--mend')).code, 0);
  t.regex((await rewrap('my.key', ...change)).stdout.toString(), /^ok {7}store\/a\.seal: added 1/);
  t.regex((await rewrap('my.key', ...change)).stdout.toString(), /^skipped/);
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('a log that can not be written ends the run, and what was changed is told as changed', async (t) => {
  const cwd = await store(t);
  const args = ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--log', 'log', 'store/a.seal'];
  t.is((await sealstream(args, { cwd })).code, 0);
  const log = readFileSync(join(cwd, 'log'), 'utf8');
  const [line = ''] = log.split('\n');
  copyFileSync(join(cwd, 'a.seal'), join(cwd, 'store', 'a.seal'));
  const path = join(cwd, 'store', 'deep', 'er', 'b.seal');
  const before = readFileSync(path);
  for (const [room, told] of [
    // For the first line about a file, and not for the second.
    [1.5, /^ok {7}store\/a\.seal: added 1;.*\n$/],
    // Not for the first: nothing is changed without it.
    [0.5, /^$/],
  ] as const) {
    writeFileSync(join(cwd, 'log'), log.padEnd(LIMIT - Math.round(line.length * room) - 1) + '\n');
    const command = `ulimit -f ${LIMIT / 512}; exec "$NODE" "$MAIN" ${args.join(' ')} store/deep/er/b.seal --threads 1`;
    const child = program('sh', ['-c', command], { cwd, env: { NODE: process.execPath, MAIN: main } });
    const { code, stdout, stderr } = await end(child);
    t.is(code, 1, stderr);
    t.regex(stderr, /the log log can't be written: could not write: file too large/);
    t.regex(stdout.toString(), told);
  }
  t.deepEqual(readFileSync(path), before);
});

function logLines(cwd: string): Record<string, unknown>[] {
  const lines = readFileSync(join(cwd, 'log'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => parsed(line));
}

// Sixteen times the size of a sealed file here.
const LIMIT = 2 ** 17;
