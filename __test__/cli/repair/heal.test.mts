import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import test, { type ExecutionContext } from 'ava';

import {
  end,
  ESCAPE,
  folderWithKey,
  hasTerminal,
  jsonError,
  names,
  onTerminal,
  parsed,
  sealstream,
  start,
} from '../command.mjs';

const HEADER = 4096;
const RECORD = 32 + 74 + 2 ** 20 + 16 * 32 + 8;
const posixTest = process.platform === 'win32' ? test.skip : test;
const terminalTest = hasTerminal ? test : test.skip;

test('damaged copies make an intact file, and the report names the origin of each segment', async (t) => {
  const { cwd, sealed } = await copies(t);
  const { code, stdout, stderr } = await sealstream(['heal', 'a', 'b', 'c', '-o', 'out'], { cwd });
  t.is(code, 0, stderr);
  t.is(stdout.length, 0);
  t.regex(
    stderr,
    /^healed a -> out: healed 3 of 4 segments, 3\.3 MiB in [^\n]+\n {2}segments 0 to 1: b\n {2}segment 3: c\n {2}header: the copy at the end\n {2}left out: 7 bytes after the end of the stream\nsealstream: warning: the header of c is damaged\n$/,
  );
  t.deepEqual(readFileSync(join(cwd, 'out')), sealed);

  const quiet = await sealstream(['heal', 'a', 'b', 'c', '-q', '-f', '-o', 'out'], { cwd });
  t.deepEqual([quiet.code, quiet.stderr], [0, 'sealstream: warning: the header of c is damaged\n']);

  const json = await sealstream(['heal', 'a', 'b', 'c', '--json', '-f', '-o', 'out'], { cwd });
  t.is(json.stderr, '');
  t.like(parsed(json.stdout), {
    command: 'heal',
    source: 'a',
    target: 'out',
    status: 'ok',
    report: {
      segments: 4,
      trailingBytes: 7,
      replicas: [{ file: 'b' }, { file: 'c' }],
      healed: [
        { segment: 0, segmentCount: 2, replica: 0 },
        { segment: 3, segmentCount: 1, replica: 1 },
      ],
    },
  });
});

test('a failed heal has an exit code, advice, and no output', async (t) => {
  const { cwd, sealed } = await copies(t);
  const foreign = Buffer.from(sealed);
  await sealstream(['encrypt', '-k', 'my.key', '-o', 'foreign', 'my.key'], { cwd });
  writeFileSync(join(cwd, 'text'), 'no sealed stream');
  writeFileSync(join(cwd, 'end'), foreign.fill(0, sealed.length - 5000));
  await sealstream(['encrypt', '-k', 'my.key', '--digest', 'none', '-o', 'blind', 'my.key'], { cwd });
  for (const name of ['blind', 'text', 'end']) copyFileSync(join(cwd, name), join(cwd, `${name}2`));
  const before = names(cwd);
  for (const [args, exitCode, kind, expected] of [
    [
      ['a', 'c'],
      4,
      'NotHealed',
      /2 segments of a are intact in none of the copies, the first is segment 0\nadd another/,
    ],
    [['b', 'foreign'], 5, 'ForeignReplica', /foreign is not a copy of b[^\n]+\nleave that copy out$/],
    [['blind', 'blind2'], 5, 'NoDigests', /without digests[^\n]+\nopen each copy with the key/],
    [['text', 'text2'], 4, 'NotSealed', /text is not a sealed stream/],
    [['end', 'end2'], 4, 'EndDamaged', /end: the end record[^\n]+\nadd another copy/],
    [['a', 'nothing'], 1, 'Io', /could not open nothing: /],
    [['nothing', 'a'], 1, 'Io', /could not open nothing: /],
    [['a', '.'], 5, 'NotARegularFile', /\. is a directory\nname a sealed file/],
    [['a', 'b', '--max-segment-size', '1K'], 5, 'LimitExceeded', /--max-segment-size 1048576/],
  ] as const) {
    const { code, stdout, stderr } = await sealstream(['heal', ...args, '-o', 'out', '--json'], { cwd });
    t.is(code, exitCode, stderr);
    const error = jsonError({ stdout, stderr });
    t.is(error.failure?.kind, kind);
    t.regex(`${error.message}\n${String(error.advice)}`, expected);
  }
  t.deepEqual(names(cwd), before);
});

