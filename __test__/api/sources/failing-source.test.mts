// An error of the caller's own source is told, whatever else was waiting.

import test from 'ava';
import { encrypt, openReader, SecretKey } from 'sealstream';

import { errorOf } from '../support/errors.mjs';

const key = SecretKey.generate();
const plaintext = Buffer.alloc(6 * 1024 * 1024, 7);
const sealed = await encrypt(plaintext, { key });

/** A source whose early bytes never come, and whose late bytes fail. */
async function opened(failure: Error) {
  let isFailing = false;
  const reader = await openReader(
    {
      size: sealed.length,
      read: (offset: number, length: number): Promise<Uint8Array> => {
        if (!isFailing) return Promise.resolve(sealed.subarray(offset, offset + length));
        return offset > 3 * 1024 * 1024 ? Promise.reject(failure) : new Promise(() => undefined);
      },
    },
    { key },
  );
  isFailing = true;
  return reader;
}

test('a long read rejects with the error of the source', async (t) => {
  const failure = new Error('the disk is gone');
  await using reader = await opened(failure);
  t.is(await errorOf(() => reader.read(0, plaintext.length)), failure);
});

test('the loop over segments throws the error of the source', async (t) => {
  const failure = new Error('the disk is gone');
  await using reader = await opened(failure);
  const error = await errorOf(async () => {
    for await (const result of reader.segments({ concurrency: 6 })) t.true(result.ok);
  });
  t.is(error, failure);
});
