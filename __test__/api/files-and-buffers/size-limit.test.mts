// Streams that claim to have more than 2^53 - 1 bytes, which no number in JavaScript counts.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import test, { type ExecutionContext } from 'ava';
import {
  createDecryptStream,
  decrypt,
  decryptChunks,
  decryptFile,
  DecryptionStream,
  decryptSegments,
  decryptSync,
  encryptSync,
  inspect,
  openReader,
  salvage,
  SecretKey,
  verify,
} from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
import { crc32c } from '../support/independent-opener.mjs';

const key = SecretKey.generate();
const stream = encryptSync(pattern(5000), { key, frameSize: 1024, segmentSize: 2048 });
const MAXIMUM = Number.MAX_SAFE_INTEGER;

test('a size over 2^53 - 1 is refused by everything that reads a stream', async (t) => {
  for (const size of [2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n]) {
    for (const [name, read] of reads(t, claiming(size))) {
      const failure = await failureOf(t, read);
      // The value is more than a number counts, and is the largest number.
      t.deepEqual(failure, { kind: 'LimitExceeded', limit: 'size', maximum: MAXIMUM, value: MAXIMUM }, name);
    }
  }
});

test('a smaller size is not refused for being large', async (t) => {
  for (const [name, read] of reads(t, claiming(2n ** 52n))) {
    if (name.startsWith('inspect')) {
      t.like(await read(), { plaintextSize: 2 ** 52, segments: 2 ** 41 });
    } else if (name === 'verify') {
      const [problem] = (await verify(claiming(2n ** 52n))).problems.slice(-1);
      t.is(problem?.failure.kind, 'Truncated');
      t.true(Number.isSafeInteger(problem?.sealedRange.length));
    } else {
      const { kind } = await failureOf(t, read);
      t.not(kind, 'LimitExceeded', name);
    }
  }
});

test('a refused stream leaves no output', async (t) => {
  const directory = temporaryDirectory(t);
  const from = join(directory, 'from');
  writeFileSync(from, claiming(2n ** 60n));
  const before = contents(directory);
  for (const write of [decryptFile, salvage]) {
    await failureOf(t, () => write(from, join(directory, 'to'), { key }));
    t.deepEqual(contents(directory), before);
  }
});

/** All ways to read these bytes. */
function reads(t: ExecutionContext, bytes: Buffer): [name: string, read: () => unknown][] {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, bytes);
  const input = () => Readable.from([readFileSync(from)]);
  return [
    ['inspect', () => inspect(bytes)],
    ['inspect a file', () => inspect(from)],
    ['verify', () => verify(from)],
    ['verify with a key', () => verify(bytes, { key })],
    ['openReader', () => openReader(from, { key })],
    ['open a blob', () => openReader(new Blob([bytes]), { key })],
    ['decrypt', () => decrypt(bytes, { key })],
    ['decryptSync', () => decryptSync(bytes, { key })],
    ['decryptFile', () => decryptFile(from, to, { key })],
    ['decryptChunks', () => taken(decryptChunks(input(), { key }))],
    ['createDecryptStream', () => taken(input().pipe(createDecryptStream({ key })))],
    ['DecryptionStream', () => taken(new Blob([bytes]).stream().pipeThrough(new DecryptionStream({ key })))],
    ['decryptSegments', () => taken(decryptSegments(from, { key }))],
    ['salvage', () => salvage(from, to, { key })],
  ];
}

/** The stream with another plaintext size in its header, whose checksum is right. */
function claiming(plaintextSize: bigint): Buffer {
  const claimed = Buffer.from(stream);
  claimed.writeBigUInt64BE(plaintextSize, 24);
  const checksumAt = claimed.readUInt32BE(64) - 4;
  claimed.writeUInt32BE(crc32c(claimed.subarray(0, checksumAt)), checksumAt);
  return claimed;
}

/** Takes all that an iterable has. */
async function taken(iterable: AsyncIterable<unknown>): Promise<void> {
  const iterator = iterable[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}
