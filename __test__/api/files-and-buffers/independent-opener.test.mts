import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import fc from 'fast-check';
import { type DigestName, encrypt, encryptFile, encryptSync } from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { openStream } from '../support/independent-opener.mjs';

const key = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const DIGESTS: DigestName[] = ['none', 'crc64-nvme', 'sha256', 'sha512'];

for (const digest of DIGESTS) {
  test(`another implementation opens what the package sealed, digest ${digest}`, async (t) => {
    const directory = temporaryDirectory(t);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    for (const size of [0, 1, 1024, 1025, 2048, 2049, 10_000]) {
      const bytes = pattern(size);
      const options = { key, digest, frameSize: 1024, segmentSize: 2048, keyId: 'é', context: 'tenant' };
      writeFileSync(from, bytes);
      await encryptFile(from, to, { ...options, overwrite: true, flush: false });
      for (const stream of [readFileSync(to), encryptSync(bytes, options), await encrypt(bytes, options)]) {
        const opened = openStream(stream, key, Buffer.from('tenant'));
        t.true(opened.plaintext.equals(bytes), `${size}`);
        t.is(opened.keyId, 'é');
        t.is(opened.segments, Math.max(1, Math.ceil(size / 2048)));
        t.is(opened.frames, Math.max(1, Math.ceil(size / 1024)));
      }
    }
  });
}

test('another implementation opens what the package sealed with its defaults', async (t) => {
  const bytes = pattern(1_100_000);
  t.true(openStream(await encrypt(bytes, { key }), key, Buffer.alloc(0)).plaintext.equals(bytes));
});

test('another implementation opens streams sealed with all options', async (t) => {
  const choices = fc.record({
    bytes: fc.uint8Array({ maxLength: 6000 }),
    frames: fc.integer({ min: 1, max: 3 }),
    frameSize: fc.integer({ min: 1024, max: 1500 }),
    digest: fc.constantFrom(...DIGESTS),
    keyId: fc.string({ unit: 'grapheme', maxLength: 12 }),
    context: fc.uint8Array({ maxLength: 50 }),
  });
  await fc.assert(
    fc.asyncProperty(choices, async ({ bytes, frames, frameSize, context, ...others }) => {
      const options = { key, context, frameSize, segmentSize: frames * frameSize, ...others };
      const opened = openStream(await encrypt(bytes, options), key, Buffer.from(context));
      t.true(opened.plaintext.equals(bytes));
      t.is(opened.keyId, others.keyId);
    }),
    { numRuns: 60 },
  );
});
