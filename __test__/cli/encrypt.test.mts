import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { folder, folderWithKey, jsonError, jsonReport, names, parsed, sealstream } from './command.mjs';

const posixTest = process.platform === 'win32' ? test.skip : test;

test('a file is sealed next to itself, and opened again', async (t) => {
  const cwd = await folderWithKey(t);
  const data = randomBytes(3_000_001);
  writeFileSync(join(cwd, 'a.bin'), data);
  const sealed = await sealstream(['encrypt', '-k', 'my.key', 'a.bin'], { cwd });
  t.is(sealed.code, 0);
  t.is(sealed.stdout.length, 0);
  t.regex(sealed.stderr, /^encrypted a\.bin -> a\.bin\.seal: 2\.9 MiB in [^\n]*3 segments\n$/);

  const opened = await sealstream(['decrypt', '-k', 'my.key', '-o', 'b.bin', 'a.bin.seal'], { cwd });
  t.is(opened.code, 0);
  t.regex(opened.stderr, /^decrypted a\.bin\.seal -> b\.bin: 2\.9 MiB/);
  t.deepEqual(readFileSync(join(cwd, 'b.bin')), data);
  t.deepEqual(names(cwd), ['a.bin', 'a.bin.seal', 'b.bin', 'my.key']);
});

test('without -o the ending .seal is added and removed', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  await sealstream(['encrypt', '-k', 'my.key', 'a'], { cwd });
  writeFileSync(join(cwd, 'a'), 'other');
  t.is((await sealstream(['decrypt', '-k', 'my.key', 'a.seal'], { cwd })).code, 5);
  t.is(readFileSync(join(cwd, 'a'), 'utf8'), 'other');
  t.is((await sealstream(['decrypt', '-k', 'my.key', '--force', 'a.seal'], { cwd })).code, 0);
  t.is(readFileSync(join(cwd, 'a'), 'utf8'), 'text');
});

test('a name without .seal needs -o', async (t) => {
  const cwd = await folderWithKey(t);
  for (const name of ['a.bin', '.seal', 'x/.seal']) {
    const { code, stderr } = await sealstream(['decrypt', '-k', 'my.key', name], { cwd });
    t.is(code, 2, name);
    t.regex(stderr, /-o OUT/);
  }
});

test('a directory is refused as a directory', async (t) => {
  const cwd = await folderWithKey(t);
  mkdirSync(join(cwd, 'd'));
  const { code, stderr } = await sealstream(['decrypt', '-k', 'my.key', 'd'], { cwd });
  t.is(code, 5);
  t.is(stderr, 'sealstream decrypt: d is a directory.\n  Name a sealed file.\n');
});

test('pipes at both ends, from an empty input to several segments', async (t) => {
  const cwd = await folderWithKey(t);
  const env = { SEALSTREAM_KEY_FILE: 'my.key' };
  for (const size of [0, 1, 65_536, 1_048_576, 1_048_577, 5_000_000]) {
    const data = randomBytes(size);
    const sealed = await sealstream(['encrypt', '-'], { cwd, env, input: data });
    t.is(sealed.code, 0, sealed.stderr);
    const opened = await sealstream(['decrypt', '-'], { cwd, env, input: sealed.stdout });
    t.is(opened.code, 0, opened.stderr);
    t.deepEqual(opened.stdout, data);
  }
  t.deepEqual(names(cwd), ['my.key']);
});

test('a pipe at one end and a file at the other', async (t) => {
  const cwd = await folderWithKey(t);
  const data = randomBytes(2_500_000);
  const toFile = await sealstream(['encrypt', '-k', 'my.key', '-', '-o', 'x.seal'], { cwd, input: data });
  t.is(toFile.code, 0, toFile.stderr);
  t.regex(toFile.stderr, /encrypted standard input -> x\.seal/);
  const fromFile = await sealstream(['decrypt', '-k', 'my.key', '-o', '-', 'x.seal'], { cwd });
  t.deepEqual(fromFile.stdout, data);
  t.regex(fromFile.stderr, /decrypted x\.seal -> standard output/);

  const again = await sealstream(['encrypt', '-k', 'my.key', '-', '-o', 'x.seal'], { cwd, input: data });
  t.is(again.code, 5);
});

