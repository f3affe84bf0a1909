// The log of rewrap, by which a repeated command continues.

import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import test from 'ava';

import { end, main, parsed, program, sealstream, start } from './command.mjs';
import { store } from './store.mjs';

const onUnix = process.platform === 'win32' ? test.skip : test;

test('all files of a folder get another key; a repeated command skips the done files and counts the failed ones', async (t) => {
  const cwd = await store(t);
  const rotate = (log = 'log') =>
    sealstream(
      ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--replace', '--recursive', 'store', '--log', log],
      { cwd },
    );
  // One file has another key.
  copyFileSync(join(cwd, 'other.seal'), join(cwd, 'store', 'c.seal'));
  const first = await rotate();
  t.is(first.code, 3, first.stderr);
  t.regex(first.stdout.toString(), /FAILED {3}store\/c\.seal: /);
  t.regex(first.stdout.toString(), /rewrapped 2 files in [^,]*, 1 failed\n$/);
  // The old key no longer opens them, and is not needed.
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
  // Another change with the same log is not done yet, nor is that of a file that was encrypted again.
  copyFileSync(join(cwd, 'a.seal'), join(cwd, 'store', 'a.seal'));
  t.regex((await rotate()).stdout.toString(), /rewrapped 1 file in [^,]*, 2 done before, 0 failed\n$/);
  const other = await sealstream(
    ['rewrap', '-k', 'new.key', '-k', 'my.key', '--mend', '--recursive', 'store', '--log', 'log'],
    { cwd },
  );
  t.regex(other.stdout.toString(), /rewrapped 3 files in [^,]*, 0 failed\n$/);
});

test('a file that was done when a run was killed is not done again', async (t) => {
  const cwd = await store(t);
  const args = ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--log', 'log', 'store/a.seal'];
  t.is((await sealstream(args, { cwd })).code, 0);
  const [begun, done] = readFileSync(join(cwd, 'log'), 'utf8').split('\n');
  t.like(parsed(begun ?? ''), { revision: 1, done: false });
  t.like(parsed(done ?? ''), { revision: 1, done: true });
  // Without the last line.
  writeFileSync(join(cwd, 'log'), `${begun ?? ''}\n`);
  t.regex((await sealstream(args, { cwd })).stdout.toString(), /^skipped {2}store\/a\.seal/);
});