test('a replica that is no sealed file is reported, whether it was needed or not', async (t) => {
  const { cwd, sealed } = await copies(t);
  writeFileSync(join(cwd, 'text'), 'no sealed stream');
  writeFileSync(join(cwd, 'whole'), sealed);
  const done = await sealstream(['heal', 'whole', 'text', '-q', '-o', 'out'], { cwd });
  t.is(done.code, 0);
  t.regex(
    done.stderr,
    /^sealstream: warning: text has neither an intact header nor an intact end: it may not be a sealed file\n$/,
  );
  const failed = await sealstream(['heal', 'a', 'c', 'text', '-o', 'out2'], { cwd });
  t.is(failed.code, 4);
  t.regex(
    failed.stderr,
    /^sealstream: warning: text has no intact header: it may not be a sealed file\nsealstream heal: 2 segments/,
  );
});

test('no copy is replaced, and another existing file only with --force', async (t) => {
  const { cwd, sealed } = await copies(t);
  for (const target of ['a', 'b']) {
    for (const force of [[], ['--force']]) {
      const { code, stderr } = await sealstream(['heal', 'a', 'b', 'c', '-o', target, ...force], { cwd });
      t.is(code, 5);
      t.regex(stderr, /the same file[^\n]*\n {2}Name another output with -o OUT/);
    }
  }
  writeFileSync(join(cwd, 'out'), 'old');
  t.is((await sealstream(['heal', 'a', 'b', 'c', '-o', 'out'], { cwd })).code, 5);
  t.is(readFileSync(join(cwd, 'out'), 'utf8'), 'old');
  t.is((await sealstream(['heal', 'a', 'b', 'c', '-f', '-o', 'out'], { cwd })).code, 0);
  t.deepEqual(readFileSync(join(cwd, 'out')), sealed);
});

posixTest('Ctrl-C ends heal and leaves no file', async (t) => {
  const { cwd } = await copies(t);
  writeFileSync(join(cwd, 'long'), Buffer.alloc(20 * 2 ** 20));
  await sealstream(['encrypt', '-k', 'my.key', '--digest', 'sha512', '-o', 'slow', 'long'], { cwd });
  // Two copies that differ in ten places of every segment: it takes many seconds to find that they can't be healed.
  const sealed = readFileSync(join(cwd, 'slow'));
  for (const [name, places] of [
    ['s1', [0, 2, 4, 6, 8, 10]],
    ['s2', [1, 3, 5, 7, 9, 10]],
  ] as const) {
    const copy = Buffer.from(sealed);
    for (let at = HEADER; at + 2 ** 20 < copy.length; at += RECORD - 8 + 64) {
      for (const place of places) copy.fill(0, at + 500 + 90_000 * place, at + 600 + 90_000 * place);
    }
    writeFileSync(join(cwd, name), copy);
  }
  const before = names(cwd);
  const child = start(['heal', 's1', 's2', '-o', 'out', '--threads', '1'], { cwd });
  const ended = end(child);
  while (child.exitCode === null && !names(cwd).some((name) => name.endsWith('.partial'))) await delay(2);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  t.is(code, 130, stderr);
  t.is(stderr, 'sealstream heal: interrupted by SIGINT.\n');
  t.deepEqual(names(cwd), before);
});

test('heal and header export have a help, and their usage errors name the argument', async (t) => {
  const { cwd } = await copies(t);
  const general = (await sealstream(['--help'])).stdout.toString();
  for (const name of ['heal', 'header export']) {
    t.true(general.includes(`\n  ${name} `), name);
    const help = await sealstream([...name.split(' '), '--help']);
    t.is(help.code, 0);
    t.regex(
      help.stdout.toString(),
      new RegExp(`^Usage: sealstream ${name} [^]*\nExamples:\n[^]*\nOptions:\n`),
    );
    t.deepEqual((await sealstream(['help', ...name.split(' ')])).stdout, help.stdout);
    t.deepEqual(
      help.stdout
        .toString()
        .split('\n')
        .filter((line) => line.length > 110),
      [],
    );
  }
  t.deepEqual((await sealstream(['header', '-h'])).stdout, (await sealstream(['help', 'header'])).stdout);
  for (const [args, expected] of [
    [['heal'], /DAMAGED is missing/],
    [['heal', 'a'], /REPLICA is missing[^]*another copy of a/],
    [['heal', 'a', 'b'], /OUT is missing[^]*-o OUT/],
    [['heal', '-', 'b', '-o', 'out'], /heal needs files/],
    [['heal', 'a', 'b', '-o', '-'], /heal writes a file/],
    [['heal', 'a', 'b', './a', '-o', 'out'], /a and \.\/a are the same file/],
    [['heal', 'a', 'b', '-o', 'out', '--max-segment-size', '0'], /--max-segment-size must be/],
    [['repair', 'a'], /sealstream heal\?/],
    [['header'], /header needs a subcommand[^]*header export/],
    [['header', 'exprot', 'a'], /sealstream header export\?/],
    [['header', 'export'], /FILE is missing[^]*the file to export/],
    [['header', 'export', 'a'], /HEADER is missing[^]*-o HEADER/],
    [['header', 'export', '-', '-o', 'h'], /header export needs files/],
    [['header', 'export', 'a', '-o', 'h', '--forc'], /See sealstream header export --help/],
  ] as const) {
    const { code, stdout, stderr } = await sealstream(args, { cwd });
    t.is(code, 2, args.join(' '));
    t.is(stdout.length, 0);
    t.regex(stderr, expected);
    t.regex(stderr, /^sealstream[^\n]*\.\n {2}[^\n]+[.?]\n$/);
  }
});

