import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import {
  createEncryptStream,
  decrypt,
  decryptSync,
  encrypt,
  encryptFile,
  encryptFileDetached,
  encryptSync,
  inspect,
  rewrap,
  sealedSize,
  SecretKey,
} from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();
const MINIMUM = 283;

test('a small file has no padding, and a file from 64 KiB on has room for a rewrap', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to.seal')];
  for (const [size, headerSize] of [
    [0, MINIMUM],
    [1024, MINIMUM],
    [65_535, MINIMUM],
    [65_536, 4096],
  ] as const) {
    writeFileSync(from, pattern(size));
    const report = await encryptFile(from, to, { key, overwrite: true });
    t.like(await inspect(to), { headerSize, hasHeaderCopy: true });
    t.is(report.sealedSize, sealedSize(size, { key, target: 'file' }));
  }
  t.true(sealedSize(1024, { key, target: 'file' }) <= 2400);
});

test('every function that encrypts takes headerSize and headerCopy', async (t) => {
  const directory = temporaryDirectory(t);
  const path = (name: string) => join(directory, name);
  const plaintext = pattern(100);
  writeFileSync(path('from'), plaintext);
  for (const options of [
    { key, headerSize: 1000, headerCopy: true },
    { key, headerSize: 0, headerCopy: false },
  ]) {
    const expected = { headerSize: options.headerSize || MINIMUM, hasHeaderCopy: options.headerCopy };
    await encryptFile(path('from'), path('to'), { ...options, overwrite: true });
    const stream = createEncryptStream(options);
    stream.end(plaintext);
    for (const sealed of [
      await encrypt(plaintext, options),
      encryptSync(plaintext, options),
      readFileSync(path('to')),
      Buffer.concat(await stream.toArray()),
    ]) {
      t.like(await inspect(sealed), expected);
      t.is(sealed.length, sealedSize(100, options));
      t.deepEqual(await decrypt(sealed, { key }), plaintext);
      t.deepEqual(decryptSync(sealed, { key }), plaintext);
    }
    const { header } = await encryptFileDetached(path('from'), path('body'), { ...options, overwrite: true });
    t.is(header.length, expected.headerSize);
    t.deepEqual(await decrypt(Buffer.concat([header, readFileSync(path('body'))]), { key }), plaintext);
  }
});

test('a header size that does not fit is refused', (t) => {
  for (const [headerSize, message] of [
    [282, /^headerSize must be 0, or from 283/],
    [2 ** 20 + 1, /^headerSize must be an integer from 0 to 1048576/],
    [-1, /^headerSize must be/],
  ] as const) {
    t.throws(() => encryptSync(Buffer.alloc(1), { key, headerSize }), { instanceOf: RangeError, message });
  }
});

test('a rewrap of a small file without padding goes through a new file, and the next one is in place', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to.seal')];
  writeFileSync(from, pattern(100));
  await encryptFile(from, to, { key });
  const [second, third] = [SecretKey.generate(), SecretKey.generate()];
  t.like(await rewrap(to, { key, add: second }), { inPlace: false, headerSize: 4096 });
  t.like(await rewrap(to, { key, add: third }), { inPlace: true, headerSize: 4096 });
  for (const each of [key, second, third]) {
    t.deepEqual(await decrypt(readFileSync(to), { key: each }), pattern(100));
  }
});
