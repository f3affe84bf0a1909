import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test from 'ava';
import fc from 'fast-check';
import {
  decrypt,
  decryptFile,
  decryptSync,
  type DigestName,
  encrypt,
  encryptFile,
  encryptSync,
  inspect,
  sealedSize,
  SealError,
  type EncryptOptions,
  SecretKey,
} from 'sealstream';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { crc64 } from '../support/independent-opener.mjs';

const key = SecretKey.generate();
const small = { frameSize: 1024, segmentSize: 4096 };

const SIZES = [0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 8192, 70_000];
const CHOICES: EncryptOptions[] = [
  {},
  small,
  { ...small, digest: 'none' },
  { ...small, digest: 'sha256', keyId: 'a name' },
  { ...small, digest: 'sha512', context: 'tenant-7' },
  { ...small, digest: 'blake3', context: Buffer.from([0, 255]) },
  { frameSize: 3000, segmentSize: 9000 },
];

for (const [number, choice] of CHOICES.entries()) {
  test(`bytes are sealed and opened both ways, options ${number}`, async (t) => {
    const { context } = choice;
    for (const size of SIZES) {
      const bytes = pattern(size);
      const sealed = [await encrypt(bytes, { key, ...choice }), encryptSync(bytes, { key, ...choice })];
      for (const stream of sealed) {
        t.is(stream.length, sealedSize(size, choice), `${size}`);
        t.true((await decrypt(stream, { key, context })).equals(bytes), `${size}`);
        t.true(decryptSync(stream, { key, context }).equals(bytes), `${size}`);
      }
    }
  });

  test(`a file comes back, options ${number}`, async (t) => {
    const directory = temporaryDirectory(t);
    const { context } = choice;
    const [plain, sealed] = [join(directory, 'plain'), join(directory, 'sealed')];
    for (const size of SIZES) {
      writeFileSync(plain, pattern(size));
      const report = await encryptFile(plain, sealed, { key, ...choice, overwrite: true });
      t.is(report.sealedSize, sealedSize(size, { ...choice, target: 'file' }));
      t.is(readFileSync(sealed).length, report.sealedSize);
      const opened = await decryptFile(sealed, join(directory, 'opened'), { key, context, overwrite: true });
      t.is(opened.plaintextSize, size);
      t.true(readFileSync(join(directory, 'opened')).equals(pattern(size)));
    }
  });
}

test('a file opens as bytes, and bytes as a file', async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  const bytes = pattern(3_000_000);
  writeFileSync(at('plain'), bytes);
  await encryptFile(at('plain'), at('sealed'), { key });
  t.true((await decrypt(readFileSync(at('sealed')), { key })).equals(bytes));
  writeFileSync(at('from bytes'), await encrypt(bytes, { key }));
  await decryptFile(pathToFileURL(at('from bytes')), pathToFileURL(at('opened')), { key });
  t.true(readFileSync(at('opened')).equals(bytes));
});

test('one thread and many threads write equivalent streams', async (t) => {
  const bytes = pattern(5_000_000);
  for (const threads of [1, 2, 3, 8]) {
    const stream = await encrypt(bytes, { key, threads });
    t.true((await decrypt(stream, { key, threads: 9 - threads })).equals(bytes), `${threads}`);
  }
});

test('a report has sizes, threads and times', async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  writeFileSync(at('plain'), pattern(10_000));
  const sealed = await encryptFile(at('plain'), at('sealed'), { key, ...small, threads: 2 });
  t.like(sealed, { plaintextSize: 10_000, warnings: [], stats: { segments: 3, frames: 10, threads: 2 } });
  t.regex(sealed.streamId, /^[0-9a-f]{64}$/);
  t.is(sealed.sealedCrc64Nvme, crc64(readFileSync(at('sealed'))).toString('base64'));
  const opened = await decryptFile(at('sealed'), at('opened'), { key });
  t.like(opened, {
    plaintextSize: 10_000,
    sealedSize: sealed.sealedSize,
    streamId: sealed.streamId,
    openedBy: { slotIndex: 0, type: 'key' },
    plaintextCrc64Nvme: crc64(pattern(10_000)).toString('base64'),
    warnings: [],
    damage: [],
    damageCount: 0,
    stats: { segments: 3, frames: 10 },
  });
  t.deepEqual(Object.keys(sealed).sort(), [
    'plaintextSize',
    'sealedCrc64Nvme',
    'sealedSize',
    'stats',
    'streamId',
    'warnings',
  ]);
  for (const { stats } of [sealed, opened]) {
    const { elapsedMs, stages } = stats;
    t.true(elapsedMs > 0);
    t.deepEqual(Object.keys(stages).sort(), ['cryptoMs', 'digestMs', 'readMs', 'waitMs', 'writeMs']);
  }
});

test('a checksum is the one that S3 takes: CRC-64/NVME of the output, in base64', async (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  writeFileSync(at('plain'), '123456789');
  const sealed = await encryptFile(at('plain'), at('sealed'), { key });
  const opened = await decryptFile(at('sealed'), at('opened'), { key });
  t.is(opened.plaintextCrc64Nvme, 'rosUhgp5mIg=');
  t.is(crc64(Buffer.from('123456789')).toString('base64'), 'rosUhgp5mIg=');
  t.is(sealed.sealedCrc64Nvme, crc64(readFileSync(at('sealed'))).toString('base64'));
});

