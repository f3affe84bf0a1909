import { chmodSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import {
  decrypt,
  decryptFile,
  encrypt,
  encryptFile,
  encryptFileDetached,
  openReader,
  SecretKey,
} from 'sealstream';

import { temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();
const TIME = new Date('2001-02-03T04:05:06.789Z');
const posixTest = process.platform === 'win32' ? test.skip : test;

posixTest('time and bits come back where they are asked for, and the report has them anyway', async (t) => {
  const directory = temporaryDirectory(t);
  const path = (name: string) => join(directory, name);
  writeFileSync(path('photo.jpg'), 'content');
  chmodSync(path('photo.jpg'), 0o754);
  utimesSync(path('photo.jpg'), TIME, TIME);
  const metadata = { mtimeMs: TIME.getTime(), mode: 0o754, name: 'photo.jpg', isSparse: false };

  await encryptFile(path('photo.jpg'), path('a'), { key, metadata: true });
  chmodSync(path('a'), 0o440);
  t.false(readFileSync(path('a')).includes('photo'));
  const restored = await decryptFile(path('a'), path('restored'), { key, metadata: true });
  t.deepEqual({ ...restored.metadata }, metadata);
  const { mode, mtimeMs } = statSync(path('restored'));
  t.is(mode & 0o777, 0o700);
  t.is(Math.round(mtimeMs), TIME.getTime());

  const plain = await decryptFile(path('a'), path('plain'), { key });
  t.deepEqual({ ...plain.metadata }, metadata);
  t.is(statSync(path('plain')).mode & 0o777, 0o400);
  t.true(statSync(path('plain')).mtimeMs > TIME.getTime());

  const { header } = await encryptFileDetached(path('photo.jpg'), path('b'), { key, metadata: true });
  const joined = await decryptFile(path('b'), path('joined'), { key, header, metadata: true });
  t.deepEqual({ ...joined.metadata }, metadata);
  t.is(Math.round(statSync(path('joined')).mtimeMs), TIME.getTime());

  await using reader = await openReader(path('a'), { key });
  t.deepEqual({ ...reader.metadata }, metadata);
});

test('without metadata there is none', async (t) => {
  const directory = temporaryDirectory(t);
  const path = (name: string) => join(directory, name);
  writeFileSync(path('from'), 'content');
  await encryptFile(path('from'), path('a'), { key });
  const report = await decryptFile(path('a'), path('b'), { key, metadata: true });
  t.false('metadata' in report);
  await using reader = await openReader(path('a'), { key });
  t.is(reader.metadata, undefined);
});

test('bytes have no metadata to keep or to restore', async (t) => {
  const options = { key, metadata: true };
  await t.throwsAsync(async () => encrypt(Buffer.alloc(1), options), { message: /metadata/ });
  const sealed = await encrypt(Buffer.alloc(1), { key });
  await t.throwsAsync(async () => decrypt(sealed, options), { message: /metadata/ });
});
