import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import { decryptFile, encryptFile, encryptSync, SecretKey } from 'sealstream';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();
const posix = process.platform === 'win32' ? test.skip : test;

test('a target that exists is kept, unless it may be overwritten', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, 'text');
  writeFileSync(to, 'precious');
  const before = contents(directory);
  t.deepEqual(await failureOf(t, () => encryptFile(from, to, { key })), { kind: 'TargetExists', path: to });
  t.deepEqual(contents(directory), before);

  await encryptFile(from, to, { key, overwrite: true });
  t.deepEqual(await failureOf(t, () => decryptFile(to, from, { key })), { kind: 'TargetExists', path: from });
  t.is(readFileSync(from, 'utf8'), 'text');
  await decryptFile(to, from, { key, overwrite: true });
  t.is(readFileSync(from, 'utf8'), 'text');
});

test('a failure leaves the existing target unchanged', async (t) => {
  const directory = temporaryDirectory(t);
  const [sealed, to] = [join(directory, 'sealed'), join(directory, 'to')];
  const stream = encryptSync(pattern(10_000), { key, frameSize: 1024, segmentSize: 1024 });
  writeFileSync(to, 'precious');
  for (const broken of [
    stream.subarray(0, -1),
    withFlippedByte(stream, stream.length >> 1),
    Buffer.concat([stream, stream]),
    Buffer.from('no stream'),
    Buffer.alloc(0),
  ]) {
    writeFileSync(sealed, broken);
    const before = contents(directory);
    await failureOf(t, () => decryptFile(sealed, to, { key, overwrite: true }));
    await failureOf(t, () => decryptFile(sealed, join(directory, 'new'), { key }));
    t.deepEqual(contents(directory), before);
  }
});

test('a file is not converted onto itself, by any of its names', async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  mkdirSync(at('sub'));
  writeFileSync(at('file'), 'text');
  const names = [at('file'), join(directory, 'sub', '..', 'file')];
  linkSync(at('file'), at('hard'));
  names.push(at('hard'));
  if (process.platform !== 'win32') {
    symlinkSync('file', at('soft'));
    symlinkSync(directory, at('around'));
    names.push(at('soft'), join(directory, 'around', 'file'));
  }
  for (const name of names) {
    for (const convert of [encryptFile, decryptFile]) {
      const failure = await failureOf(t, () => convert(at('file'), name, { key, overwrite: true }));
      // A stream that is none may be found first; the file must stay, whatever is found.
      t.deepEqual(failure, { kind: 'SameFile', path: name });
      t.is(readFileSync(at('file'), 'utf8'), 'text');
    }
  }
});

test('a directory is neither source nor target', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), 'text');
  mkdirSync(join(directory, 'sub'));
  for (const convert of [encryptFile, decryptFile]) {
    const source = await failureOf(t, () => convert(join(directory, 'sub'), join(directory, 'to'), { key }));
    const target = await failureOf(t, () =>
      convert(join(directory, 'file'), join(directory, 'sub'), { key, overwrite: true }),
    );
    if (process.platform !== 'win32') {
      t.like(source, { kind: 'NotARegularFile', found: 'directory' });
      t.like(target, { kind: 'NotARegularFile', found: 'directory' });
    }
  }
  t.deepEqual(readdirSync(directory).sort(), ['file', 'sub']);
  t.deepEqual(readdirSync(join(directory, 'sub')), []);
});

test('a missing file is reported with its path', async (t) => {
  const directory = temporaryDirectory(t);
  const missing = join(directory, 'missing');
  for (const convert of [encryptFile, decryptFile]) {
    const failure = await failureOf(t, () => convert(missing, join(directory, 'to'), { key }));
    t.like(failure, { kind: 'Io', operation: 'open', path: missing, code: 'ENOENT' });
    writeFileSync(join(directory, 'from'), encryptSync(Buffer.from('text'), { key }));
    const nowhere = join(directory, 'nowhere', 'to');
    const target = await failureOf(t, () => convert(join(directory, 'from'), nowhere, { key }));
    t.like(target, { kind: 'Io', operation: 'create', path: nowhere, code: 'ENOENT' });
  }
});

posix('a named pipe is refused at once, at either end', async (t) => {
  const directory = temporaryDirectory(t);
  const [fifo, file] = [join(directory, 'fifo'), join(directory, 'file')];
  execFileSync('mkfifo', [fifo]);
  writeFileSync(file, 'text');
  for (const convert of [encryptFile, decryptFile]) {
    const source = await failureOf(t, () => convert(fifo, join(directory, 'to'), { key }));
    t.deepEqual(source, { kind: 'NotARegularFile', path: fifo, found: 'fifo' });
    const target = await failureOf(t, () => convert(file, fifo, { key, overwrite: true }));
    t.deepEqual(target, { kind: 'NotARegularFile', path: fifo, found: 'fifo' });
  }
  t.true(lstatSync(fifo).isFIFO());
});

