// The guide's code, as it stands there.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createReadStream, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';
import { decrypt, encrypt, type EncryptReport } from 'sealstream';

import { temporaryDirectory } from '../api/support/files.mjs';
import { key, plaintext } from '../api/support/small-segments.mjs';
import { guideModule } from './support/guide.mjs';

interface Guide {
  store(request: unknown, path: string, key: unknown): Promise<EncryptReport>;
  send(path: string, response: unknown, key: unknown): Promise<void>;
  decryptTo(incoming: unknown, outgoing: unknown, key: unknown): Promise<void>;
  upload(url: string, blob: Blob, key: unknown): Promise<Response>;
  download(url: string, key: unknown): Promise<ArrayBuffer>;
  there(rows: unknown, key: unknown): AsyncIterable<Buffer>;
  back(sealed: unknown, key: unknown): AsyncIterable<unknown>;
}

async function serve(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
) {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('an upload is stored sealed and sent opened', async (t) => {
  const guide = (await import(guideModule(t, 'streams'))) as Guide;
  const path = join(temporaryDirectory(t), 'stored.seal');
  const url = await serve(t, async (request, response) => {
    if (request.method === 'PUT') {
      const { plaintextSize } = await guide.store(request, path, key);
      response.end(String(plaintextSize));
    } else {
      await (request.url === '/file'
        ? guide.send(path, response, key)
        : guide.decryptTo(createReadStream(path), response, key));
    }
  });
  const stored = await fetch(url, { method: 'PUT', body: plaintext });
  t.is(await stored.text(), String(plaintext.length));
  t.deepEqual(await decrypt(readFileSync(path), { key }), plaintext);
  for (const from of [url, `${url}file`]) {
    t.deepEqual(Buffer.from(await (await fetch(from)).arrayBuffer()), plaintext);
  }
});

test('a body is sealed on its way out and opened on its way in', async (t) => {
  const guide = (await import(guideModule(t, 'streams'))) as Guide;
  let kept = await encrypt(plaintext, { key });
  const url = await serve(t, async (request, response) => {
    if (request.method === 'PUT') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      kept = Buffer.concat(chunks);
    }
    response.end(kept);
  });
  t.deepEqual(Buffer.from(await guide.download(url, key)), plaintext);
  const other = plaintext.subarray(1000);
  t.true((await guide.upload(url, new Blob([other]), key)).ok);
  t.deepEqual(await decrypt(kept, { key }), other);
});

test('rows go there and back', async (t) => {
  const guide = (await import(guideModule(t, 'streams'))) as Guide;
  // More than a frame, of characters of three bytes each, so that chunks end inside of some.
  const rows = [{ a: 1 }, { b: '€'.repeat(50_000) }, { c: null }];
  const found = [];
  for await (const row of guide.back(guide.there(rows, key), key)) found.push(row);
  t.deepEqual(found, rows);
});
