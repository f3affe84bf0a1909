import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';

import test from 'ava';
import {
  type DecryptFileToStreamOptions,
  decryptFileToStream,
  encrypt,
  encryptFile,
  encryptFileDetached,
  passphrase,
  provider,
  SealError,
  SecretKey,
} from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { CHOICES, cuts, DAMAGED, EDGES } from '../support/conversions.mjs';
import { errorOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { CHEAP, FakeProvider } from '../support/key-holders.mjs';
import { key, plaintext, sealed, SIZES, withDamage, withZeros } from '../support/small-segments.mjs';

async function collect(stream: AsyncIterable<Uint8Array>) {
  const chunks: Uint8Array[] = [];
  let error: unknown;
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch (thrown) {
    error = thrown;
  }
  return { bytes: Buffer.concat(chunks), error };
}

test('a file of every size and kind becomes a stream, with the report of decryptFile', async (t) => {
  const directory = temporaryDirectory(t);
  for (const size of EDGES) {
    for (const [number, { seal, open }] of CHOICES.entries()) {
      const path = join(directory, `${size} ${number}`);
      const bytes = pattern(size);
      writeFileSync(path, await encrypt(bytes, { key, ...SIZES, ...seal }));
      const stream = decryptFileToStream(pathToFileURL(path), { key, ...open });
      t.deepEqual(await collect(stream), { bytes, error: undefined });
      t.like(await stream.report, {
        plaintextSize: size,
        sealedSize: readFileSync(path).length,
        openedBy: { slotIndex: 0, type: 'key' },
        damageCount: 0,
        warnings: [],
      });
    }
  }
});

test('it is a Node stream: pipeline, flow, highWaterMark, web', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, sealed);
  await pipeline(decryptFileToStream(from, { key }), createWriteStream(to));
  t.deepEqual(readFileSync(to), plaintext);
  const flowing = decryptFileToStream(from, { key, highWaterMark: 1, concurrency: 1 });
  t.true(flowing instanceof Readable);
  t.is(flowing.readableHighWaterMark, 1);
  const chunks: Buffer[] = [];
  await new Promise((resolve, reject) => {
    flowing
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', resolve)
      .on('error', reject);
  });
  t.deepEqual(Buffer.concat(chunks), plaintext);
  const web = Readable.toWeb(decryptFileToStream(from, { key })) as ReadableStream<Uint8Array>;
  t.deepEqual(Buffer.from(await new Response(web).arrayBuffer()), plaintext);
});

test('passphrases, providers and headers that are kept apart open it', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, whole, body] = ['from', 'whole', 'body'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(from, plaintext);
  const recipients = [provider(new FakeProvider(), 'a key'), passphrase('a phrase', { strength: CHEAP })];
  await encryptFile(from, whole, { recipients, ...SIZES });
  const { header, sealedSize } = await encryptFileDetached(from, body, { recipients, ...SIZES });
  for (const identities of recipients) {
    t.deepEqual((await collect(decryptFileToStream(whole, { identities }))).bytes, plaintext);
    const detached = decryptFileToStream(body, { identities, header });
    t.deepEqual(await collect(detached), { bytes: plaintext, error: undefined });
    t.is((await detached.report).sealedSize, sealedSize);
  }
  const { error } = await collect(decryptFileToStream(body, { identities: recipients }));
  t.true(SealError.is(error, 'ERR_SEAL_NOT_SEALED'));
  for (const wrong of [Buffer.alloc(0), header.subarray(1), Buffer.concat([header, Buffer.alloc(1)])]) {
    t.like(await errorOf(() => decryptFileToStream(body, { identities: recipients, header: wrong })), {
      name: 'RangeError',
      option: 'header',
    });
  }
});

test('a copy replaces a damaged header', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, plaintext);
  await encryptFile(from, to, { key });
  const bytes = readFileSync(to);
  bytes[70]! ^= 1;
  writeFileSync(to, bytes);
  const stream = decryptFileToStream(to, { key });
  t.deepEqual(await collect(stream), { bytes: plaintext, error: undefined });
  t.like(await stream.report, { warnings: [{ kind: 'HeaderFromCopy' }] });
});