posix('a device is refused at either end', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), 'text');
  for (const device of ['/dev/null', '/dev/full', '/dev/zero'].filter((path) => existsSync(path))) {
    const source = await failureOf(t, () => encryptFile(device, join(directory, 'to'), { key }));
    t.deepEqual(source, { kind: 'NotARegularFile', path: device, found: 'device' });
    const target = await failureOf(t, () =>
      encryptFile(join(directory, 'file'), device, { key, overwrite: true }),
    );
    t.deepEqual(target, { kind: 'NotARegularFile', path: device, found: 'device' });
  }
  t.deepEqual(readdirSync(directory), ['file']);
});

posix('a symbolic link as target is followed, and one to nothing is refused', async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  writeFileSync(at('from'), 'text');
  writeFileSync(at('real'), 'old');
  symlinkSync('real', at('link'));
  symlinkSync('nothing', at('dangling'));
  await encryptFile(at('from'), at('link'), { key, overwrite: true });
  t.true(lstatSync(at('link')).isSymbolicLink());
  await decryptFile(at('real'), at('opened'), { key });
  t.is(readFileSync(at('opened'), 'utf8'), 'text');
  const failure = await failureOf(t, () => encryptFile(at('from'), at('dangling'), { key, overwrite: true }));
  t.like(failure, { kind: 'NotARegularFile', found: 'dangling-link' });
  t.false(existsSync(at('nothing')));
});

posix("a sealed file has its source's permissions, an opened one only the owner's", async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  const mode = (name: string) => statSync(at(name)).mode & 0o777;
  writeFileSync(at('from'), 'text');
  for (const [from, sealed, opened] of [
    [0o644, 0o644, 0o600],
    [0o600, 0o600, 0o600],
    [0o755, 0o755, 0o700],
    [0o440, 0o440, 0o400],
  ] as const) {
    chmodSync(at('from'), from);
    const [to, back] = [`sealed-${from}`, `opened-${from}`];
    await encryptFile(at('from'), at(to), { key });
    await decryptFile(at(to), at(back), { key });
    t.is(mode(to), sealed);
    t.is(mode(back), opened);
  }
  writeFileSync(at('existing'), 'old');
  chmodSync(at('existing'), 0o640);
  await encryptFile(at('from'), at('existing'), { key, overwrite: true });
  t.is(mode('existing'), 0o640);
});

(process.platform === 'win32' ? test.skip : test.serial)(
  'an unreadable source and an unwritable directory are reported',
  async (t) => {
    const directory = temporaryDirectory(t);
    const [from, locked] = [join(directory, 'from'), join(directory, 'locked')];
    writeFileSync(from, 'text');
    mkdirSync(locked, { mode: 0o555 });
    chmodSync(directory, 0o777);
    const code = 'EACCES';
    await withoutPrivileges(async () => {
      const target = await failureOf(t, () => encryptFile(from, join(locked, 'to'), { key }));
      t.like(target, { kind: 'Io', operation: 'create', path: join(locked, 'to'), code });
    });
    chmodSync(from, 0o000);
    await withoutPrivileges(async () => {
      const source = await failureOf(t, () => encryptFile(from, join(directory, 'to'), { key }));
      t.like(source, { kind: 'Io', operation: 'open', path: from, code });
    });
    t.deepEqual(readdirSync(directory).sort(), ['from', 'locked']);
  },
);

/** Root may do everything, so root becomes someone else meanwhile. */
async function withoutPrivileges(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

test('an empty file is sealed and opened; an empty stream is refused', async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  writeFileSync(at('empty'), '');
  const report = await encryptFile(at('empty'), at('sealed'), { key });
  t.like(report, { plaintextSize: 0, stats: { segments: 1, frames: 1 } });
  await decryptFile(at('sealed'), at('opened'), { key });
  t.is(readFileSync(at('opened')).length, 0);
  const failure = await failureOf(t, () => decryptFile(at('empty'), at('to'), { key }));
  t.deepEqual(failure, { kind: 'NotSealed', looksLike: 'empty' });
});

test('files are converted without a flush too, and many at a time', async (t) => {
  const directory = temporaryDirectory(t);
  const names = Array.from({ length: 40 }, (_, index) => join(directory, `${index}`));
  names.forEach((name, index) => {
    writeFileSync(name, pattern(index * 1000));
  });
  await Promise.all(names.map((name) => encryptFile(name, `${name}.seal`, { key, flush: false })));
  await Promise.all(names.map((name) => decryptFile(`${name}.seal`, `${name}.out`, { key, flush: false })));
  names.forEach((name, index) => {
    t.true(readFileSync(`${name}.out`).equals(pattern(index * 1000)));
  });
});
