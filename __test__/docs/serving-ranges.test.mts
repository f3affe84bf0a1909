// The guide's server, asked for everything that HTTP has for ranges; and its code in the guide, which is that of the example.

import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';
import { encryptSync, inspect, type SealedReader, SecretKey } from 'sealstream';

import { Readers } from '../../examples/range-server/readers.mjs';
import { rangeServer } from '../../examples/range-server/server.mjs';
import { pattern, withFlippedByte } from '../api/support/bytes.mjs';
import { repositoryFile, temporaryDirectory } from '../api/support/files.mjs';

const key = SecretKey.generate();
const plaintext = pattern(300_000);
const sealed = encryptSync(plaintext, { key, frameSize: 1024, segmentSize: 8192 });

interface Served {
  readonly folder: string;
  readonly port: number;
  /** Asks for a path exactly as it is written. */
  readonly get: (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;
  /** What the server does about each request, until it is done with it. */
  readonly work: Promise<unknown>[];
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

async function served(t: ExecutionContext): Promise<Served> {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'bytes.bin.seal'), sealed);
  writeFileSync(join(folder, 'empty.txt.seal'), encryptSync(Buffer.alloc(0), { key }));
  writeFileSync(join(folder, 'plain.txt'), 'not sealed');
  const server = rangeServer(folder, key);
  const work: Promise<unknown>[] = [];
  const [serve] = server.listeners('request') as [
    (...exchange: Parameters<RequestListener>) => Promise<void>,
  ];
  server.removeAllListeners('request').on('request', (...exchange) => {
    work.push(serve(...exchange));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  t.teardown(async () => {
    const closed = new Promise((resolve) => server.on('close', resolve));
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return {
    folder,
    port,
    work,
    // Not by fetch, which would mend the path.
    get: (path, headers = {}, method = 'GET') =>
      new Promise((resolve, reject) => {
        const asking = request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject).on('end', () => {
            const { statusCode: status = 0, headers: given } = response;
            resolve({ status, headers: given, body: Buffer.concat(chunks) });
          });
        });
        asking.on('error', reject).end();
      }),
  };
}

test('a file is served whole, under its name', async (t) => {
  const { get } = await served(t);
  const { status, headers, body } = await get('/bytes.bin');
  t.is(status, 200);
  t.true(body.equals(plaintext));
  t.is(headers['content-length'], '300000');
  t.is(headers['content-type'], 'application/octet-stream');
  t.is(headers['accept-ranges'], 'bytes');
  const { streamId } = await inspect(sealed);
  t.is(headers['etag'], `"${streamId}"`);

  const { headers: other } = await get('/empty.txt');
  t.is(other['content-type'], 'text/plain; charset=utf-8');
});

for (const [range, start, end] of [
  ['bytes=0-0', 0, 0],
  ['bytes=0-', 0, 299_999],
  ['bytes=8191-8192', 8191, 8192],
  ['bytes=100000-199999', 100_000, 199_999],
  ['bytes=299999-', 299_999, 299_999],
  ['bytes=299000-999999999999999999999', 299_000, 299_999],
  ['bytes=-500', 299_500, 299_999],
  ['bytes=-300001', 0, 299_999],
  ['Bytes= 5-9', 5, 9],
] as const) {
  test(`a range: ${range}`, async (t) => {
    const { get } = await served(t);
    const { status, headers, body } = await get('/bytes.bin', { Range: range });
    t.is(status, 206);
    t.is(headers['content-range'], `bytes ${start}-${end}/300000`);
    t.is(headers['content-length'], String(end - start + 1));
    t.true(body.equals(plaintext.subarray(start, end + 1)));
  });
}

for (const range of ['bytes=300000-', 'bytes=300000-300001', 'bytes=-0']) {
  test(`a range that the file does not have: ${range}`, async (t) => {
    const { get } = await served(t);
    const { status, headers, body } = await get('/bytes.bin', { Range: range });
    t.is(status, 416);
    t.is(headers['content-range'], 'bytes */300000');
    t.is(body.length, 0);
  });
}

for (const range of [
  'bytes=0-1,5-6',
  'bytes=9-5',
  'bytes=-',
  'bytes=a-b',
  'bytes=0x1-2',
  'seconds=1-2',
  '',
]) {
  test(`a range that is not to be heeded gives the whole: '${range}'`, async (t) => {
    const { get } = await served(t);
    const { status, headers, body } = await get('/bytes.bin', { Range: range });
    t.is(status, 200);
    t.is(headers['content-range'], undefined);
    t.is(body.length, 300_000);
  });
}

test('an empty file is whole without a byte, and has no ranges', async (t) => {
  const { get } = await served(t);
  t.like(await get('/empty.txt'), { status: 200, body: Buffer.alloc(0) });
  const { status, headers } = await get('/empty.txt', { Range: 'bytes=0-' });
  t.is(status, 416);
  t.is(headers['content-range'], 'bytes */0');
});

test('HEAD says what GET would, without a body, and knows no ranges', async (t) => {
  const { get } = await served(t);
  for (const headers of [{}, { Range: 'bytes=0-1' }]) {
    const answer = await get('/bytes.bin', headers, 'HEAD');
    t.is(answer.status, 200);
    t.is(answer.headers['content-length'], '300000');
    t.is(answer.body.length, 0);
  }
});

test('conditions: If-None-Match, If-Match, If-Range', async (t) => {
  const { get } = await served(t);
  const etag = String((await get('/bytes.bin', {}, 'HEAD')).headers['etag']);
  const range = { Range: 'bytes=0-9' };
  for (const [headers, status] of [
    [{ 'If-None-Match': etag }, 304],
    [{ 'If-None-Match': `"other", W/${etag}` }, 304],
    [{ 'If-None-Match': '*' }, 304],
    [{ 'If-None-Match': '"other"' }, 200],
    [{ 'If-None-Match': etag, ...range }, 304],
    [{ 'If-Match': etag, ...range }, 206],
    [{ 'If-Match': '"other"', ...range }, 412],
    [{ 'If-Range': etag, ...range }, 206],
    [{ 'If-Range': '"other"', ...range }, 200],
    [{ 'If-Range': 'Mon, 05 Jan 2026 10:00:00 GMT', ...range }, 200],
  ] as [Record<string, string>, number][]) {
    const answer = await get('/bytes.bin', headers);
    t.is(answer.status, status, JSON.stringify(headers));
    t.is(answer.headers['etag'], etag);
    t.is(answer.body.length, { 200: 300_000, 206: 10 }[status] ?? 0);
  }
});

test('nothing but the sealed files of the folder is served', async (t) => {
  const { get, folder } = await served(t);
  const outside = join(folder, '..', `outside-${process.pid}.txt.seal`);
  writeFileSync(outside, encryptSync(Buffer.from('secret'), { key }));
  t.teardown(() => {
    rmSync(outside);
  });
  writeFileSync(join(folder, '.hidden.seal'), sealed);
  const name = `outside-${process.pid}.txt`;
  for (const path of [
    `/../${name}`,
    `/..%2f${name}`,
    `/%2e%2e%2f${name}`,
    `/..%5c${name}`,
    `/sub/../../${name}`,
    `//${name}`,
    '/.hidden',
    '/plain.txt',
    '/bytes.bin.seal',
    '/bytes.bin%00',
    '/%ff',
    '/nothing',
    '/bytes.bin/',
  ]) {
    const { status, body } = await get(path);
    t.is(status, 404, path);
    t.is(body.length, 0);
  }
  t.like(await get('/bytes.bin', {}, 'POST'), { status: 405, headers: { allow: 'GET, HEAD' } });
});

test('the index page has a link for each file and a player for a video', async (t) => {
  const { get, folder } = await served(t);
  writeFileSync(join(folder, 'a & b.webm.seal'), sealed);
  const { headers, body } = await get('/');
  t.is(headers['content-type'], 'text/html; charset=utf-8');
  const text = body.toString();
  t.true(text.includes('<a href="/bytes.bin">bytes.bin</a>'));
  t.true(text.includes('src="/a%20%26%20b.webm"'));
  t.true(text.includes('a &#38; b.webm'));
  t.false(text.includes('plain.txt'));
  t.is((await get('/a%20%26%20b.webm')).headers['content-type'], 'video/webm');
});

test('a file that is replaced is served anew, under another ETag', async (t) => {
  const { get, folder } = await served(t);
  const before = await get('/bytes.bin');
  const next = encryptSync(Buffer.from('something else'), { key });
  writeFileSync(join(folder, 'next'), next);
  renameSync(join(folder, 'next'), join(folder, 'bytes.bin.seal'));
  const after = await get('/bytes.bin');
  t.is(after.body.toString(), 'something else');
  t.not(after.headers['etag'], before.headers['etag']);
});

test.serial('of a damaged file what is sound is served, and no more', async (t) => {
  const { get, folder } = await served(t);
  writeFileSync(join(folder, 'damaged.bin.seal'), withFlippedByte(sealed, Math.floor(sealed.length / 2)));
  writeFileSync(join(folder, 'no.bin.seal'), 'no sealed stream');
  const told = silenced(t);
  const start = await get('/damaged.bin', { Range: 'bytes=0-9999' });
  t.true(start.body.equals(plaintext.subarray(0, 10_000)));
  t.is((await get('/damaged.bin')).status, 500);
  t.is((await get('/no.bin')).status, 500);
  // Of more than the stream reads ahead: by the time that it comes to the damage the answer has begun.
  const large = encryptSync(Buffer.alloc(16 * 2 ** 20), { key });
  writeFileSync(join(folder, 'large.bin.seal'), withFlippedByte(large, 15 * 2 ** 20));
  await t.throwsAsync(get('/large.bin'), undefined, 'an answer that breaks off');
  t.is(told.length, 3);
});

test('a client that leaves ends the reading of the file, and the server goes on', async (t) => {
  const { get, folder, port, work } = await served(t);
  // More than the buffers between the two take.
  writeFileSync(join(folder, 'large.bin.seal'), encryptSync(Buffer.alloc(32 * 2 ** 20), { key }));
  await new Promise<void>((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path: '/large.bin' }, (response) => {
      response.once('data', () => {
        response.destroy();
        resolve();
      });
    });
    asking.on('error', reject).end();
  });
  await t.notThrowsAsync(work[0]!);
  t.is((await get('/bytes.bin')).body.length, 300_000);
});

