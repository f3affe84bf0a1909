// Streams whose header is kept apart.

import { Readable } from 'node:stream';

import test from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptChunks,
  DecryptionStream,
  decryptSegments,
  type DecryptStreamOptions,
  encryptChunks,
  EncryptionStream,
  passphrase,
  provider,
  SecretKey,
  SealError,
} from 'sealstream';

import { errorOf } from '../support/errors.mjs';
import { CHEAP, FakeProvider } from '../support/key-holders.mjs';
import { key, plaintext, SIZES } from '../support/small-segments.mjs';

async function collect(chunks: AsyncIterable<unknown>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk as Uint8Array);
  return Buffer.concat(found);
}

const web = (bytes: Buffer) => new Blob([Uint8Array.from(bytes)]).stream();

async function detached(options: object = { key }) {
  const stream = createEncryptStream({ ...options, ...SIZES, detachHeader: true });
  stream.end(plaintext);
  const body = await collect(stream);
  const report = await stream.report;
  return { body, header: report.header!, report };
}

const READERS: Record<string, (body: Buffer, options: DecryptStreamOptions) => Promise<Buffer>> = {
  createDecryptStream: (body, options) => {
    const stream = createDecryptStream(options);
    stream.end(body);
    return collect(stream);
  },
  DecryptionStream: async (body, options) =>
    Buffer.from(await new Response(web(body).pipeThrough(new DecryptionStream(options))).arrayBuffer()),
  decryptChunks: (body, options) => collect(decryptChunks([body], options)),
  decryptSegments: (body, options) =>
    collect(
      Readable.from(decryptSegments(body, options)).map((result: { data?: Buffer; failure?: object }) => {
        if (result.data === undefined) throw new TypeError('damaged');
        return result.data;
      }),
    ),
};

test('the report has the header, the output only the body', async (t) => {
  const { body, header, report } = await detached();
  t.is(header.length + body.length, report.sealedSize);
  t.deepEqual(await decrypt(Buffer.concat([header, body]), { key }), plaintext);

  const stream = new EncryptionStream({ key, ...SIZES, detachHeader: true });
  const bodyOfWeb = Buffer.from(await new Response(web(plaintext).pipeThrough(stream)).arrayBuffer());
  const { header: headerOfWeb } = await stream.report;
  t.deepEqual(await decrypt(Buffer.concat([headerOfWeb!, bodyOfWeb]), { key }), plaintext);

  const whole = createEncryptStream({ key, ...SIZES, detachHeader: false });
  whole.end(plaintext);
  t.deepEqual(await decrypt(await collect(whole), { key }), plaintext);
  t.is((await whole.report).header, undefined);
});

test('the checksum is that of the body', async (t) => {
  // The body as the plaintext of another stream, whose report has its checksum.
  const { body, report } = await detached();
  const sealedBody = await collect(encryptChunks([body], { key }));
  const stream = createDecryptStream({ key });
  stream.end(sealedBody);
  await collect(stream);
  t.is((await stream.report).plaintextCrc64Nvme, report.sealedCrc64Nvme);
});

test('every stream that decrypts takes the header', async (t) => {
  const vault = provider(new FakeProvider(), 'a key');
  const phrase = passphrase('a phrase', { strength: CHEAP });
  const { body, header } = await detached({ recipients: [vault, phrase] });
  for (const [name, read] of Object.entries(READERS)) {
    for (const identities of [vault, phrase]) {
      t.deepEqual(await read(body, { identities, header }), plaintext, name);
    }
    t.truthy(await errorOf(() => read(body, { identities: vault })), name);
  }
});

test('the report counts the header', async (t) => {
  const { body, header, report } = await detached();
  const stream = createDecryptStream({ key, header });
  stream.end(body);
  await collect(stream);
  t.is((await stream.report).sealedSize, report.sealedSize);
});

test('a wrong header is refused', async (t) => {
  const { body, header } = await detached();
  const { header: another } = await detached();
  const { header: ofOther } = await detached({ key: SecretKey.generate() });
  for (const [name, read] of Object.entries(READERS)) {
    t.true(SealError.is(await errorOf(() => read(body, { key, header: ofOther }))), name);
    t.truthy(await errorOf(() => read(body, { key, header: another })), name);
    if (name === 'decryptSegments') continue;
    for (const wrong of [Buffer.alloc(0), header.subarray(0, -1), Buffer.concat([header, body])]) {
      t.like(await errorOf(() => read(body, { key, header: wrong })), {
        name: 'RangeError',
        option: 'header',
      });
    }
  }
});

test('a header that is changed after the call is not used', async (t) => {
  const { body, header } = await detached();
  const stream = createDecryptStream({ key, header });
  header.fill(0);
  stream.end(body);
  t.deepEqual(await collect(stream), plaintext);
});
