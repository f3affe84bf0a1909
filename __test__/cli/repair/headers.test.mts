// Detached headers.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { folderWithKey, jsonError, names, sealstream } from '../command.mjs';

/** A folder with `db`, its `db.header` and `db.body`, and another stream, `other.seal` and `other.header`. */
async function folderWithBody(t: ExecutionContext) {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'db'), randomBytes(100_000));
  const run = (...args: string[]) => sealstream(args, { cwd });
  for (const args of [
    ['encrypt', '-k', 'my.key', '--header-out', 'db.header', 'db'],
    ['encrypt', '-k', 'my.key', '-o', 'other.seal', 'db'],
    ['header', 'export', 'other.seal', '-o', 'other.header'],
  ]) {
    const { code, stderr } = await run(...args);
    t.is(code, 0, stderr);
  }
  return { cwd, run };
}

test('a body has an ending of its own, and decrypt removes it', async (t) => {
  const { cwd, run } = await folderWithBody(t);
  t.deepEqual(names(cwd), ['db', 'db.body', 'db.header', 'my.key', 'other.header', 'other.seal']);
  writeFileSync(join(cwd, 'copy.body'), readFileSync(join(cwd, 'db.body')));
  writeFileSync(join(cwd, 'copy2.seal'), readFileSync(join(cwd, 'db.body')));
  for (const body of ['copy.body', 'copy2.seal']) {
    const { code, stderr } = await run('decrypt', '-k', 'my.key', '--header', 'db.header', body);
    t.is(code, 0, stderr);
  }
  t.deepEqual(readFileSync(join(cwd, 'copy')), readFileSync(join(cwd, 'db')));
  t.true(existsSync(join(cwd, 'copy2')));
});

test('a body is verified with its header, with or without a key', async (t) => {
  const { cwd, run } = await folderWithBody(t);
  for (const key of [[], ['-k', 'my.key']]) {
    const { code, stdout } = await run('verify', ...key, '--header', 'db.header', 'db.body');
    t.is(code, 0, stdout.toString());
    t.regex(stdout.toString(), /^ok {7}db\.body: 1 segment/);
    const wrong = await run('verify', ...key, '--header', 'other.header', 'db.body');
    t.is(wrong.code, 4);
    t.regex(wrong.stdout.toString(), /other\.header may be the header of another stream[^\n]*\n$/);
  }
  const two = await run('verify', '--header', 'db.header', 'db.body', 'db.body');
  t.is(two.code, 2);
  t.regex(two.stderr, /--header is for one file/);
  for (const more of [[], ['--recursive']]) {
    t.is((await run('verify', ...more, '--header', 'db.header', cwd)).code, 2);
  }
});

test('with the header of another stream, the message says so before the damage that it looks like', async (t) => {
  const { cwd, run } = await folderWithBody(t);
  for (const args of [
    ['header', 'attach', 'other.header', 'db.body', '-o', 'new'],
    ['decrypt', '-k', 'my.key', '--header', 'other.header', 'db.body', '-o', 'new'],
  ]) {
    const { code, stderr } = await run(...args);
    t.is(code, 4);
    t.regex(
      stderr,
      /: other\.header is the header of another stream, or db\.body is damaged: [^\n]*\n {2}Check first that the header belongs to the file; if it does, /,
    );
  }
  t.false(existsSync(join(cwd, 'new')));
});

test('a sealed file is refused as a body', async (t) => {
  const { run } = await folderWithBody(t);
  const { code, stderr } = await run('header', 'attach', 'db.header', 'other.seal', '-o', 'new');
  t.is(code, 2);
  t.regex(stderr, /other\.seal has a header of its own\.\n {2}Name the body/);
});

test('a body without its header is explained, with the options of each command', async (t) => {
  const { run } = await folderWithBody(t);
  for (const [args, takesHeader] of [
    [['inspect'], false],
    [['header', 'export', '-o', 'new'], false],
    [['rewrap', '-k', 'my.key', '--mend'], false],
    [['verify'], true],
    [['decrypt', '-k', 'my.key', '-o', 'new'], true],
  ] as const) {
    const { code, stdout, stderr } = await run(...args, 'db.body');
    t.is(code, 4);
    t.regex(
      `${stdout.toString()}${stderr}`,
      /without its header[^]*sealstream header attach HEADER BODY -o FILE/,
    );
    t.is(`${stdout.toString()}${stderr}`.includes('--header FILE'), takesHeader, args.join(' '));
  }
});

test('a header alone is not reported as a stream that is cut short', async (t) => {
  const { run } = await folderWithBody(t);
  for (const header of ['db.header', 'other.header']) {
    const decrypt = await run('decrypt', '-k', 'my.key', '--json', '-o', 'new', header);
    t.is(decrypt.code, 4);
    t.regex(jsonError(decrypt).message, /^\w+\.header is a header alone/);
    t.regex(String(jsonError(decrypt).advice), new RegExp(`--header ${header}`));
    const inspect = (await run('inspect', header)).stdout.toString();
    const rewrap = await run('rewrap', '-k', 'my.key', '--mend', header);
    t.regex(rewrap.stdout.toString(), /\.header is a header alone[^]*header attach \w+\.header BODY/);
    t.regex(inspect, /this is a header alone[^]*key slots +slot:0 +a key without a name/);
  }
  t.notRegex((await run('inspect', 'other.seal')).stdout.toString(), /alone/);
});