test('readers are kept open, the ones used last, and not closed while they are in use', async (t) => {
  const { folder } = await served(t);
  const [first, second] = ['bytes.bin.seal', 'empty.txt.seal'].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  const readers = new Readers(key, 1);
  const take = (reader: SealedReader) => Promise.resolve(reader);
  const isOpen = (reader: SealedReader) =>
    reader.read(0, 1).then(
      () => true,
      () => false,
    );

  const kept = (await readers.use(first, take)) as SealedReader;
  t.is(await readers.use(first, take), kept);
  t.true(await isOpen(kept));
  await readers.use(first, async (reader: SealedReader) => {
    await readers.use(second, take);
    t.true(await isOpen(reader), 'in use');
  });
  await readers.use(second, take);
  t.false(await isOpen(kept), 'no longer among those used last');
  t.not(await readers.use(first, take), kept);

  await t.throwsAsync(readers.use(join(folder, 'plain.txt'), take));
  const last = (await readers.use(first, take)) as SealedReader;
  await readers.use(first, async (reader: SealedReader) => {
    await readers.close();
    t.true(await isOpen(reader), 'in use');
  });
  t.false(await isOpen(last));
});

test("the guide's code is the example's", (t) => {
  const guide = repositoryFile('docs', 'guides', 'serving-ranges.md').toString();
  const folder = join(import.meta.dirname, '..', '..', 'examples', 'range-server');
  const example = readdirSync(folder)
    .map((name) => repositoryFile('examples', 'range-server', name).toString())
    .join('\n');
  const blocks = [...guide.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const shown = blocks.filter((code) => example.includes(code));
  t.true(shown.length >= 2, `${shown.length} of the guide's ${blocks.length} blocks are the example's`);
  // Of the others each says how to do something else than the example.
  t.is(blocks.length - shown.length, OTHER_BLOCKS);
});

/** What the example prints in place of printing it. */
function silenced(t: ExecutionContext): unknown[][] {
  const told: unknown[][] = [];
  const { error } = console;
  console.error = (...words: unknown[]) => told.push(words);
  t.teardown(() => {
    console.error = error;
  });
  return told;
}

const OTHER_BLOCKS = 1;
