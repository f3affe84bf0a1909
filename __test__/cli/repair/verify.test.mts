import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import {
  end,
  ESCAPE,
  folder,
  folderWithKey,
  hasTerminal,
  jsonError,
  type JsonError,
  onTerminal,
  program,
  sealstream,
  start,
} from '../command.mjs';

const terminalTest = hasTerminal ? test : test.skip;
// Windows has other permissions, and root ignores them.
const permissionTest = process.getuid === undefined || process.getuid() === 0 ? test.skip : test;
const posixTest = process.platform === 'win32' ? test.skip : test;

test('intact files are listed, with a summary', async (t) => {
  const cwd = await store(t);
  const { code, stdout, stderr } = await sealstream(['verify', '--recursive', 'store'], { cwd });
  t.is(code, 0, stderr);
  t.is(stderr, '');
  const lines = stdout.toString().trimEnd().split('\n');
  t.deepEqual(lines.slice(0, -1).sort(), [
    'ok       store/a.seal: 2 segments, 1.4 MiB',
    'ok       store/deep/er/b.seal: 2 segments, 1.4 MiB',
  ]);
  t.regex(
    lines.at(-1) ?? '',
    /^checked 2 files, 2\.9 MiB in [^:]*: 2 ok, 0 damaged, 0 failed; without a key, which finds damage but not tampering$/,
  );
  const keyed = await sealstream(['verify', '-k', 'my.key', 'store/a.seal'], { cwd });
  t.is(keyed.code, 0);
  t.regex(keyed.stdout.toString(), /1 ok, 0 damaged, 0 failed\n$/);
});

test('damage is exit code 4, and is located in text and JSON', async (t) => {
  const cwd = await store(t);
  damage(join(cwd, 'store/deep/er/b.seal'), 5000);
  const { code, stdout } = await sealstream(['verify', '-q', '--recursive', 'store'], { cwd });
  t.is(code, 4);
  t.regex(
    stdout.toString(),
    /^DAMAGED {2}store\/deep\/er\/b\.seal: 1 problem; checked 2 segments, 1\.4 MiB\n {2}segment 0 \(byte 4096\) is damaged: its digest is [0-9a-f]+, expected [0-9a-f]+ \(plaintext bytes 0 to 1,048,575\)\n$/,
  );

  const json = await sealstream(['verify', '--json', '--recursive', 'store'], { cwd });
  t.is(json.code, 4);
  t.is(json.stderr, '');
  const [one, two, last] = jsonLines(json.stdout);
  const [ok, damaged] = one?.['status'] === 'ok' ? [one, two] : [two, one];
  t.like(ok, { file: 'store/a.seal', status: 'ok', report: { sound: true, problems: [] } });
  t.like(damaged, {
    file: 'store/deep/er/b.seal',
    status: 'damaged',
    report: { sound: false, problemCount: 1 },
  });
  t.like((damaged?.['report'] as { problems: object[] }).problems[0], {
    segment: 0,
    code: 'ERR_SEAL_DIGEST_MISMATCH',
  });
  t.like(last, { summary: { files: 2, ok: 1, damaged: 1, failed: 0, withKey: false, exitCode: 4 } });
});

test('after the first problems of a file the others are counted', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), randomBytes(20_000));
  await sealstream(['encrypt', '-k', 'my.key', '--frame-size', '1K', '--segment-size', '1K', 'a'], { cwd });
  for (let segment = 0; segment < 9; segment += 1) {
    damage(join(cwd, 'a.seal'), 4096 + segment * (1024 + 32 + 74 + 32 + 8) + 200);
  }
  const { code, stdout } = await sealstream(['verify', 'a.seal'], { cwd });
  t.is(code, 4);
  t.regex(
    stdout.toString(),
    /9 problems[^\n]*\n( {2}segment \d[^\n]*\n){5} {2}and 4 more problems: see --json\n/,
  );
});

