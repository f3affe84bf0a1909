import { linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { folderWithKey, jsonError, names, sealstream } from './command.mjs';

test('no output replaces a key file or another input, even with --force', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  await sealstream(['keygen', '-o', 'other.key'], { cwd });
  await sealstream(['encrypt', '-k', 'my.key', '-o', 'x.seal', 'x'], { cwd });
  for (const copy of ['y.seal', 'h.seal']) {
    writeFileSync(join(cwd, copy), readFileSync(join(cwd, 'x.seal')));
  }
  linkSync(join(cwd, 'my.key'), join(cwd, 'linked'));
  mkdirSync(join(cwd, 'sub'));
  const contents = () =>
    names(cwd).map((name) => (name === 'sub' ? '' : readFileSync(join(cwd, name), 'hex')));
  const [listed, before] = [names(cwd), contents()];
  const salvage = ['salvage', '-k', 'my.key', 'x.seal', '--fallback-header', 'h.seal'];
  for (const [args, expected] of [
    [['encrypt', '-k', 'my.key', '-o', 'my.key', 'x'], '-o my.key is the key file my.key'],
    [['decrypt', '-k', 'my.key', '-o', 'sub/../my.key', 'x.seal'], 'is the key file my.key'],
    [['decrypt', '-k', 'other.key', '-k', 'my.key', '-o', 'linked', 'x.seal'], 'is the key file my.key'],
    [['decrypt', '-k', 'my.key', '-o', 'other.key', 'x.seal'], 'is the key file other.key'],
    [['decrypt', '-k', 'my.key', '-o', 'my.key', '-'], 'is the key file my.key'],
    [['heal', 'x.seal', 'y.seal', '-o', 'other.key'], 'is the key file other.key'],
    [[...salvage, '-o', 'my.key'], '-o my.key is the key file my.key'],
    [[...salvage, '-o', 'out', '--map', 'my.key'], '--map my.key is the key file my.key'],
    [[...salvage, '-o', 'out', '--html', 'h.seal'], '--html h.seal is the file of --fallback-header'],
    [[...salvage, '-o', 'h.seal'], '-o h.seal is the file of --fallback-header'],
    [[...salvage, '-o', 'out', '--map', './out'], '--map ./out is the file of -o'],
    [[...salvage, '-o', 'out', '--map', 'x.seal'], '--map x.seal is the input'],
  ] as const) {
    const run = { cwd, env: { SEALSTREAM_KEY_FILE: 'other.key' } };
    const { code, stdout, stderr } = await sealstream([...args, '--force', '--json'], run);
    t.is(code, 5, stderr);
    const { code: name, message, advice } = jsonError({ stdout, stderr });
    t.is(name, 'ERR_CLI_REFUSED');
    t.true(message.endsWith(expected), stderr);
    t.regex(String(advice), /^name another file with -/);
  }
  t.deepEqual([names(cwd), contents()], [listed, before]);
});