test('a header is exported to a new file or to standard output', async (t) => {
  const { cwd, sealed } = await copies(t);
  const header = sealed.subarray(0, HEADER);
  const file = await sealstream(['header', 'export', 'b', '-o', 'h'], { cwd });
  t.deepEqual([file.code, file.stdout.length], [0, 0]);
  t.is(file.stderr, 'wrote the header of b to h: 4,096 bytes\n');
  t.deepEqual(readFileSync(join(cwd, 'h')), header);

  const piped = await sealstream(['header', 'export', 'b', '-o', '-', '-q'], { cwd });
  t.deepEqual([piped.code, piped.stderr], [0, '']);
  t.deepEqual(piped.stdout, header);

  const json = await sealstream(['header', 'export', 'b', '-o', 'h2', '--json'], { cwd });
  t.deepEqual(parsed(json.stdout), {
    command: 'header export',
    source: 'b',
    target: 'h2',
    status: 'ok',
    report: { headerSize: 4096 },
  });

  const again = await sealstream(['header', 'export', 'b', '-o', 'h'], { cwd });
  t.is(again.code, 5);
  t.regex(again.stderr, /^sealstream header export: h exists\.\n/);
  t.is((await sealstream(['header', 'export', 'b', '-o', 'b'], { cwd })).code, 5);
  const wrong = await sealstream(['header', 'export', 'my.key', '-o', 'none'], { cwd });
  t.is(wrong.code, 4);
  t.regex(wrong.stderr, /my\.key is a file of keys, not a sealed stream/);
  t.is((await sealstream(['header', 'export', 'nothing', '-o', 'none'], { cwd })).code, 1);
  t.is((await sealstream(['header', 'export', 'b', '-o', 'no/where'], { cwd })).code, 1);
  t.false(names(cwd).includes('none'));
});

test('an exported header heals a file whose header is lost', async (t) => {
  const { cwd, sealed } = await copies(t);
  writeFileSync(join(cwd, 'whole'), sealed);
  await sealstream(['header', 'export', 'whole', '-o', 'h'], { cwd });
  const lost = Buffer.from(sealed).fill(0, 0, HEADER);
  lost.fill(0, sealed.length - 24 - HEADER, sealed.length - 24);
  writeFileSync(join(cwd, 'lost'), lost);
  const { code, stderr } = await sealstream(['heal', 'lost', 'h', '-o', 'out'], { cwd });
  t.is(code, 0, stderr);
  t.regex(stderr, /header: h\n/);
  t.deepEqual(readFileSync(join(cwd, 'out')), sealed);
});

terminalTest('a header is not written to a terminal', async (t) => {
  const { cwd } = await copies(t);
  const { code, screen } = await onTerminal('sealstream header export b -o -', { cwd });
  t.is(code, 5);
  t.regex(screen, /standard output is a terminal/);
  t.false(screen.includes(ESCAPE));
});

/** Three copies of a sealed file: one without its start and with data appended, one cut short, one damaged throughout. */
async function copies(t: ExecutionContext) {
  const cwd = await folderWithKey(t);
  const content = Buffer.alloc(3_500_000, 'some text, again and again ');
  writeFileSync(join(cwd, 'plain'), content);
  const { code, stderr } = await sealstream(['encrypt', '-k', 'my.key', '-o', 'x', 'plain'], { cwd });
  t.is(code, 0, stderr);
  const sealed = readFileSync(join(cwd, 'x'));
  const a = Buffer.concat([sealed, Buffer.alloc(7)]);
  a.fill(0, 0, HEADER + RECORD + 200).fill(0, HEADER + 3 * RECORD, HEADER + 3 * RECORD + 100);
  const c = Buffer.from(sealed).fill(0, 0, HEADER + RECORD + 200);
  writeFileSync(join(cwd, 'a'), a);
  writeFileSync(join(cwd, 'b'), sealed.subarray(0, HEADER + 3 * RECORD));
  writeFileSync(join(cwd, 'c'), c);
  return { cwd, sealed };
}