test('the summary says how to heal damage, and only how to mend a header whose copy was used', async (t) => {
  const cwd = await store(t);
  damage(join(cwd, 'small.seal'), 0);
  const { code, stdout } = await sealstream(['verify', '--no-key', 'small.seal'], { cwd });
  t.is(code, 4);
  t.regex(
    stdout.toString(),
    /\n {2}header: damaged; its copy at the end was used, and the contents are intact\nchecked [^\n]*\nto write a header[^\n]*sealstream rewrap --mend -k KEY FILE\n$/,
  );
  damage(join(cwd, 'small.seal'), 4096 + 32 + 74 + 2);
  const both = (await sealstream(['verify', 'small.seal'], { cwd })).stdout.toString();
  t.regex(
    both,
    /2 problems; checked 1 segment[^\n]*\n {2}header: damaged; its copy at the end was used\n {2}segment 0[^\n]*\nchecked [^\n]*\nto heal [^\n]*sealstream heal [^\n]*sealstream salvage -k KEY [^\n]*\n$/,
  );
  t.notRegex((await sealstream(['verify', '--recursive', 'store'], { cwd })).stdout.toString(), /mend|heal/);
});

test('for a wrong key the advice names its source, and --no-key for verify alone', async (t) => {
  const cwd = await store(t);
  await sealstream(['keygen', '-o', 'other.key'], { cwd });
  const named = await sealstream(['verify', '-k', 'other.key', 'small.seal'], { cwd });
  t.regex(named.stdout.toString(), /\n {2}give the key file [^\n]*with -k FILE; [^\n]*--no-key\n/);
  const env = { SEALSTREAM_KEY_FILE: 'other.key' };
  const found = await sealstream(['verify', 'small.seal'], { cwd, env });
  t.regex(found.stdout.toString(), /\n {2}the key is the one of SEALSTREAM_KEY_FILE[^\n]*--no-key\n/);
  const opened = await sealstream(['decrypt', 'small.seal'], { cwd, env });
  t.regex(opened.stderr, /\n {2}The key is the one of SEALSTREAM_KEY_FILE/);
  t.notRegex(opened.stderr, /--no-key/);
});

posixTest('a pipe is refused without advice that does not work', async (t) => {
  const cwd = await store(t);
  await end(program('mkfifo', ['pipe'], { cwd }));
  for (const args of [['verify'], ['salvage', '-k', 'my.key', '-o', 'out']]) {
    const { code, stdout, stderr } = await sealstream([...args, 'pipe'], { cwd });
    t.is(code, 5);
    t.regex(`${stdout.toString()}${stderr}`, /pipe is not a regular file\.?\n {2}save its output to a file/i);
  }
});

test('files that can’t be checked are reported, the others go on, and the exit code is the worst', async (t) => {
  const cwd = await store(t);
  await sealstream(['keygen', '-o', 'other.key'], { cwd });
  writeFileSync(join(cwd, 'none.seal'), 'no sealed stream');
  const sum = async (...args: string[]) => {
    const { code, stdout } = await sealstream(['verify', '--json', '--recursive', ...args], { cwd });
    const lines = jsonLines(stdout);
    return {
      code,
      errors: lines.flatMap(({ error }) => (error === undefined ? [] : [error as JsonError])),
    };
  };
  const wrongKey = await sum('-k', 'other.key', 'store/a.seal', 'missing.seal');
  t.is(wrongKey.code, 3);
  t.deepEqual(wrongKey.errors.map(({ failure }) => failure?.kind).sort(), ['Io', 'NoMatchingKey']);
  t.is((await sum('missing.seal', 'store')).code, 1);
  const none = await sum('none.seal', '-k', 'other.key', 'store');
  t.is(none.code, 4);
  t.is(none.errors.length, 3);
  t.like(
    none.errors.find((error) => error.failure?.kind === 'NotSealed'),
    {
      message: 'none.seal is not a sealed stream',
      exitCode: 4,
    },
  );
  t.is((await sum('-k', 'my.key', '--context', 'x', 'store/a.seal')).code, 3);
  t.is((await sum('-k', 'my.key', '--max-segment-size', '64K', 'store/a.seal')).code, 5);
});

test('several keys open files with different keys', async (t) => {
  const cwd = await store(t);
  await sealstream(['keygen', '-o', 'other.key'], { cwd });
  await sealstream(['encrypt', '-k', 'other.key', '-o', 'store/c.seal', 'my.key'], { cwd });
  t.is((await sealstream(['verify', '-k', 'my.key', '--recursive', 'store'], { cwd })).code, 3);
  t.is(
    (await sealstream(['verify', '-k', 'my.key', '-k', 'other.key', '--recursive', 'store'], { cwd })).code,
    0,
  );
  const env = { SEALSTREAM_KEY_FILE: 'other.key' };
  t.is((await sealstream(['verify', 'store/a.seal'], { cwd, env })).code, 3);
  t.is((await sealstream(['verify', '--no-key', 'store/a.seal'], { cwd, env })).code, 0);
});

