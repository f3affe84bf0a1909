// @ts-check
// Random access to sealed streams from every kind of source.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open as openFile, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { encryptSync, httpSource, openReader, SealError, SecretKey } from 'sealstream';

import { pattern, sealedFile, SIZES } from './operations.mjs';

const key = SecretKey.generate();
const plain = pattern(300_000);
const sealed = encryptSync(plain, { key, ...SIZES });

/** @type {Record<string, import('./operations.mjs').Capability>} */
export const readers = {
  async '`openReader`: a path'(folder) {
    const file = await sealedFile(folder, 300_000, SIZES);
    await tried(await openReader(file.sealed, { key: file.key }));
  },

  async '`openReader`: a `FileHandle`'(folder) {
    const file = await sealedFile(folder, 300_000, SIZES);
    const handle = await openFile(file.sealed);
    await tried(await openReader(handle, { key: file.key }));
    await handle.close();
  },

  async '`openReader`: a `Blob`'() {
    await tried(await openReader(new Blob([sealed]), { key }));
  },

  async '`openReader`: bytes, and a source of one’s own'() {
    await tried(await openReader(sealed, { key }));
    let reads = 0;
    let isClosed = false;
    const source = {
      size: () => Promise.resolve(sealed.length),
      read: async (/** @type {number} */ offset, /** @type {number} */ length) => {
        reads += 1;
        return sealed.subarray(offset, offset + length);
      },
      close: () => {
        isClosed = true;
      },
    };
    await tried(await openReader(source, { key }));
    assert.deepEqual([reads > 0, isClosed], [true, true]);
  },

  async '`openReader`: `httpSource`'() {
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      const [start, end] = [Number(first), Math.min(Number(last) + 1, sealed.length)];
      response.writeHead(206, {
        'Content-Range': `bytes ${start}-${end - 1}/${sealed.length}`,
        'Content-Length': end - start,
        ETag: '"1"',
      });
      response.end(sealed.subarray(start, end));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    await tried(await openReader(httpSource(`http://127.0.0.1:${port}/sealed`), { key }));
    assert.ok(requests > 1);
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  },

  async 'readers as Node and web streams, and by segments'() {
    const reader = await openReader(sealed, { key });
    const due = plain.subarray(1000, 200_000);
    assert.deepEqual(await buffer(reader.createReadStream({ start: 1000, end: 199_999 })), due);
    const web = /** @type {any} */ (reader.stream({ offset: 1000, length: 199_000 }));
    assert.deepEqual(Buffer.from(await new Response(web).arrayBuffer()), due);
    const parts = [];
    for await (const segment of reader.segments()) parts.push(segment.ok ? segment.data : Buffer.alloc(0));
    assert.deepEqual(Buffer.concat(parts), plain);
    await reader.close();
  },

  async 'reads that are stopped, and damage'() {
    const damaged = Buffer.from(sealed);
    damaged[100_000] = (damaged[100_000] ?? 0) ^ 1;
    const reader = await openReader(new Blob([damaged]), { key });
    await assert.rejects(
      reader.read(0, 300_000),
      (error) => error instanceof SealError && error.failure.kind === 'Segment',
    );
    const reason = new Error('enough');
    const controller = new AbortController();
    const running = reader.read(200_000, 100_000, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(running, (error) => error === reason);
    const late = assert.rejects(reader.read(200_000, 100_000), { code: 'ERR_INVALID_STATE' });
    await reader.close();
    await late;
  },

  async 'readers that are left open keep no process alive'(folder) {
    const file = await sealedFile(folder, 300_000, SIZES);
    await openReader(file.sealed, { key: file.key });
    const reader = await openReader(new Blob([sealed]), { key });
    void reader.read(0, 1000);
    assert.ok((await readFile(file.sealed)).length > 0);
  },

  async '`await using`'() {
    // Compiled here, because a runtime without this syntax could not load this file.
    const program = new AsyncFunction(
      'openReader',
      'await using reader = await openReader(); return reader;',
    );
    const reader = await program(() => openReader(sealed, { key }));
    await assert.rejects(reader.read(0, 1), { code: 'ERR_INVALID_STATE' });
  },
};

/**
 * Reads several ranges at once, and closes the reader.
 *
 * @param {import('sealstream').SealedReader} reader  Of {@link pattern} with 300,000 bytes.
 */
async function tried(reader) {
  const places = Array.from({ length: 40 }, (_, index) => index * 7777);
  const reads = await Promise.all(places.map((at) => reader.read(at, 12_345)));
  for (const [index, at] of places.entries()) assert.deepEqual(reads[index], plain.subarray(at, at + 12_345));
  await reader.close();
}

const AsyncFunction = /** @type {FunctionConstructor} */ ((async () => {}).constructor);
