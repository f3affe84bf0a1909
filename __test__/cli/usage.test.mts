import { readFileSync } from 'node:fs';

import test from 'ava';

import { folder, folderWithKey, jsonError, parsed, sealstream } from './command.mjs';

const commands = ['keygen', 'encrypt', 'decrypt', 'cat', 'inspect', 'verify'];

test('the help names every command, the exit codes and the environment', async (t) => {
  const { code, stdout } = await sealstream(['--help']);
  t.is(code, 0);
  for (const word of [...commands, 'Exit codes', '130', 'SEALSTREAM_KEY_FILE'])
    t.true(stdout.includes(word), word);
  for (const args of [['help'], ['-h']]) t.deepEqual((await sealstream(args)).stdout, stdout);
});

test('every command has a help with examples, exit codes, and lines that fit', async (t) => {
  for (const command of commands) {
    const { code, stdout } = await sealstream([command, '--help']);
    const text = stdout.toString();
    t.is(code, 0);
    t.regex(text, new RegExp(`^Usage: sealstream ${command}`));
    t.regex(text, /\nExamples:\n {2}\S+[^]*\nOptions:\n[^]*\nExit codes:\n {2}0/);
    t.deepEqual(
      text.split('\n').filter((line) => line.length > 110),
      [],
    );
    // An option and its help are separate.
    t.notRegex(text, /^ +(?:-\w, )?--[\w-]+ [A-Z]{2,}[a-z]/m);
    t.deepEqual((await sealstream(['help', command])).stdout, stdout);
  }
});

test('--help works beside wrong arguments', async (t) => {
  t.is((await sealstream(['encrypt', '-h', 'a', 'b', 'c'])).code, 0);
});

test('--version is the package’s', async (t) => {
  const manifest = parsed(readFileSync(new URL('../../package.json', import.meta.url)));
  for (const option of ['--version', '-V']) {
    t.is((await sealstream([option])).stdout.toString(), `sealstream ${String(manifest['version'])}\n`);
  }
});

test('without a command, the help is printed as an error', async (t) => {
  const { code, stdout, stderr } = await sealstream([]);
  t.is(code, 2);
  t.is(stdout.length, 0);
  t.regex(stderr, /Usage: sealstream COMMAND/);
});

test('every usage error names the argument and gives advice', async (t) => {
  const cwd = await folderWithKey(t);
  for (const [args, expected] of [
    [['encrpyt', 'a'], /unknown command encrpyt[^]*sealstream encrypt\?/],
    [['seal', 'a'], /sealstream encrypt\?/],
    [['frobnicate'], /keygen, encrypt, decrypt, cat, inspect/],
    [['--json', 'encrypt'], /a command comes first/],
    [['help', 'decript'], /sealstream decrypt\?/],
    [['encrypt', '--ouput', 'x', 'a'], /unknown option --ouput[^]*--output\?/],
    [['encrypt', '--contxt=x', 'a'], /unknown option --contxt[^]*--context\?/],
    [['decrypt', '--max-segment', '1M', 'a'], /--max-segment-size\?/],
    [['encrypt', '-x', 'a'], /unknown option -x[^]*sealstream encrypt --help/],
    [['encrypt', '-k', 'my.key'], /IN is missing[^]*- for standard input/],
    [['encrypt', '-k', 'my.key', 'a', 'b'], /b follows a[^]*-o OUT/],
    [['encrypt', 'a', '-k'], /-k needs a value[^]*-k FILE/],
    [['encrypt', '-o', '--force', 'a'], /-o needs a value, but --force follows[^]*--output=--force/],
    [['encrypt', '-o', 'x', '-o', 'y', 'a'], /-o, --output is given twice/],
    [['encrypt', '--force=yes', 'a'], /--force takes no value/],
    [['encrypt', '--context=', 'a'], /--context needs a value/],
    [['inspect'], /FILE is missing/],
    [['inspect', '-'], /inspect needs files/],
    [['inspect', 'a', 'b'], /b follows a/],
    [['verify'], /PATH is missing/],
    [['verify', '-'], /verify needs files/],
    [['verify', '.'], /\. is a folder[^]*--recursive/],
    [['rewrap', '-k', 'my.key', '--mend', 'a', '.'], /\. is a folder[^]*--recursive/],
    [['verify', '--sample', '0%', 'a'], /--sample is not a share: 0%[^]*1% or 0\.01/],
    [['verify', '--sample', '101%', 'a'], /--sample is not a share/],
    [['verify', '--seed', '5', 'a'], /--seed needs --sample/],
    [['verify', '--sample', '5%', '--seed', 'x', 'a'], /--seed is not a whole number/],
    [['verify', '--rate', '0', 'a'], /--rate must be at least/],
    [['verify', '--jobs', '0', 'a'], /--jobs must be a whole number/],
    [['verify', '--context', 'c', 'a'], /--context needs a key/],
    [['verify', '-k', 'my.key', '--no-key', 'a'], /exclude each other/],
    [['chekc', 'a'], /unknown command/],
    [['scrub', 'a'], /sealstream verify\?/],
  ] as const) {
    const { code, stdout, stderr } = await sealstream(args, { cwd });
    t.is(code, 2, args.join(' '));
    t.is(stdout.length, 0);
    t.regex(stderr, expected);
    t.regex(stderr, /^sealstream[^\n]*\.\n {2}[^\n]+[.?]\n$/);
  }
});

test('with --json a usage error is JSON', async (t) => {
  const { code, stdout, stderr } = await sealstream(['encrypt', '--json', '--nonsense', 'a'], {
    cwd: folder(t),
  });
  t.is(code, 2);
  t.like(jsonError({ stdout, stderr }), {
    code: 'ERR_CLI_USAGE',
    message: 'unknown option --nonsense',
    exitCode: 2,
  });
  t.is(stderr, '');
  t.like(parsed(stdout), { command: 'encrypt', source: 'a', target: 'a.seal', status: 'failed' });
});

test('inspect prints a table or JSON without a key', async (t) => {
  const cwd = await folderWithKey(t);
  await sealstream(['encrypt', '-k', 'my.key', '--key-id', 'a\x1b[31m', '-o', 'x.seal', '-'], {
    cwd,
    input: 'hello',
  });
  const table = await sealstream(['inspect', 'x.seal'], { cwd });
  t.is(table.code, 0);
  t.regex(
    table.stdout.toString(),
    /plaintext +5 bytes\n[^]*segments +1 segment of up to 1 MiB, in frames of 64 KiB\n/,
  );
  t.false(table.stdout.includes('\x1b'));

  const json = parsed((await sealstream(['inspect', '--json', 'x.seal'], { cwd })).stdout);
  t.like(json, { file: 'x.seal', report: { plaintextSize: 5, segments: 1, frameSize: 65_536 } });

  const missing = await sealstream(['inspect', 'nothing'], { cwd });
  t.is(missing.code, 1);
  t.regex(missing.stderr, /nothing/);
  t.is((await sealstream(['inspect', 'my.key'], { cwd })).code, 4);
});
