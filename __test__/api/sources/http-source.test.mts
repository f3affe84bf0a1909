import { execFile } from 'node:child_process';
import { inspect, promisify } from 'node:util';

import test from 'ava';
import {
  encryptSync,
  httpSource,
  type HttpSourceOptions,
  openReader,
  SealError,
  SecretKey,
} from 'sealstream';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { errorOf } from '../support/errors.mjs';
import { asked, ranges, rangeServer } from '../support/range-server.mjs';
import { always, bytes, reading, sourceError } from './http-calls.mjs';

test('headers are sent with every request, and a function is called each time', async (t) => {
  const server = await rangeServer(t, bytes);
  let count = 0;
  const given = new Headers({ Authorization: 'Bearer fixed' });
  for (const headers of [
    given,
    { Authorization: 'Bearer fixed' },
    [['Authorization', 'Bearer fixed']] as const,
    () => ({ Authorization: `Bearer ${(count += 1)}` }),
    () => Promise.resolve(new Headers({ Authorization: `Bearer ${(count += 1)}` })),
  ]) {
    const source = reading(server.url, { headers });
    await source.size();
    await source.read(5000, 10);
  }
  const fixed = Array.from({ length: 6 }, () => 'Bearer fixed');
  t.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    [...fixed, 'Bearer 1', 'Bearer 2', 'Bearer 3', 'Bearer 4'],
  );
  t.deepEqual([...given.keys()], ['authorization']);
});

test('headers are copied at the call', async (t) => {
  const server = await rangeServer(t, bytes);
  const headers = { Authorization: 'before' };
  const source = reading(server.url, { headers });
  headers.Authorization = 'after';
  await source.size();
  t.is(server.requests[0]!.headers.authorization, 'before');
});

test('an error of a header function is passed on, and not retried', async (t) => {
  const server = await rangeServer(t, bytes);
  const own = new Error('no token');
  const headers = () => {
    throw own;
  };
  t.is(await errorOf(() => reading(server.url, { headers }).size()), own);
  t.is(server.requests.length, 0);
});

test('redirects are followed; to another origin without credentials', async (t) => {
  const target = await rangeServer(t, bytes);
  const near = await rangeServer(t, bytes, (request, response) => {
    if (request.url !== '/near') return false;
    response.writeHead(302, { Location: '/object' }).end();
    return true;
  });
  const far = await rangeServer(t, bytes, (_, response) => {
    response.writeHead(307, { Location: target.url }).end();
    return true;
  });
  const headers = { Authorization: 'SECRET', Cookie: 'SECRET' };
  const nearby = reading(new URL('/near', near.url).href, { headers });
  t.is(await nearby.size(), bytes.length);
  t.is(near.requests[1]!.headers.authorization, 'SECRET');

  const source = reading(far.url, { headers });
  t.is(await source.size(), bytes.length);
  t.deepEqual(Buffer.from(await source.read(5000, 10)), bytes.subarray(5000, 5010));
  t.deepEqual(ranges(target), ['bytes=0-4095', 'bytes=5000-5009']);
  t.is(target.requests[1]!.headers['if-match'], '"v1"');
  for (const { headers: sent } of target.requests) {
    t.is(sent.authorization, undefined);
    t.is(sent.cookie, undefined);
  }
});

test('the error of a failed redirect does not show its address', async (t) => {
  const server = await rangeServer(t, bytes, always(302, { Location: 'ftp://host/?SECRET' }));
  const error = await sourceError(() => reading(server.url, { retries: 0 }).size());
  t.is(error.code, 'ERR_SOURCE_NETWORK');
  t.false(inspect(error, { depth: null }).includes('SECRET'));
});

test("the caller's fetch makes the requests", async (t) => {
  const { url } = await rangeServer(t, bytes);
  const asked: unknown[] = [];
  const source = reading('https://elsewhere.example/a', {
    fetch: (input, init) => {
      asked.push(input);
      return fetch(url, init);
    },
  });
  t.is(await source.size(), bytes.length);
  t.deepEqual(asked, ['https://elsewhere.example/a']);
});