test('options take effect, and wrong values are named', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), randomBytes(40_000));
  const options = [
    '--frame-size',
    '4K',
    '--segment-size',
    '16KiB',
    '--digest',
    'sha256',
    '--key-id',
    'k 1',
    '--threads',
    '1',
  ];
  const sealed = await sealstream(['encrypt', '-k', 'my.key', '--json', ...options, 'a'], { cwd });
  t.is(sealed.code, 0, sealed.stderr);
  t.like(jsonReport(sealed.stdout), {
    stats: { segments: 3, frames: 10, threads: 1 },
    plaintextSize: 40_000,
  });
  const info = jsonReport((await sealstream(['inspect', '--json', 'a.seal'], { cwd })).stdout);
  t.like(info, { frameSize: 4096, segmentSize: 16_384, digest: 'sha256' });
  t.deepEqual(info['slots'], [{ slotIndex: 0, type: 'key', keyId: 'k 1' }]);

  for (const [wrong, named] of [
    [['--frame-size', '12x'], /--frame-size is not a size: 12x/],
    [['--frame-size', '512'], /--frame-size must be/],
    [['--segment-size', '100K'], /--segment-size must be/],
    [['--frame-size', '99G'], /--frame-size must be/],
    [['--digest', 'sha265'], /did you mean sha256/i],
    [['--threads', '0'], /--threads must be a whole number from 1 to 1024, not 0\./],
    [['--threads', '1025'], /--threads must be a whole number from 1 to 1024, not 1025\./],
    [['--threads', '99999999999'], /--threads must be a whole number from 1 to 1024, not 9/],
    [['--key-id', 'x'.repeat(300)], /--key-id must/],
    [['--context', 'x'.repeat(70_000)], /--context must/],
  ] as const) {
    const { code, stderr } = await sealstream(['encrypt', '-k', 'my.key', ...wrong, 'a', '-o', 'b'], { cwd });
    t.is(code, 2, stderr);
    t.regex(stderr, named);
  }
  t.deepEqual(names(cwd), ['a', 'a.seal', 'my.key']);
});

test('--json is one object: on standard output, or on standard error beside the data', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  const toFile = await sealstream(['encrypt', '-k', 'my.key', '--json', 'a'], { cwd });
  t.is(toFile.stderr, '');
  t.like(parsed(toFile.stdout), {
    command: 'encrypt',
    source: 'a',
    target: 'a.seal',
    report: { plaintextSize: 4 },
  });

  const toPipe = await sealstream(['decrypt', '-k', 'my.key', '--json', '-o', '-', 'a.seal'], { cwd });
  t.is(toPipe.stdout.toString(), 'text');
  t.like(parsed(toPipe.stderr), {
    command: 'decrypt',
    source: 'a.seal',
    target: '-',
    report: { plaintextSize: 4, warnings: [] },
  });
});

test('with --quiet nothing is printed', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  const { code, stdout, stderr } = await sealstream(['encrypt', '--quiet', '-k', 'my.key', 'a'], { cwd });
  t.deepEqual([code, stdout.length, stderr], [0, 0, '']);
});

test('a key is taken from SEALSTREAM_KEY_FILE unless -k names one', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  const none = await sealstream(['encrypt', 'a'], { cwd });
  t.is(none.code, 2);
  t.regex(none.stderr, /no key is given[^]*SEALSTREAM_KEY_FILE[^]*keygen/);
  t.is((await sealstream(['encrypt', 'a'], { cwd, env: { SEALSTREAM_KEY_FILE: 'my.key' } })).code, 0);
  const named = await sealstream(['decrypt', '-k', 'my.key', '-fq', 'a.seal'], {
    cwd,
    env: { SEALSTREAM_KEY_FILE: 'no' },
  });
  t.is(named.code, 0);
});

test('of several keys the matching one opens', async (t) => {
  const cwd = await folderWithKey(t);
  await sealstream(['keygen', '-o', 'other.key'], { cwd });
  writeFileSync(join(cwd, 'a'), 'text');
  await sealstream(['encrypt', '-k', 'my.key', '--key-id', 'mine', 'a'], { cwd });
  const both = ['decrypt', '-k', 'other.key', '-k', 'my.key', '-f', 'a.seal'];
  t.is((await sealstream(both, { cwd })).code, 0);
  const wrong = await sealstream(['decrypt', '-k', 'other.key', '-f', 'a.seal'], { cwd });
  t.is(wrong.code, 3);
  t.regex(wrong.stderr, /mine[^]*-k FILE/);
});

test('the context must match, and a missing one has its own message', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  await sealstream(['encrypt', '-k', 'my.key', '--context', 'tenant 7', 'a'], { cwd });
  const none = await sealstream(['decrypt', '-k', 'my.key', '-f', 'a.seal'], { cwd });
  t.is(none.code, 3);
  t.regex(none.stderr, /a\.seal was encrypted with a context\.\n {2}Give it with --context/);
  const wrong = await sealstream(['decrypt', '-k', 'my.key', '-f', '--context', 'tenant 8', 'a.seal'], {
    cwd,
  });
  t.is(wrong.code, 3);
  t.regex(wrong.stderr, /a\.seal was encrypted with another context, or none\.\n/);
  t.is(
    (await sealstream(['decrypt', '-k', 'my.key', '-f', '--context=tenant 7', 'a.seal'], { cwd })).code,
    0,
  );
});