test('a named folder without sealed files is a failure with advice, even beside other paths', async (t) => {
  const cwd = await store(t);
  mkdirSync(join(cwd, 'empty/inside'), { recursive: true });
  writeFileSync(join(cwd, 'empty/inside/a.txt'), '');
  for (const paths of [['empty'], ['store', 'empty']]) {
    const { code, stdout } = await sealstream(['verify', '--recursive', ...paths], { cwd });
    t.is(code, 1);
    t.regex(stdout.toString(), /FAILED {3}empty holds no sealed file\n {2}check the folder[^\n]*\.seal/);
  }
});

posixTest('symbolic links are not followed, unless they are named', async (t) => {
  const cwd = await store(t);
  mkdirSync(join(cwd, 'links'));
  symlinkSync('../store', join(cwd, 'links/folder.seal'));
  symlinkSync('.', join(cwd, 'links/loop'));
  symlinkSync('../store/a.seal', join(cwd, 'links/file.seal'));
  const { code, stdout } = await sealstream(['verify', '--json', '--recursive', 'links'], { cwd });
  t.is(code, 1);
  t.like(jsonLines(stdout)[0], { file: 'links', error: { code: 'ERR_CLI_NOTHING_FOUND' } });
  t.is((await sealstream(['verify', 'links/file.seal'], { cwd })).code, 0);
  symlinkSync('store', join(cwd, 'named'));
  t.like(jsonLines((await sealstream(['verify', '--json', '--recursive', 'named'], { cwd })).stdout).at(-1), {
    summary: { files: 2, ok: 2 },
  });
});

permissionTest('a file or folder that can’t be read is reported, and the others go on', async (t) => {
  const cwd = await store(t);
  chmodSync(join(cwd, 'store/deep/er'), 0);
  t.teardown(() => {
    chmodSync(join(cwd, 'store/deep/er'), 0o700);
  });
  const { code, stdout } = await sealstream(['verify', '--recursive', 'store'], { cwd });
  t.is(code, 1);
  t.regex(stdout.toString(), /FAILED[^\n]*store\/deep\/er[^]*1 ok, 0 damaged, 1 failed/);
  chmodSync(join(cwd, 'store/a.seal'), 0);
  const file = await sealstream(['verify', 'store/a.seal'], { cwd });
  t.is(file.code, 1);
  t.regex(file.stdout.toString(), /check the permissions/);
});

test('without digests and without a key, ok says that only the structure was checked', async (t) => {
  const cwd = await folderWithKey(t);
  await sealstream(['encrypt', '-k', 'my.key', '--digest', 'none', '-o', 'a.seal', 'my.key'], { cwd });
  const { code, stdout } = await sealstream(['verify', 'a.seal'], { cwd });
  t.is(code, 0);
  t.regex(
    stdout.toString(),
    /^ok {7}a\.seal: [^\n]*STRUCTURE ONLY[^\n]*\n[^\n]*1 of the ok by structure only/,
  );
  const keyed = await sealstream(['verify', '-k', 'my.key', 'a.seal'], { cwd });
  t.notRegex(keyed.stdout.toString(), /structure/i);
});

test('a sample is repeated by the seed that the report names', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), randomBytes(50_000));
  await sealstream(['encrypt', '-k', 'my.key', '--frame-size', '1K', '--segment-size', '1K', 'a'], { cwd });
  const { code, stdout } = await sealstream(['verify', '--sample', '10%', 'a.seal'], { cwd });
  t.is(code, 0);
  const [, seed = ''] = /a sample of 10%, repeated by --seed (\d+)/.exec(stdout.toString()) ?? [];
  t.regex(stdout.toString(), /5 of 49 segments/);
  const again = jsonLines(
    (await sealstream(['verify', '--json', '--sample', '0.1', '--seed', seed, 'a.seal'], { cwd })).stdout,
  );
  t.like(again[0], { report: { sample: 0.1, seed: Number(seed), segmentsChecked: 5, segments: 49 } });
  t.like(again[1], { summary: { sample: 0.1, seed: Number(seed) } });
});