test('a file whose rewrap failed is done by the next run, even if another rewrap changed it since', async (t) => {
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

test('another key in the same file is another change', async (t) => {
  const cwd = await store(t);
  const rotate = () =>
    sealstream(
      [
        'rewrap',
        '-k',
        'my.key',
        '-k',
        'old.key',
        '--add-key',
        'new.key',
        '--replace',
        '--log',
        'log',
        'store/a.seal',
      ],
      { cwd },
    );
  copyFileSync(join(cwd, 'new.key'), join(cwd, 'old.key'));
  t.is((await rotate()).code, 0);
  t.regex((await rotate()).stdout.toString(), /^skipped/);
  copyFileSync(join(cwd, 'stranger.key'), join(cwd, 'new.key'));
  t.regex((await rotate()).stdout.toString(), /^ok {7}.*added 1; removed 1/);
  const opened = await sealstream(['decrypt', '-k', 'stranger.key', '-o', '-', 'store/a.seal'], { cwd });
  t.is(opened.code, 0, opened.stderr);
  // The log does not contain the key.
  const key = readFileSync(join(cwd, 'new.key'), 'utf8').trimEnd().split('\n').at(-1) ?? '';
  t.false(readFileSync(join(cwd, 'log'), 'utf8').includes(key));
});

test('another public key in the same file is another change', async (t) => {
  const cwd = await store(t);
  const add = () =>
    sealstream(['rewrap', '-k', 'my.key', '--add-recipients-file', 'team', '--log', 'log', 'store/a.seal'], {
      cwd,
    });
  for (const [name, expected] of [
    ['one', /^ok/],
    ['one', /^skipped/],
    ['two', /^ok/],
  ] as const) {
    await sealstream(['keygen', '--pair', '-o', name], { cwd });
    const { stdout } = await sealstream(['keygen', '-y', name], { cwd });
    writeFileSync(join(cwd, 'team'), stdout);
    t.regex((await add()).stdout.toString(), expected);
  }
});

test('only a log is appended to, never another file of the command', async (t) => {
  const cwd = await store(t);
  writeFileSync(join(cwd, 'text'), 'something of mine\n{"file":"x"}\n');
  writeFileSync(join(cwd, 'team'), '# nobody yet\n');
  mkdirSync(join(cwd, 'folder'));
  const args = ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--add-recipients-file', 'team'];
  for (const [log, expected] of [
    ['my.key', /--log my\.key is the key file my\.key/],
    ['./new.key', /--log \.\/new\.key is the key file new\.key/],
    ['team', /--log team is the recipients file team/],
    ['store/a.seal', /--log store\/a\.seal is the sealed file store\/a\.seal/],
    ['other.seal', /--log other\.seal is not a log/],
    ['text', /--log text is not a log/],
    ['folder', /--log folder is not a regular file/],
  ] as const) {
    const path = join(cwd, log);
    const before = log === 'folder' ? undefined : readFileSync(path);
    const { code, stderr } = await sealstream([...args, '--log', log, 'store/a.seal'], { cwd });
    t.is(code, 5, stderr);
    t.regex(stderr, expected);
    if (before) t.deepEqual(readFileSync(path), before);
  }
  const typed = await sealstream(
    ['rewrap', '-k', 'my.key', '--add-passphrase-fd', '0', '--log', 'log', 'store/a.seal'],
    { cwd, input: 'correct horse\n' },
  );
  t.is(typed.code, 2);
  t.regex(typed.stderr, /--log can't tell one passphrase from another/);
});

test('incomplete, too long and foreign lines of a log are ignored', async (t) => {
  const cwd = await store(t);
  const args = ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--log', 'log', 'store/a.seal'];
  t.is((await sealstream(args, { cwd })).code, 0);
  const log = readFileSync(join(cwd, 'log'), 'utf8');
  const [, done = ''] = log.trimEnd().split('\n');
  const { done: isDone, ...others } = parsed(done);
  t.true(isDone);
  const noise = [JSON.stringify(others), 'null', '[]', '{"file":', '', 'x'.repeat(200_000)].join('\n');
  const skips = async (content: string) => {
    writeFileSync(join(cwd, 'log'), content);
    const { code, stdout, stderr } = await sealstream(args, { cwd });
    t.is(code, 0, stderr);
    return stdout.toString().startsWith('skipped');
  };
  t.true(await skips(`${noise}\n${log}${noise}`));
  // A line of JSON without a required field.
  const strange = done.replace(/"change":"[^"]*"/, '"change":"another"');
  t.false(await skips(`${strange}\n${noise}\n`));
});

onUnix('a rewrap that waits for a passphrase can be interrupted', async (t) => {
  const cwd = await store(t);
  const args = ['rewrap', '--passphrase-fd', '3', '--add-key', 'new.key', '--log', 'log', 'store/a.seal'];
  // It never delivers anything.
  const child = start(args, { cwd, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise((resolve) =>
    child.on('exit', (_code, signal) => {
      resolve(signal);
    }),
  );
  // The log is opened before a passphrase is typed.
  while (!existsSync(join(cwd, 'log'))) await setTimeout(10);
  await setTimeout(200);
  child.kill('SIGINT');
  t.is(await ended, 'SIGINT');
});

onUnix('a log that can’t be written ends the run, and changed files are reported as changed', async (t) => {
  const cwd = await store(t);
  const args = ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--log', 'log', 'store/a.seal'];
  t.is((await sealstream(args, { cwd })).code, 0);
  const log = readFileSync(join(cwd, 'log'), 'utf8');
  const [line = ''] = log.split('\n');
  copyFileSync(join(cwd, 'a.seal'), join(cwd, 'store', 'a.seal'));
  const path = join(cwd, 'store', 'deep', 'er', 'b.seal');
  const before = readFileSync(path);
  for (const [room, expected] of [
    // Room for the first line about a file, but not for the second.
    [1.5, /^ok {7}store\/a\.seal: added 1;.*\n$/],
    // No room for the first line: nothing is changed without it.
    [0.5, /^$/],
  ] as const) {
    writeFileSync(join(cwd, 'log'), log.padEnd(LIMIT - Math.round(line.length * room) - 1) + '\n');
    const command = `ulimit -f ${LIMIT / 512}; exec "$NODE" "$MAIN" ${args.join(' ')} store/deep/er/b.seal --jobs 1`;
    const child = program('sh', ['-c', command], { cwd, env: { NODE: process.execPath, MAIN: main } });
    const { code, stdout, stderr } = await end(child);
    t.is(code, 1, stderr);
    t.regex(stderr, /can't write the log log: could not write: file too large/);
    t.regex(stdout.toString(), expected);
  }
  t.deepEqual(readFileSync(path), before);
});

function logLines(cwd: string): Record<string, unknown>[] {
  const lines = readFileSync(join(cwd, 'log'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => parsed(line));
}

// Sixteen times the size of a sealed file in this test.
const LIMIT = 2 ** 17;