posixTest('a key file that others can read is refused unless that is allowed', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  chmodSync(join(cwd, 'my.key'), 0o644);
  const { code, stderr } = await sealstream(['encrypt', '-k', 'my.key', 'a'], { cwd });
  t.is(code, 5);
  t.regex(stderr, /others can read[^]*chmod 600[^]*--allow-readable-key/);
  t.is((await sealstream(['encrypt', '-k', 'my.key', '--allow-readable-key', 'a'], { cwd })).code, 0);
});

test('a file that is missing or no key file is an error', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'a'), 'text', { mode: 0o600 });
  const noKey = await sealstream(['encrypt', '-k', 'a', 'a'], { cwd });
  t.is(noKey.code, 3);
  t.regex(noKey.stderr, /the key file a holds no key/);
  chmodSync(join(cwd, 'a'), 0o644);
  const readable = await sealstream(['encrypt', '-k', 'a', 'a'], { cwd });
  t.is(readable.code, 3);
  t.regex(readable.stderr, /the key file a holds no key/);
  t.notRegex(readable.stderr, /chmod/);
  const missing = await sealstream(['encrypt', '-k', 'missing', 'a', '--json'], { cwd });
  t.is(missing.code, 2);
  t.like(jsonError(missing), {
    code: 'ERR_CLI_KEY_FILE_MISSING',
    message: 'the key file missing does not exist',
  });
});

test('a missing folder is reported by the given name', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  const { code, stderr } = await sealstream(['encrypt', '-k', 'my.key', '-o', 'no/b', 'a'], { cwd });
  t.is(code, 1);
  t.regex(stderr, /no\/b: [^\n]*\n/);
  t.notRegex(stderr, /partial|os error/);
});

test('unusual file names', async (t) => {
  const cwd = await folderWithKey(t);
  const odd = [
    'with space',
    '-dash',
    '--force',
    'Grüße 漢字 🔐',
    'quote\'"$`',
    '#hash',
    ...(process.platform === 'win32' ? [] : ['new\nline', 'tab\there', 'esc\x1b[31m']),
  ];
  for (const name of odd) {
    writeFileSync(join(cwd, name), name);
    const sealed = await sealstream(['encrypt', '-k', 'my.key', '--', name], { cwd });
    t.is(sealed.code, 0, sealed.stderr);
    // A name can't add lines or colours to the output.
    t.is(sealed.stderr.split('\n').length, 2);
    t.false(sealed.stderr.includes('\x1b'));
    const opened = await sealstream(['decrypt', '-k', 'my.key', '-f', '--', `${name}.seal`], { cwd });
    t.is(opened.code, 0, opened.stderr);
    t.is(readFileSync(join(cwd, name), 'utf8'), name);
  }
});

test('a refused command changes no file', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  writeFileSync(join(cwd, 'b'), 'old');
  mkdirSync(join(cwd, 'folder'));
  const encrypt = ['encrypt', '-k', 'my.key'];
  for (const [args, expected] of [
    [[...encrypt, 'a', '-o', 'a'], /same file/],
    [[...encrypt, 'a', '-o', 'b'], /b exists[^]*--force/],
    [[...encrypt, 'folder', '-o', 'c'], /folder is a directory\.\n[^\n]*tar c/],
    [[...encrypt, 'a', '-o', 'folder'], /folder is a directory\.\n[^\n]*-o OUT/],
    [['inspect', 'folder'], /folder is a directory\.\n {2}Name a sealed file\.\n$/],
  ] as const) {
    const { code, stderr } = await sealstream(args, { cwd });
    t.is(code, 5, stderr);
    t.regex(stderr, expected);
  }
  t.deepEqual(names(cwd), ['a', 'b', 'folder', 'my.key']);
});

posixTest('a folder as a key file is refused', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'a'), 'text');
  const { code, stderr } = await sealstream(['encrypt', '-k', '.', 'a'], { cwd });
  t.is(code, 5);
  t.regex(stderr, /the key file \. is not a regular file/);
});

posixTest('plaintext is readable only by its owner', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text', { mode: 0o644 });
  await sealstream(['encrypt', '-k', 'my.key', 'a'], { cwd });
  await sealstream(['decrypt', '-k', 'my.key', '-o', 'b', 'a.seal'], { cwd });
  t.is(statSync(join(cwd, 'b')).mode & 0o777, 0o600);
  await sealstream(['decrypt', '-k', 'my.key', '-o', 'c', '-'], {
    cwd,
    input: readFileSync(join(cwd, 'a.seal')),
  });
  t.is(statSync(join(cwd, 'c')).mode & 0o777, 0o600);
});