test('each of hundreds of files is reported once', async (t) => {
  const cwd = await folderWithKey(t);
  mkdirSync(join(cwd, 'store'));
  await sealstream(['encrypt', '-k', 'my.key', '-o', 'one.seal', 'my.key'], { cwd });
  for (let file = 0; file < 300; file += 1)
    copyFileSync(join(cwd, 'one.seal'), join(cwd, `store/${file}.seal`));
  for (const jobs of ['1', '9']) {
    const args = ['verify', '-k', 'my.key', '--jobs', jobs, '--rate', '1G', '--json', '--recursive', 'store'];
    const { code, stdout } = await sealstream(args, { cwd });
    t.is(code, 0);
    const lines = jsonLines(stdout);
    t.is(new Set(lines.map(({ file }) => file)).size, 301);
    t.like(lines.at(-1), { summary: { files: 300, ok: 300 } });
  }
});

posixTest('Ctrl-C ends verify even while it waits for its rate', async (t) => {
  const cwd = await store(t);
  const child = start(['verify', '--rate', '1', 'missing.seal', '--recursive', 'store'], { cwd });
  const ended = end(child);
  // Once the first file is reported, the command listens to signals.
  child.stdout?.once('data', () => child.kill('SIGINT'));
  const { code, stdout, stderr } = await ended;
  t.is(code, 130);
  t.regex(stdout.toString(), /^FAILED[^\n]*missing\.seal[^\n]*\n[^\n]*\n$/);
  t.is(stderr, 'sealstream verify: interrupted by SIGINT.\n');
});

posixTest('a reader that closes the pipe ends the command silently', async (t) => {
  const cwd = await store(t);
  for (let file = 0; file < 300; file += 1)
    copyFileSync(join(cwd, 'small.seal'), join(cwd, `store/${file}.seal`));
  const child = start(['verify', '--jobs', '2', '--rate', '2M', '--json', '--recursive', 'store'], { cwd });
  const ended = end(child);
  child.stdout?.once('data', () => child.stdout?.destroy());
  const { code, stderr } = await ended;
  t.is(code, 141);
  t.is(stderr, '');
});

test('a missing key file is reported before any check', async (t) => {
  const cwd = await store(t);
  const { code, stdout, stderr } = await sealstream(
    ['verify', '--json', '-k', 'no.key', '--recursive', 'store'],
    { cwd },
  );
  t.is(code, 2);
  t.is(stderr, '');
  t.is(jsonError({ stdout, stderr }).code, 'ERR_CLI_KEY_FILE_MISSING');
});

terminalTest('names and messages can’t control a terminal', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'a\x1b[31m.seal'), 'no stream');
  const { code, screen } = await onTerminal('sealstream verify --recursive .', { cwd });
  t.is(code, 4);
  t.false(screen.includes(ESCAPE), screen);
  t.regex(screen, /a\\u\{1b\}\[31m\.seal/);
});

/** A folder `store` with two sealed files, one deep in it, and another file; and a short sealed file next to it. */
async function store(t: ExecutionContext): Promise<string> {
  const cwd = await folderWithKey(t);
  mkdirSync(join(cwd, 'store/deep/er'), { recursive: true });
  writeFileSync(join(cwd, 'x'), randomBytes(1_500_000));
  for (const [from, to] of [
    ['x', 'store/a.seal'],
    ['my.key', 'small.seal'],
  ] as const) {
    const { code, stderr } = await sealstream(
      ['encrypt', '--header-size', '4K', '-k', 'my.key', '-o', to, from],
      { cwd },
    );
    t.is(code, 0, stderr);
  }
  copyFileSync(join(cwd, 'store/a.seal'), join(cwd, 'store/deep/er/b.seal'));
  writeFileSync(join(cwd, 'store/readme.txt'), 'not sealed');
  rmSync(join(cwd, 'x'));
  return cwd;
}

function damage(path: string, place: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  writeFileSync(path, bytes);
}

function jsonLines(stdout: Buffer): Record<string, unknown>[] {
  const lines = stdout.toString().trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
