import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test, { type ExecutionContext } from 'ava';
import {
  decrypt,
  decryptFile,
  encryptFile,
  encryptFileDetached,
  openReader,
  passphrase,
  provider,
  salvage,
  SecretKey,
  verify,
} from 'sealstream';
import { attachHeader, detachHeader, exportHeader } from 'sealstream/header';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { errorOf as thrownBy } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
import { CHEAP, FakeProvider } from '../support/key-holders.mjs';

const plaintext = pattern(300_000);
const key = SecretKey.generate();
const SIZES = { frameSize: 1024, segmentSize: 65_536 } as const;

test('a header is detached from its stream, and the stream is written without it', async (t) => {
  const { path, header, body, sealedSize } = await sealed(t);
  t.is(header.length + body.length, sealedSize);
  // What object stores take as metadata.
  t.true(header.length < 2000);
  t.deepEqual(await decrypt(Buffer.concat([header, body]), { key }), plaintext);
  const report = await decryptFile(path('body'), path('out'), { key, header });
  t.deepEqual(readFileSync(path('out')), plaintext);
  t.is(report.sealedSize, sealedSize);
  t.false('header' in report && report.header !== undefined);
  t.true((await verify(path('body'), { key, header })).sound);
  t.true((await verify(body, { header })).sound);
});

test('a body is read at any offset, from every kind of source', async (t) => {
  const { path, header, body } = await sealed(t);
  const object = {
    size: body.length,
    read: (offset: number, length: number) => Promise.resolve(body.subarray(offset, offset + length)),
  };
  for (const source of [path('body'), body, new Blob([body]), object]) {
    const reader = await openReader(source, { key, header });
    t.is(reader.size, plaintext.length);
    t.deepEqual(await reader.read(123_456, 100_000), plaintext.subarray(123_456, 223_456));
    await reader.close();
  }
});

test('passphrases and providers open a body by its header', async (t) => {
  const { path } = await sealed(t);
  const keyProvider = provider(new FakeProvider(), 'k');
  const words = passphrase('correct horse', { strength: CHEAP });
  const { header } = await encryptFileDetached(path('plain'), path('body'), {
    recipients: [words, keyProvider],
    overwrite: true,
  });
  for (const identity of [words, keyProvider]) {
    await decryptFile(path('body'), path('out'), { identities: [identity], header, overwrite: true });
    t.deepEqual(readFileSync(path('out')), plaintext);
    const reader = await openReader(path('body'), { identities: [identity], header });
    t.deepEqual(await reader.read(0, 10), plaintext.subarray(0, 10));
    await reader.close();
    t.true((await verify(path('body'), { identities: [identity], header })).sound);
  }
});

test('attaching and detaching undo each other', async (t) => {
  const { path, header, body } = await sealed(t);
  await attachHeader(header, path('body'), path('whole'));
  t.deepEqual(readFileSync(path('whole')), Buffer.concat([header, body]));
  t.deepEqual(await detachHeader(path('whole'), path('again')), header);
  t.deepEqual(readFileSync(path('again')), body);
  // A file with a copy of its header keeps that.
  await encryptFile(path('plain'), path('file'), { key });
  const detached = await detachHeader(path('file'), path('again'), { overwrite: true });
  t.is(detached.length, 4096);
  t.deepEqual(await exportHeader(path('file')), detached);
  t.deepEqual(readFileSync(path('again')).subarray(-24 - 4096, -24), detached);
  await attachHeader(detached, path('again'), path('whole'), { overwrite: true });
  t.deepEqual(readFileSync(path('whole')), readFileSync(path('file')));
});

test('a header and body of different streams are refused, and no output is left', async (t) => {
  const { path, directory, header, body } = await sealed(t);
  const other = await sealed(t, 200_000);
  writeFileSync(path('cut'), body.subarray(0, -1));
  writeFileSync(path('long'), Buffer.concat([body, Buffer.from('x')]));
  const before = contents(directory);
  const code = async (given: Uint8Array, name: string) => {
    const error = await errorOf(attachHeader(given, path(name), path('whole')));
    t.deepEqual(contents(directory), before);
    return error.code;
  };
  t.is(await code(other.header, 'body'), 'ERR_SEAL_END_DAMAGED');
  t.is(await code(header, 'cut'), 'ERR_SEAL_TRUNCATED');
  t.is(await code(header, 'long'), 'ERR_SEAL_TRAILING_DATA');
  t.is(await code(header, 'plain'), 'ERR_SEAL_INVALID_SEGMENT');
  t.is(await code(header.subarray(1), 'body'), 'ERR_OUT_OF_RANGE');
  t.is(await code(header, 'nothing'), 'ERR_SEAL_IO');
  t.is((await errorOf(attachHeader(header, path('body'), path('plain')))).code, 'ERR_SEAL_TARGET_EXISTS');
  t.is((await errorOf(detachHeader(path('body'), path('whole')))).code, 'ERR_SEAL_NOT_SEALED');
  t.deepEqual(contents(directory), before);
});

test('the error for a body without its header names the header', async (t) => {
  const { path, body } = await sealed(t);
  for (const opening of [
    decryptFile(path('body'), path('out'), { key }),
    openReader(body, { key }),
    verify(path('body'), { key }),
  ]) {
    const error = await errorOf(opening);
    t.is(error.code, 'ERR_SEAL_NOT_SEALED');
    t.regex(error.message, /its header is kept apart; give that header too/);
  }
});