test('a file that was cut, or has a wrong end, fails before its first byte', async (t) => {
  const path = join(temporaryDirectory(t), 'from');
  for (const { size } of cuts()) {
    writeFileSync(path, sealed.subarray(0, size));
    const stream = decryptFileToStream(path, { key });
    const { bytes, error } = await collect(stream);
    t.is(bytes.length, 0, String(size));
    t.true(SealError.is(error), String(size));
    t.is(await errorOf(() => stream.report), error);
  }
  for (const name of ['the end record', 'the footer', 'bytes behind the end']) {
    writeFileSync(path, DAMAGED[name]!.stream);
    const { bytes, error } = await collect(decryptFileToStream(path, { key }));
    t.is(bytes.length, 0, name);
    t.true(SealError.is(error), name);
  }
});

test('damage fails it after the segments before, or is decided about', async (t) => {
  const path = join(temporaryDirectory(t), 'from');
  writeFileSync(path, withDamage(3));
  const { bytes, error } = await collect(decryptFileToStream(path, { key }));
  t.deepEqual(bytes, plaintext.subarray(0, 3 * 2048));
  t.true(SealError.is(error, 'ERR_SEAL_DIGEST_MISMATCH'));
  const stream = decryptFileToStream(path, { key, onDamage: 'zero' });
  t.deepEqual(await collect(stream), { bytes: withZeros(3), error: undefined });
  t.like(await stream.report, { damageCount: 1, damage: [{ damage: { segment: 3 } }] });
  writeFileSync(path, sealed.subarray(0, -30));
  const cut = decryptFileToStream(path, { key, onDamage: 'skip' });
  t.deepEqual(await collect(cut), { bytes: plaintext, error: undefined });
  t.like(await cut.report, { damageCount: 1 });
});

test('failures destroy the stream: no file, a folder, another key', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'from');
  writeFileSync(path, sealed);
  mkdirSync(join(directory, 'folder'));
  const cases: [string, DecryptFileToStreamOptions, string][] = [
    [join(directory, 'missing'), { key }, 'ERR_SEAL_IO'],
    [join(directory, 'folder'), { key }, 'ERR_SEAL_NOT_A_REGULAR_FILE'],
    [path, { key: SecretKey.generate() }, 'ERR_SEAL_NO_MATCHING_KEY'],
    [path, { key, context: 'other' }, 'ERR_SEAL_CONTEXT_MISMATCH'],
  ];
  for (const [from, options, code] of cases) {
    const stream = decryptFileToStream(from, options);
    const { bytes, error } = await collect(stream);
    t.is(bytes.length, 0);
    t.like(error, { name: 'SealError', code });
    t.is(await errorOf(() => stream.report), error);
  }
  const { error } = await collect(decryptFileToStream(join(directory, 'missing'), { key }));
  t.like((error as Error).cause, { code: 'ENOENT', path: join(directory, 'missing') });
  t.throws(() => decryptFileToStream('', { key }), { instanceOf: RangeError });
  t.throws(() => decryptFileToStream(path, {}), { instanceOf: TypeError });
});

test('it can be left early: destroyed, aborted, or never read', async (t) => {
  const path = join(temporaryDirectory(t), 'from');
  writeFileSync(path, sealed);
  for await (const chunk of decryptFileToStream(path, { key })) {
    t.true(chunk.length > 0);
    break;
  }
  const destroyed = decryptFileToStream(path, { key }).destroy();
  t.like(await errorOf(() => destroyed.report), { name: 'AbortError' });
  const controller = new AbortController();
  const aborted = decryptFileToStream(path, { key, signal: controller.signal });
  controller.abort();
  t.like((await collect(aborted)).error, { name: 'AbortError' });
  const idle = decryptFileToStream(path, { key });
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.false(idle.destroyed);
  idle.destroy();
});
