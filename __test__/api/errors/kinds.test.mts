import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import test from 'ava';
import { decrypt, encrypt, encryptSync, inspect, passphrase, rewrap, SealError, SecretKey } from 'sealstream';

import { withFlippedByte } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();
const sealed = encryptSync(Buffer.from('text'), { key, keyId: 'mine' });
/** The sealed bytes as a transfer in text mode leaves them. */
const asText = (text: string, encoding: BufferEncoding) => Buffer.from(text, encoding);

test('what is no sealed stream is told by what it looks like', async (t) => {
  const latin = sealed.toString('latin1');
  for (const [bytes, looksLike] of [
    [Buffer.alloc(0), 'empty'],
    [Buffer.alloc(200), 'zeros'],
    [gzipSync(sealed), 'gzip'],
    [asText(sealed.toString('base64'), 'latin1'), 'base64'],
    [asText(latin.replaceAll('\r\n', '\n'), 'latin1'), 'text-mode'],
    [asText(latin.replaceAll('\n', '\r\n'), 'latin1'), 'text-mode'],
    [asText(latin, 'utf8'), 'text-mode'],
    [asText(`\ufeff${latin}`, 'utf8'), 'text-mode'],
    [asText(`\ufeff${latin}`, 'utf16le'), 'text-mode'],
    [asText(sealed.toString('utf8'), 'utf8'), 'text-mode'],
    [sealed.map((byte) => byte & 0x7f), 'text-mode'],
    [withFlippedByte(sealed, 3), 'damaged-magic'],
    [Buffer.from('<!doctype html><title>404</title>'), 'web-page'],
    [Buffer.from('some text'), undefined],
  ] as const) {
    const due = looksLike === undefined ? { kind: 'NotSealed' } : { kind: 'NotSealed', looksLike };
    t.deepEqual<unknown, unknown>(await failureOf(t, () => inspect(bytes)), due);
    t.deepEqual<unknown, unknown>(await failureOf(t, () => decrypt(bytes, { key })), due);
  }
});

test('NoMatchingKey lists the slots, and those that are not accepted', async (t) => {
  const stream = await encrypt(Buffer.from('text'), {
    recipients: [key, passphrase('a b c', { strength: { memoryKiB: 8, passes: 1, lanes: 1 } })],
  });
  const error = await errorOf(() => decrypt(stream, { key: SecretKey.generate(), acceptSlots: ['key'] }));
  if (!SealError.is(error, 'ERR_SEAL_NO_MATCHING_KEY')) return t.fail();
  t.deepEqual<unknown, unknown>(error.failure.slots, (await inspect(stream)).slots);
  t.deepEqual(error.failure.notAccepted, [1]);
});

test('a refused option is a RangeError with its name', async (t) => {
  const path = join(temporaryDirectory(t), 'a.seal');
  writeFileSync(path, encryptSync(Buffer.from('text'), { key }));
  for (const [call, option] of [
    [() => encrypt(Buffer.from('text'), { key, frameSize: 3 }), 'frameSize'],
    [() => encrypt(Buffer.from('text'), { recipients: [key, 7 as never] }), 'recipients'],
    [() => rewrap(path, { key, remove: [{ keyId: 'none' }] }), 'remove'],
    [() => encrypt(Buffer.from('text'), { key, nothing: 1 } as never), 'nothing'],
  ] as const) {
    const error = await errorOf(call);
    t.true(error instanceof RangeError || error instanceof TypeError);
    t.is((error as { option?: string }).option, option);
  }
});