test('a damaged body is salvaged with its header, and its damage is reported', async (t) => {
  const { path, header, body } = await sealed(t);
  const at = 70_000;
  writeFileSync(path('body'), withFlippedByte(body, at));
  const found = await verify(path('body'), { key, header });
  t.is(found.problems[0]?.segment, 1);
  t.true((found.problems[0]?.sealedRange.offset ?? 0) <= header.length + at);
  const map = await salvage(path('body'), path('out'), { key, fallbackHeader: header });
  t.is(map.outcome, 'partial');
  t.is(map.lost.length, 1);
  t.is(readFileSync(path('out')).length, plaintext.length);
});

test('a header goes into a file of its own', async (t) => {
  const { path } = await sealed(t);
  const [plain, body, kept] = [path('plain'), path('body'), path('header')];
  const options = { key, flush: false, ...SIZES };
  const { header } = await encryptFileDetached(plain, body, {
    ...options,
    headerTo: pathToFileURL(kept),
    overwrite: true,
  });
  t.deepEqual(readFileSync(kept), header);
  await decryptFile(body, path('out'), { key, header });
  const before = readFileSync(body);
  // What exists stays, and so does the body that belongs to it.
  const refused = async (work: Promise<unknown>, code: string) => {
    t.is((await errorOf(work)).code, code);
    t.deepEqual([readFileSync(kept), readFileSync(body)], [header, before]);
  };
  await refused(
    encryptFileDetached(plain, path('new'), { ...options, headerTo: kept }),
    'ERR_SEAL_TARGET_EXISTS',
  );
  const forced = { ...options, overwrite: true };
  await refused(encryptFileDetached(plain, body, { ...forced, headerTo: body }), 'ERR_SEAL_SAME_FILE');
  await refused(encryptFileDetached(plain, body, { ...forced, headerTo: path('no/header') }), 'ERR_SEAL_IO');
  await attachHeader(header, body, path('whole'), { flush: false });
  const detached = { headerTo: kept, overwrite: true, flush: false };
  await refused(detachHeader(path('whole'), body, detached), 'ERR_SEAL_TARGET_EXISTS');
  t.deepEqual(await detachHeader(path('whole'), path('again'), { headerTo: path('header2') }), header);
  t.deepEqual([readFileSync(path('header2')), readFileSync(path('again'))], [header, before]);
  t.deepEqual(Object.keys(contents(path('.'))).sort(), [
    'again',
    'body',
    'header',
    'header2',
    'out',
    'plain',
    'whole',
  ]);
});

test('options for headers are checked', async (t) => {
  const { path, header } = await sealed(t);
  const [to, plain] = [path('out'), path('plain')];
  const codeOf = async (work: Promise<unknown>) => (await errorOf(work)).code;
  const any = (value: unknown) => value as Uint8Array & 'detached';
  const untyped = encryptFile as (...given: unknown[]) => Promise<unknown>;
  const untypedDetached = encryptFileDetached as (...given: unknown[]) => Promise<unknown>;
  for (const option of [{ header: 'detached' }, { header }, { headerTo: path('header') }]) {
    const error = await errorOf(untyped(plain, to, { key, ...option }));
    t.is(error.code, 'ERR_INVALID_ARG_VALUE');
    t.regex(error.message, /^encryptFile has no option "header/);
  }
  for (const option of [{ header }, { resume: true }, { resumeSecret: Buffer.alloc(32) }]) {
    t.is(await codeOf(untypedDetached(plain, to, { key, ...option })), 'ERR_INVALID_ARG_VALUE');
  }
  t.is(await codeOf(encryptFileDetached(plain, to, { key, headerTo: any(1) })), 'ERR_INVALID_ARG_TYPE');
  t.is(await codeOf(detachHeader(plain, to, { headerTo: any(1) })), 'ERR_INVALID_ARG_TYPE');
  t.is(await codeOf(decryptFile(plain, to, { key, header: any('detached') })), 'ERR_INVALID_ARG_TYPE');
  t.is(await codeOf(decryptFile(plain, to, { key, header, resume: true })), 'ERR_OUT_OF_RANGE');
  t.is(await codeOf(verify(plain, { header: any(1) })), 'ERR_INVALID_ARG_TYPE');
  t.is(await codeOf(openReader(plain, { key, header: any(1) })), 'ERR_INVALID_ARG_TYPE');
  t.is(await codeOf(attachHeader(any('x'), plain, to)), 'ERR_INVALID_ARG_TYPE');
  t.is(await codeOf(decryptFile(path('body'), to, { key, header: header.subarray(1) })), 'ERR_OUT_OF_RANGE');
});

async function sealed(t: ExecutionContext, size = plaintext.length) {
  const directory = temporaryDirectory(t);
  const path = (name: string) => join(directory, name);
  writeFileSync(path('plain'), plaintext.subarray(0, size));
  const { header, sealedSize } = await encryptFileDetached(path('plain'), path('body'), { key, ...SIZES });
  return { directory, path, header, body: readFileSync(path('body')), sealedSize };
}

async function errorOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  const error = await thrownBy(() => work);
  if (!(error instanceof Error)) throw new Error(`threw no error but ${String(error)}`);
  return error;
}
