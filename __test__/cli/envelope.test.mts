// Every line of --json has one shape: docs/guides/command.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { folderWithKey, parsed, sealstream } from './command.mjs';

/** Checks the shape of a line, and returns its status. */
function checkLine(t: ExecutionContext, line: Record<string, unknown>, command: string): unknown {
  const text = JSON.stringify(line);
  const { command: named, file, source, target, status, report, error, summary, ...rest } = line;
  t.deepEqual(rest, {}, text);
  t.is(named, command, text);
  t.true(['ok', 'skipped', 'partial', 'damaged', 'failed'].includes(String(status)), text);
  t.is([report, error, summary].filter((part) => typeof part === 'object' && part !== null).length, 1, text);
  for (const name of [file, source, target]) t.true(name === undefined || typeof name === 'string', text);
  t.true(file === undefined || (source === undefined && target === undefined), text);
  t.false(text.includes('null'), text);
  if (error === undefined) return status;
  const { code, message, failure, advice, exitCode, map, ...others } = error as Record<string, unknown>;
  t.deepEqual(others, {}, text);
  t.regex(String(code), /^(ERR_[A-Z0-9_]+|E[A-Z0-9]+)$/);
  t.is(typeof message, 'string');
  t.true(Number.isInteger(exitCode));
  for (const part of [failure, map]) t.true(part === undefined || typeof part === 'object', text);
  t.true(advice === undefined || (typeof advice === 'string' && advice !== ''), text);
  t.true(status === 'failed' || status === 'damaged', text);
  return status;
}

const K = ['-k', 'my.key'];
/** A command line that succeeds and one that fails, and whether standard output is for data. */
const runs: [command: string, good: string[], bad: string[], sendsData?: boolean][] = [
  ['keygen', ['-o', 'new.key'], ['-o', 'my.key']],
  ['keygen', ['-y', 'pair.key'], ['-y', 'x']],
  ['keygen', ['--passphrase-words'], ['--passphrase-words=1'], true],
  ['encrypt', [...K, '-o', 'new.seal', 'x'], [...K, 'gone']],
  ['encrypt', [...K, '-o', '-', 'x'], [...K, '-o', '-', 'gone'], true],
  ['decrypt', [...K, '-o', 'new', 'x.seal'], [...K, '-o', 'new2', 'x']],
  ['decrypt', [...K, '-o', '-', 'x.seal'], [...K, '-o', '-', '--nonsense', 'x'], true],
  ['cat', [...K, '-o', 'part', 'x.seal'], [...K, '-o', 'part2', 'x']],
  ['cat', [...K, 'x.seal'], [...K, 'x'], true],
  ['inspect', ['x.seal'], ['x']],
  ['rewrap', [...K, '--mend', 'x.seal'], [...K, '--mend', 'x']],
  ['verify', ['x.seal', 'x.seal'], ['x', 'gone']],
  ['salvage', [...K, '-o', 'saved', 'x.seal'], [...K, '-o', 'saved2', 'cut.seal']],
  ['heal', ['x.seal', 'copy.seal', '-o', 'whole'], ['x', 'gone', '-o', 'whole2']],
  ['header export', ['x.seal', '-o', 'x.header'], ['x', '-o', 'y.header']],
  ['header detach', ['x.seal', '-o', 'b', '--header-out', 'h'], ['x', '-o', 'b2', '--header-out', 'h2']],
  ['header attach', ['h', 'b', '-o', 'joined'], ['x', 'b', '-o', 'joined2']],
];

test('success and failure of every command have one shape, on one stream', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  await sealstream(['keygen', '-q', '--pair', '-o', 'pair.key'], { cwd });
  for (const to of ['x.seal', 'cut.seal']) await sealstream(['encrypt', '-q', ...K, '-o', to, 'x'], { cwd });
  const { stdout: sealed } = await sealstream(['encrypt', '-q', ...K, '-o', '-', 'x'], { cwd });
  writeFileSync(join(cwd, 'cut.seal'), sealed.subarray(0, sealed.length / 2));
  writeFileSync(join(cwd, 'copy.seal'), readFileSync(join(cwd, 'x.seal')));
  for (const [command, good, bad, sendsData = false] of runs) {
    for (const [args, isGood] of [
      [good, true],
      [bad, false],
    ] as const) {
      const { code, stdout, stderr } = await sealstream([...command.split(' '), '--json', ...args], { cwd });
      const shown = `${command} ${args.join(' ')}: ${stdout.toString('latin1')}${stderr}`;
      t.is(code === 0, isGood, shown);
      if (!sendsData) t.is(stderr, '', shown);
      const lines = (sendsData ? stderr : stdout.toString()).trimEnd().split('\n');
      const statuses = lines.map((line) => checkLine(t, parsed(line), command));
      t.is(
        statuses.every((status) => status === 'ok'),
        isGood,
        shown,
      );
    }
  }
});

test('an unknown command is told in the same shape', async (t) => {
  const { stdout, stderr } = await sealstream(['frobnicate', '--json']);
  t.is(checkLine(t, parsed(stdout), 'frobnicate'), 'failed');
  t.is(stderr, '');
});