test('only what is visible without a key is reported', async (t) => {
  const stream = await encrypt(pattern(10_000), { key, ...small, keyId: 'backup', digest: 'sha256' });
  const info = await inspect(stream);
  t.like(info, {
    frameSize: 1024,
    segmentSize: 4096,
    digest: 'sha256',
    plaintextSize: 10_000,
    segments: 3,
    sealedSize: stream.length,
    headerRevision: 0,
    hasHeaderCopy: false,
    headerFromCopy: false,
    slots: [{ type: 'key', keyId: 'backup' }],
  });
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'stream'), stream);
  t.deepEqual(await inspect(join(directory, 'stream')), info);
  t.deepEqual(await inspect(pathToFileURL(join(directory, 'stream'))), info);
});

test('every kind of Uint8Array is accepted, and only its own bytes are used', async (t) => {
  const bytes = pattern(100);
  const shared = new Uint8Array(new SharedArrayBuffer(100));
  shared.set(bytes);
  // ES2024, which the library's declarations do not have yet.
  const Resizable = ArrayBuffer as new (size: number, options: { maxByteLength: number }) => ArrayBuffer;
  const resizable = new Uint8Array(new Resizable(100, { maxByteLength: 200 }));
  resizable.set(bytes);
  const part = new Uint8Array(Buffer.concat([Buffer.alloc(3, 9), bytes, Buffer.alloc(3, 9)]).buffer, 3, 100);
  part.set(bytes);
  for (const input of [bytes, new Uint8Array(bytes), shared, resizable, part]) {
    t.true(decryptSync(await encrypt(input, { key }), { key }).equals(bytes));
    t.true((await decrypt(encryptSync(input, { key }), { key })).equals(bytes));
  }
});

test('any of several keys opens', async (t) => {
  const stream = encryptSync(Buffer.from('text'), { key });
  const others = [SecretKey.generate(), Buffer.alloc(32, 7), key];
  t.is(decryptSync(stream, { key: others }).toString(), 'text');
  t.is((await decrypt(stream, { key: others })).toString(), 'text');
});

test('two sealings of one text share only their sizes', (t) => {
  const [first, second] = [encryptSync(pattern(64), { key }), encryptSync(pattern(64), { key })];
  t.is(first.length, second.length);
  t.notDeepEqual(first.subarray(32, 64), second.subarray(32, 64));
  t.notDeepEqual(first.subarray(-64), second.subarray(-64));
});

const DIGESTS: DigestName[] = ['none', 'crc64-nvme', 'sha256', 'sha512', 'blake3'];

test('any bytes come back with any options', async (t) => {
  const choices = fc.record({
    bytes: fc.uint8Array({ maxLength: 20_000 }),
    frames: fc.integer({ min: 1, max: 4 }),
    frameSize: fc.integer({ min: 1024, max: 3000 }),
    digest: fc.constantFrom(...DIGESTS),
    keyId: fc.string({ maxLength: 60 }),
    context: fc.uint8Array({ maxLength: 100 }),
    threads: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(choices, async ({ bytes, frames, frameSize, digest, keyId, context, threads }) => {
      const options = { key, frameSize, segmentSize: frames * frameSize, digest, keyId, context };
      const stream = await encrypt(bytes, { ...options, threads });
      t.is(stream.length, sealedSize(bytes.length, options));
      t.true(decryptSync(stream, { key, context }).equals(bytes));
      const sync = encryptSync(bytes, options);
      t.true((await decrypt(sync, { key, context, threads })).equals(bytes));
    }),
    { numRuns: 150 },
  );
});

test('a stream with any byte changed is refused, with the reason', (t) => {
  const stream = encryptSync(pattern(3000), { key, frameSize: 1024, segmentSize: 2048, context: 'c' });
  fc.assert(
    fc.property(fc.nat({ max: stream.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = withFlippedByte(stream, at, mask);
      const error = t.throws(() => decryptSync(changed, { key, context: 'c' }), { instanceOf: SealError });
      t.regex(error.code, /^ERR_SEAL_[A-Z_]+$/, `byte ${at}`);
      t.false(['ERR_SEAL_IO', 'ERR_SEAL_CRYPTO'].includes(error.code), `byte ${at}: ${error.code}`);
    }),
    { numRuns: 400 },
  );
});

test('a stream that is cut anywhere is refused', async (t) => {
  const stream = encryptSync(pattern(3000), { key, frameSize: 1024, segmentSize: 2048 });
  for (let size = 0; size < stream.length; size += 1) {
    t.throws(() => decryptSync(stream.subarray(0, size), { key }), { instanceOf: SealError }, `${size}`);
  }
  await t.throwsAsync(decrypt(Buffer.concat([stream, Buffer.from([0])]), { key }), {
    instanceOf: SealError,
    code: 'ERR_SEAL_TRAILING_DATA',
  });
});
