// The command as a process: signals, broken pipes, full disks, closed streams.

import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';

import {
  end,
  folder,
  folderWithKey,
  jsonError,
  main,
  names,
  program,
  sealstream,
  start,
} from './command.mjs';

const posixTest = process.platform === 'win32' ? test.skip : test;
const fullDeviceTest = existsSync('/dev/full') ? test : test.skip;

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  posixTest(`${signal} ends with ${exitCode} and leaves no file`, async (t) => {
    const cwd = await folderWithKey(t);
    const child = start(['encrypt', '-k', 'my.key', '-', '-o', 'out.seal'], { cwd });
    const ended = end(child);
    child.stdin?.write(randomBytes(3_000_000));
    await until(() => names(cwd).some((name) => name.endsWith('.partial')));
    child.kill(signal);
    const { code, stderr } = await ended;
    t.is(code, exitCode);
    t.is(stderr, `sealstream encrypt: interrupted by ${signal}.\n`);
    t.deepEqual(names(cwd), ['my.key']);
  });
}

posixTest('an interrupted large file leaves no output', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'large'), '');
  truncateSync(join(cwd, 'large'), 2 ** 31);
  const child = start(['encrypt', '-k', 'my.key', 'large', '--json'], { cwd });
  const ended = end(child);
  await until(() => names(cwd).some((name) => name.endsWith('.partial')));
  child.kill('SIGINT');
  const result = await ended;
  t.is(result.code, 130);
  t.is(jsonError(result).code, 'ERR_CLI_INTERRUPTED');
  t.deepEqual(names(cwd), ['large', 'my.key']);
});

posixTest('a second signal ends the command at once', async (t) => {
  const cwd = await folderWithKey(t);
  const child = start(['encrypt', '-k', 'my.key', '-', '-o', 'out.seal'], { cwd });
  const ended = end(child);
  await until(() => names(cwd).some((name) => name.endsWith('.partial')));
  child.kill('SIGTERM');
  child.kill('SIGINT');
  t.true([130, 143].includes((await ended).code ?? 0));
});

posixTest('a reader that closes the pipe ends the command silently', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), randomBytes(5_000_000));
  await sealstream(['encrypt', '-k', 'my.key', 'a'], { cwd });
  for (const args of [
    ['encrypt', '-k', 'my.key', '-o', '-', 'a'],
    ['decrypt', '-k', 'my.key', '-o', '-', 'a.seal'],
  ]) {
    const child = start(args, { cwd });
    const ended = end(child);
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, stderr } = await ended;
    t.is(code, 141);
    t.is(stderr, '');
  }
  const help = start(['--help']);
  help.stdout?.destroy();
  const { code, stderr } = await end(help);
  t.is(code, 141);
  t.is(stderr, '');
});

fullDeviceTest('a full disk behind standard output is an error', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), randomBytes(100_000));
  for (const args of [
    ['encrypt', '-k', 'my.key', '-o', '-', 'a'],
    ['inspect', '--help'],
    ['keygen', '-o', '-'],
  ]) {
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await sealstream(args, { cwd, stdio: ['pipe', full, 'pipe'] });
    t.is(code, 1, stderr);
    t.regex(stderr, /no space left on device/i);
  }
  const device = await sealstream(['encrypt', '-k', 'my.key', '-f', '-o', '/dev/full', 'a'], { cwd });
  t.is(device.code, 5);
});

posixTest('a closed standard stream is an error, not an empty input', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  const shell = (line: string) => end(program('sh', ['-c', line, process.execPath, main], { cwd }));
  for (const line of [
    '"$0" "$1" encrypt -k my.key -o - a >&-',
    '"$0" "$1" encrypt -k my.key -o out - <&-',
    '"$0" "$1" keygen -o - >&-',
  ]) {
    const { code, stderr } = await shell(line);
    t.is(code, 5, line);
    t.regex(stderr, /is closed/);
  }
  // An error that can't be printed still has an exit code.
  t.is((await shell('"$0" "$1" encrypt nothing 2>&-')).code, 2);
  // A redirection to the null device is fine.
  t.is((await shell('"$0" "$1" encrypt -k my.key -o - - </dev/null >/dev/null')).code, 0);
  t.deepEqual(names(cwd), ['a', 'my.key']);
});

posixTest('a pipeline of the command with itself', async (t) => {
  const cwd = await folderWithKey(t);
  const line =
    'head -c 9000000 /dev/zero | "$0" "$1" encrypt -k my.key - | "$0" "$1" decrypt -k my.key - | wc -c';
  const { code, stdout } = await end(program('sh', ['-c', line, process.execPath, main], { cwd }));
  t.is(code, 0);
  t.is(stdout.toString().trim(), '9000000');
});

test('missing native code is reported in a sentence with advice', async (t) => {
  const cwd = folder(t);
  const root = join(dirname(main), '../..');
  cpSync(join(root, 'dist'), join(cwd, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(cwd, 'package.json'));
  const run = (...args: string[]) => end(program(process.execPath, [join(cwd, 'dist/cli/main.js'), ...args]));
  const { code, stderr } = await run('--version');
  t.is(code, 1);
  t.regex(stderr, /^sealstream: sealstream cannot load its native code[^\n]*install again[^\n]*\.\n$/);
  t.is(jsonError(await run('inspect', '--json', 'a')).code, 'ERR_CLI_LOAD');
});

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 20_000) throw new Error('it did not happen in 20 seconds');
    await delay(5);
  }
}
