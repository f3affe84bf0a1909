// Signals as callers have them: shared, of other realms, or no signals at all.

import { runInNewContext } from 'node:vm';

import test from 'ava';
import { createDecryptStream, encrypt, encryptFile, rewrap, SecretKey } from 'sealstream';

import { errorOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const key = SecretKey.generate();

test.serial('many streams share a signal without a warning', async (t) => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => void warnings.push(warning);
  process.on('warning', listener);
  t.teardown(() => process.off('warning', listener));
  const controller = new AbortController();
  const streams = Array.from({ length: 12 }, () => createDecryptStream({ key, signal: controller.signal }));
  const ended = streams.map((stream) => errorOf(() => stream.report));
  for (const stream of streams) stream.on('error', () => undefined);
  const reason = new Error('enough');
  controller.abort(reason);
  for (const error of await Promise.all(ended)) {
    t.like(error, { name: 'AbortError', code: 'ABORT_ERR', cause: reason });
  }
  await new Promise(setImmediate);
  t.deepEqual(warnings, []);
});

test('an object that is no signal is refused by name', async (t) => {
  for (const signal of [{ aborted: false }, { aborted: false, addEventListener: 1 }, {}]) {
    const error = await errorOf(() => encrypt(Buffer.alloc(1), { key, signal: signal as never }));
    t.like(error, { code: 'ERR_INVALID_ARG_TYPE', option: 'signal' });
  }
});

test('a selector of another realm selects', async (t) => {
  const directory = temporaryDirectory(t);
  const [plain, sealed] = [join(directory, 'plain'), join(directory, 'sealed')];
  writeFileSync(plain, 'text');
  const other = SecretKey.generate();
  await encryptFile(plain, sealed, { recipients: [key, other] });
  const remove = runInNewContext('({ slotIndex: 0 })') as { slotIndex: number };
  const { revision } = await rewrap(sealed, { key: other, remove });
  t.is(revision, 1);
});
