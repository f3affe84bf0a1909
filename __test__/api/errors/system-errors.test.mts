import { mkdirSync, writeFileSync } from 'node:fs';
import { open as openFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import test from 'ava';
import { encryptFile, inspect, SealError, SecretKey } from 'sealstream';

import { errorOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();

/** The properties of an error of Node's. */
function propertiesOf(error: unknown): object {
  const { errno, code, syscall, path, message } = error as NodeJS.ErrnoException;
  return { errno, code, syscall, path, message };
}

test('the cause is the error that Node makes', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  const paths = [
    join(directory, 'none'),
    join(directory, 'file', 'below'),
    join(directory, 'a'.repeat(300)),
    ...(process.platform === 'win32' || process.getuid?.() === 0 ? [] : ['/root/none']),
  ];
  for (const path of paths) {
    const error = await errorOf(() => inspect(path));
    if (!SealError.is(error, 'ERR_SEAL_IO')) return t.fail(path);
    const { cause, failure } = error;
    t.true(cause instanceof Error);
    t.deepEqual(propertiesOf(cause), propertiesOf(await errorOf(() => readFile(path))));
    t.like(failure, { kind: 'Io', operation: 'open', syscall: 'open', path, code: cause.code });
    t.true(error.message.includes(path));
  }
});

test('a target that cannot be created names itself and the call', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'none', 'to')];
  writeFileSync(from, 'text');
  const error = await errorOf(() => encryptFile(from, to, { key }));
  if (!SealError.is(error, 'ERR_SEAL_IO')) return t.fail();
  const nodes = await errorOf(() => openFile(to, 'wx'));
  t.deepEqual(propertiesOf(error.cause), propertiesOf(nodes));
  t.like(error.failure, { operation: 'create', syscall: 'open' });
});

test('only a failure of the system has a cause', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'folder'));
  const error = await errorOf(() => inspect(join(directory, 'folder')));
  t.true(SealError.is(error, 'ERR_SEAL_NOT_A_REGULAR_FILE'));
  t.false('cause' in (error as object));
});