test('a process ends by itself after the last read, whether it succeeds or fails', async (t) => {
  const { url } = await rangeServer(t, bytes, (request, response) => {
    if (request.url?.startsWith('/store') === true) return false;
    response.writeHead(500, { 'Retry-After': '0' }).write('a body without an end');
    return true;
  });
  const code = `
    const { httpSource } = require('sealstream');
    const { signal } = new AbortController();
    const fail = () => httpSource(process.argv[1].replace('store', 'broken')).size(signal);
    httpSource(process.argv[1]).read(5000, 100, signal).then(fail).catch(({ code }) => console.log(code));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code, url], { timeout: 20_000 });
  t.is(stdout, 'ERR_SOURCE_STATUS\n');
});

test('wrong arguments are refused at the call, and never shown', (t) => {
  const url = 'http://host/';
  const wrong: [unknown, unknown, RegExp][] = [
    [7, {}, /^url must be a string or a URL/],
    ['/path?SECRET', {}, /^url must be an absolute/],
    ['file:///path?SECRET', {}, /^url must be an http: or https: address, not one of file:/],
    ['http://user:SECRET@host/', {}, /^url must have no user name or password/],
    [url, { retries: -1 }, /^retries must be an integer from 0 to 100/],
    [url, { retries: '1' }, /^retries must be a number/],
    [url, { fetch: 'SECRET' }, /^fetch must be a function/],
    [url, { headers: 'SECRET' }, /^headers must be/],
    [url, { headers: { Authorization: 'SECRET\nSECRET' } }, /^headers must be/],
    [url, { headers: { range: 'bytes=0-SECRET' } }, /^headers must not have range/],
    [url, { header: {} }, /"header"/],
  ];
  for (const [address, options, message] of wrong) {
    const error = t.throws(() => httpSource(address as string, options as HttpSourceOptions), { message });
    t.false(inspect(error, { depth: null }).includes('SECRET'));
  }
});

const key = SecretKey.generate();
const plaintext = pattern(99 * 8192 + 5000);
const sealed = encryptSync(plaintext, { key, frameSize: 1024, segmentSize: 8192 });

test('a stream of a hundred segments opens with two requests, and a short read requests few bytes', async (t) => {
  const server = await rangeServer(t, sealed);
  await using reader = await openReader(httpSource(server.url), { key });
  t.is(reader.size, plaintext.length);
  t.is(server.requests.length, 2);

  t.true((await reader.read(400_000, 10)).equals(plaintext.subarray(400_000, 400_010)));
  // The front of the segment, and the frame.
  const sizes = server.requests.slice(2).map((request) => {
    const [start, end] = asked(request, sealed.length);
    return end - start;
  });
  t.true(sizes.length <= 2 && sizes.reduce((sum, size) => sum + size) < 1500, sizes.join());
  const { length: before } = server.requests;
  await reader.read(400_001, 5);
  t.is(server.requests.length, before, 'what was read just now is requested again');

  const last = plaintext.length - 1;
  t.true((await reader.read(last, 1)).equals(plaintext.subarray(last)));
  const chunks = await reader.createReadStream({ start: 100_000, end: last }).toArray();
  t.true(Buffer.concat(chunks as Buffer[]).equals(plaintext.subarray(100_000)));
});

test('a short stream is opened and read with a single request', async (t) => {
  const server = await rangeServer(t, encryptSync(Buffer.from('text'), { key }));
  await using reader = await openReader(httpSource(server.url), { key });
  t.is((await reader.read(0, 4)).toString(), 'text');
  t.deepEqual(ranges(server), ['bytes=0-4095']);
});

test("a reader refuses a changed object with the source's error", async (t) => {
  const server = await rangeServer(t, sealed);
  await using reader = await openReader(httpSource(server.url), { key });
  server.object.headers = { ETag: '"v2"' };
  t.is((await sourceError(() => reader.read(400_000, 10))).code, 'ERR_SOURCE_CHANGED');
  server.object.headers = { ETag: '"v1"' };
  t.is((await reader.read(400_000, 10)).length, 10);
});

test("opening fails with the source's error", async (t) => {
  const missing = await rangeServer(t, sealed, always(404));
  t.is((await sourceError(() => openReader(httpSource(missing.url), { key }))).status, 404);
  for (const object of [Buffer.alloc(0), Buffer.from('no sealed stream'), withFlippedByte(sealed, 100)]) {
    const { url } = await rangeServer(t, object);
    t.true((await errorOf(() => openReader(httpSource(url), { key }))) instanceof SealError);
  }
});

test('a signal stops opening and reading, and closing the reader stops the rest', async (t) => {
  const server = await rangeServer(t, sealed, (_, __, count) => count > 2);
  const reader = await openReader(httpSource(server.url), { key });
  const stopped = await errorOf(() => reader.read(400_000, 10, { signal: AbortSignal.timeout(50) }));
  t.is((stopped as Error).name, 'TimeoutError');
  const pending = errorOf(() => reader.read(500_000, 10));
  await reader.close();
  t.is(((await pending) as { code?: string }).code, 'ERR_INVALID_STATE');

  const opening = openReader(httpSource(server.url), { key, signal: AbortSignal.timeout(50) });
  t.is(((await errorOf(() => opening)) as Error).name, 'TimeoutError');
});
