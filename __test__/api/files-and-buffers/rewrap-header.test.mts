// Headers that are kept apart, and whose recipients change without the body.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';
import { decryptFile, encryptFile, encryptFileDetached, SealError, SecretKey, secretKey } from 'sealstream';
import { exportHeader, rewrapHeader } from 'sealstream/header';

import { pattern } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
import { keyHolders } from '../support/key-holders.mjs';

const plaintext = pattern(10_000);
const key = SecretKey.generate();

test('every kind of recipient is added, opens the body, and is removed', async (t) => {
  const { header, opens } = await sealed(t);
  for (const { type, recipient, identity } of keyHolders()) {
    const added = await rewrapHeader(header, { key, add: [recipient] });
    t.true(await opens(added, { identities: [identity] }), type);
    t.true(await opens(added, { key }), type);
    const selector = type === 'provider' ? { type } : identity;
    const removed = await rewrapHeader(added, { key, remove: [selector] });
    t.false(await opens(removed, { identities: [identity] }), type);
    t.true(await opens(removed, { key }), type);
  }
});

test('nothing is written, the given bytes stay, and the former header still opens', async (t) => {
  const { header, opens, directory } = await sealed(t);
  const [before, given] = [contents(directory), Buffer.from(header)];
  const other = SecretKey.generate();
  const changed = await rewrapHeader(header, { key, replace: [other] });
  t.deepEqual(header, given);
  t.deepEqual(contents(directory), before);
  t.deepEqual([await opens(changed, { key }), await opens(changed, { key: other })], [false, true]);
  t.true(await opens(header, { key }));
});

test('the caller may change its bytes meanwhile', async (t) => {
  const { header, opens } = await sealed(t);
  const other = SecretKey.generate();
  const given = Buffer.from(header);
  const changing = rewrapHeader(given, { key, add: [other] });
  given.fill(0);
  t.true(await opens(await changing, { key: other }));
});

test('the header of a stream with a copy keeps its size', async (t) => {
  const { directory } = await sealed(t);
  const whole = join(directory, 'whole');
  await encryptFile(join(directory, 'plain'), whole, { key, headerSize: 4096 });
  const header = await exportHeader(whole);
  const few = Array.from({ length: 5 }, () => SecretKey.generate());
  t.is((await rewrapHeader(header, { key, add: few })).length, header.length);
  const many = Array.from({ length: 60 }, () => SecretKey.generate());
  const error = await errorOf(() => rewrapHeader(header, { key, add: many }));
  t.regex(String(error), /attach the header, and rewrap the file/);
});

test('wrong arguments and other keys are refused', async (t) => {
  const { header } = await sealed(t);
  const wrong = async (bytes: unknown, options: object, message: RegExp) => {
    const error = await errorOf(() => rewrapHeader(bytes as Uint8Array, options));
    t.regex(String(error), message);
  };
  const add = [SecretKey.generate()];
  await wrong('text', { key, add }, /header must be/);
  await wrong(header, { key }, /must have add, remove or replace$/);
  await wrong(header, { key, mend: true }, /rewrapHeader has no option "mend"/);
  await wrong(header, { key, add, replace: add }, /replace can not/);
  await wrong(header, { key, remove: [0] }, /remove\[0\] must be/);
  await wrong(header, { key, remove: [{ slotIndex: 0 }] }, /no key slot/);
  await wrong(header, { key, remove: [{ keyId: 'none' }] }, /the key id "none"/);
  await wrong(Buffer.concat([header, Buffer.alloc(1)]), { key, add }, /header is no header/);
  await wrong(header.subarray(1), { key, add }, /header/);
  const failure = await failureOf(t, () => rewrapHeader(header, { key: SecretKey.generate(), add }));
  t.is(failure.kind, 'NoMatchingKey');
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  t.is(await errorOf(() => rewrapHeader(header, { key, add, signal })), reason);
});

async function sealed(t: ExecutionContext) {
  const directory = temporaryDirectory(t);
  const [plain, body] = [join(directory, 'plain'), join(directory, 'body')];
  writeFileSync(plain, plaintext);
  const { header } = await encryptFileDetached(plain, body, {
    recipients: [secretKey(key, { keyId: 'mine' })],
  });
  /** Whether the body opens with this header. */
  const opens = async (changed: Uint8Array, keys: Parameters<typeof decryptFile>[2]) => {
    const opening = decryptFile(body, join(temporaryDirectory(t), 'opened'), { ...keys, header: changed });
    const error = await errorOf(() => opening);
    t.true(error === undefined || SealError.is(error), String(error));
    return error === undefined;
  };
  return { directory, header, opens };
}
