import { randomBytes } from 'node:crypto';
import {
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';

import { end, folderWithKey, jsonError, jsonReport, names, sealstream, start } from './command.mjs';

const posixTest = process.platform === 'win32' ? test.skip : test;
const SLOW = ['--threads', '1', '--frame-size', '1K', '--digest', 'sha512'];
const ENCRYPT = ['encrypt', '-k', 'my.key', '--resume', ...SLOW, 'a'];

/** Starts to encrypt `a`, and interrupts that when it can be resumed. Starts again if the signal came too late. */
async function interrupt(cwd: string) {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { child, ended } = await begin(cwd);
    child.kill('SIGINT');
    const result = await ended;
    if (result.code !== 0) return result;
    rmSync(join(cwd, 'a.seal'));
  }
  throw new Error('each run was finished before the signal came');
}

/** Starts to encrypt `a`, and waits until that can be resumed. Starts again if it was finished before that was seen. */
async function begin(cwd: string) {
  writeFileSync(join(cwd, 'a'), '');
  truncateSync(join(cwd, 'a'), 100 * 2 ** 20);
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const child = start(ENCRYPT, { cwd });
    const ended = end(child);
    while (child.exitCode === null) {
      const name = readdirSync(cwd).find((each) => each.endsWith('.journal'));
      // A header of 4,096 bytes and more, and some entries.
      if (name !== undefined && sizeOf(join(cwd, name)) > 5000) return { child, ended };
      await sleep(2);
    }
    const { code, stderr } = await ended;
    if (code !== 0) throw new Error(stderr);
    rmSync(join(cwd, 'a.seal'));
  }
  throw new Error('each run was finished before it could be interrupted');
}

/** The size of a file; 0 if it is gone. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

posixTest('an interrupted command says how to continue, and the same command does', async (t) => {
  const cwd = await folderWithKey(t);
  const interrupted = await interrupt(cwd);
  t.is(interrupted.code, 130);
  t.regex(
    interrupted.stderr,
    /interrupted by SIGINT\.\n {2}The same command with --resume continues from here\./,
  );
  const { code, stderr } = await sealstream(ENCRYPT, { cwd });
  t.is(code, 0, stderr);
  t.regex(stderr, /; resumed \d+ of 100 segments\n/);
  t.deepEqual(names(cwd), ['a', 'a.seal', 'my.key']);
  t.is((await sealstream(['decrypt', '-k', 'my.key', '-o', 'b', '--resume', 'a.seal'], { cwd })).code, 0);
  t.true(readFileSync(join(cwd, 'b')).equals(readFileSync(join(cwd, 'a'))));
});

posixTest('a run that starts over says why, and a changed source is refused', async (t) => {
  const cwd = await folderWithKey(t);
  await interrupt(cwd);
  const other = await sealstream([...ENCRYPT, '--key-id', 'other', '--json'], { cwd });
  t.is(other.code, 0, other.stderr);
  t.like(jsonReport(other.stdout), { resume: { startedOver: 'options-differ', segmentsResumed: 0 } });

  rmSync(join(cwd, 'a.seal'));
  await interrupt(cwd);
  utimesSync(join(cwd, 'a'), 1, 1);
  const changed = await sealstream(ENCRYPT, { cwd });
  t.is(changed.code, 1);
  t.regex(
    changed.stderr,
    /it was written to or replaced\.\n {2}When no program writes to it, run the command without --resume, which[^\n]*\n$/,
  );
  const refused = await sealstream([...ENCRYPT, '--json'], { cwd });
  t.is(jsonError(refused).code, 'ERR_SEAL_SOURCE_CHANGED');
});

posixTest('a target that another run writes, and a foreign journal, are refused with advice', async (t) => {
  const cwd = await folderWithKey(t);
  const { child, ended } = await begin(cwd);
  child.kill('SIGSTOP');
  const busy = await sealstream(ENCRYPT, { cwd });
  child.kill('SIGKILL');
  await ended;
  t.is(busy.code, 5);
  t.regex(
    busy.stderr,
    /another operation is writing a\.seal\.\n {2}Wait until it ends, or name another output with -o OUT\.\n$/,
  );
});

test('--resume needs files at both ends', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), randomBytes(10));
  for (const args of [['-'], ['-o', '-', 'a'], ['-o', 'b', '-']]) {
    const { code, stderr } = await sealstream(['encrypt', '-k', 'my.key', '--resume', ...args], { cwd });
    t.is(code, 2, args.join(' '));
    t.regex(stderr, /--resume needs files at both ends/);
  }
  t.deepEqual(names(cwd), ['a', 'my.key']);
});
