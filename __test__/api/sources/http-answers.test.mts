import { inspect } from 'node:util';

import test from 'ava';
import { type SourceErrorCode } from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { errorOf } from '../support/errors.mjs';
import { asked, partial, ranges, rangeServer, type RangeServer } from '../support/range-server.mjs';
import { always, bytes, reading, sourceError } from './http-calls.mjs';

test('the first request gives the size and the first bytes, which are not requested again', async (t) => {
  const server = await rangeServer(t, bytes);
  const source = reading(server.url);
  t.is(await source.size(), bytes.length);
  t.deepEqual(Buffer.from(await source.read(0, 4096)), bytes.subarray(0, 4096));
  t.deepEqual(Buffer.from(await source.read(4000, 96)), bytes.subarray(4000, 4096));
  t.deepEqual(ranges(server), ['bytes=0-4095']);

  t.deepEqual(Buffer.from(await source.read(4000, 1000)), bytes.subarray(4000, 5000));
  t.deepEqual(Buffer.from(await source.read(0, bytes.length)), bytes);
  t.deepEqual(Buffer.from(await source.read(19_999, 1)), bytes.subarray(19_999));
  t.deepEqual(ranges(server).slice(1), ['bytes=4096-4999', 'bytes=4096-19999', 'bytes=19999-19999']);
  t.true(server.requests.every(({ method }) => method === 'GET'));
});

test('a read requests the size first if it is unknown, and nothing past the end', async (t) => {
  const server = await rangeServer(t, bytes);
  const source = reading(server.url);
  t.deepEqual(Buffer.from(await source.read(10_000, 10)), bytes.subarray(10_000, 10_010));
  t.is((await source.read(20_000, 0)).length, 0);
  t.deepEqual(ranges(server), ['bytes=0-4095', 'bytes=10000-10009']);
  t.true((await errorOf(() => source.read(19_999, 2))) instanceof RangeError);
  t.true((await errorOf(() => source.read(-1, 2))) instanceof RangeError);
});

for (const size of [1, 4095, 4096, 4097]) {
  test(`an object of ${size} bytes`, async (t) => {
    const server = await rangeServer(t, bytes.subarray(0, size));
    const source = reading(server.url);
    t.is(await source.size(), size);
    t.deepEqual(Buffer.from(await source.read(0, size)), bytes.subarray(0, size));
    t.is(server.requests.length, size > 4096 ? 2 : 1);
  });
}

for (const [name, answer] of [
  ['says that it has no such range', () => false],
  ['sends all of it', always(200, { 'Content-Length': '0' })],
] as const) {
  test(`an empty object: the server ${name}`, async (t) => {
    const source = reading((await rangeServer(t, Buffer.alloc(0), answer)).url);
    t.is(await source.size(), 0);
    t.is((await source.read(0, 0)).length, 0);
  });
}

test('returned bytes are copies, so that writing to them changes nothing', async (t) => {
  const source = reading((await rangeServer(t, bytes)).url);
  (await source.read(0, 100)).fill(255);
  t.deepEqual(Buffer.from(await source.read(0, 100)), bytes.subarray(0, 100));
});

test('a strong ETag is sent with all later requests, and compression is refused', async (t) => {
  const server = await rangeServer(t, bytes);
  const source = reading(server.url);
  await source.size();
  await source.read(5000, 10);
  t.deepEqual(
    server.requests.map(({ headers }) => headers['if-match']),
    [undefined, '"v1"'],
  );
  for (const { headers } of server.requests)
    t.regex(String(headers['accept-encoding']), /^identity(, identity)?$/);
});

test('the server refuses a changed object', async (t) => {
  const server = await rangeServer(t, bytes);
  const source = reading(server.url);
  await source.size();
  server.object.headers = { ETag: '"v2"' };
  const error = await sourceError(() => source.read(5000, 10));
  t.is(error.code, 'ERR_SOURCE_CHANGED');
  t.is(error.status, 412);
  t.regex(error.message, /changed since it was opened/);
});

const WEAK = { ETag: 'W/"v1"' };
const DATED = { 'Last-Modified': 'Mon, 05 Jan 2026 10:00:00 GMT' };
for (const [name, before, after] of [
  ['a server that ignores If-Match', { ETag: '"v1"' }, { ETag: '"v2"' }],
  ['a server that loses the ETag', { ETag: '"v1"' }, {}],
  ['a weak ETag', WEAK, { ETag: 'W/"v2"' }],
  ['Last-Modified', DATED, { 'Last-Modified': 'Mon, 05 Jan 2026 10:00:01 GMT' }],
] as const) {
  test(`the answer shows a changed object: ${name}`, async (t) => {
    const server = await rangeServer(t, bytes, (request, response) => {
      partial(response, server.object, asked(request, bytes.length));
      return true;
    });
    server.object.headers = before;
    const source = reading(server.url);
    await source.size();
    await source.read(5000, 10);
    server.object.headers = after;
    t.is((await sourceError(() => source.read(5000, 10))).code, 'ERR_SOURCE_CHANGED');
  });
}

test('the size alone shows that an object grew or was emptied', async (t) => {
  const server = await rangeServer(t, bytes);
  server.object.headers = {};
  const source = reading(server.url);
  await source.size();
  server.object.bytes = pattern(20_001);
  const grown = await sourceError(() => source.read(5000, 10));
  t.is(grown.code, 'ERR_SOURCE_CHANGED');
  t.regex(grown.message, /it had 20000 bytes, and now has 20001/);
  server.object.bytes = Buffer.alloc(0);
  t.is((await sourceError(() => source.read(5000, 10))).code, 'ERR_SOURCE_CHANGED');
  server.object.bytes = pattern(4500);
  t.is((await sourceError(() => source.read(5000, 10))).code, 'ERR_SOURCE_CHANGED');
});

test('weak and invalid ETags are not sent as If-Match', async (t) => {
  for (const ETag of ['W/"v1"', 'v1', '"a"b"']) {
    const server = await rangeServer(t, bytes);
    server.object.headers = { ETag };
    const source = reading(server.url);
    await source.size();
    t.deepEqual(Buffer.from(await source.read(5000, 10)), bytes.subarray(5000, 5010));
    t.is(server.requests[1]!.headers['if-match'], undefined);
  }
});

const refusals: [string, RangeServer['answer'], SourceErrorCode, number | undefined, RegExp][] = [
  ['no ranges', always(200, { 'Content-Length': '5' }, 'whole'), 'ERR_SOURCE_RANGE', 200, /does not serve ranges/],
  ['no Content-Range', always(206, {}, 'x'), 'ERR_SOURCE_RANGE', 206, /Content-Range/],
  ['no total', always(206, { 'Content-Range': 'bytes 0-0/*' }, 'x'), 'ERR_SOURCE_RANGE', 206, /Content-Range/],
  ['a range past the total', always(206, { 'Content-Range': 'bytes 0-5/5' }), 'ERR_SOURCE_RANGE', 206, /Content-Range/],
  ['a size past all integers', always(206, { 'Content-Range': 'bytes 0-0/99999999999999999999' }), 'ERR_SOURCE_RANGE', 206, /Content-Range/],
  ['another range', always(206, { 'Content-Range': 'bytes 1-9/10' }, '123456789'), 'ERR_SOURCE_RANGE', 206, /asked for the bytes 0 to 9, the server sent 1 to 9/],
  ['a shorter range', always(206, { 'Content-Range': 'bytes 0-8/10' }, '012345678'), 'ERR_SOURCE_RANGE', 206, /0 to 9.* 0 to 8/],
  ['no range of what is not empty', always(416, { 'Content-Range': 'bytes */9' }), 'ERR_SOURCE_RANGE', 416, /416/],
  ['a compressed answer', always(206, { 'Content-Range': 'bytes 0-2/3', 'Content-Encoding': 'gzip' }, 'xyz'), 'ERR_SOURCE_ENCODING', 206, /Content-Encoding/],
  ['400', always(400), 'ERR_SOURCE_STATUS', 400, /HTTP 400: the server refuses/],
  ['401', always(401), 'ERR_SOURCE_STATUS', 401, /credentials/],
  ['403', always(403, {}, '<Error>SECRET</Error>'), 'ERR_SOURCE_STATUS', 403, /may have expired/],
  ['404', always(404), 'ERR_SOURCE_STATUS', 404, /nothing at this address/],
  ['405', always(405), 'ERR_SOURCE_STATUS', 405, /GET/],
  ['410', always(410), 'ERR_SOURCE_STATUS', 410, /removed for good/],
  ['304', always(304), 'ERR_SOURCE_STATUS', 304, /HTTP 304/],
  ['503', always(503, { 'Retry-After': '0' }), 'ERR_SOURCE_STATUS', 503, /try again later/],
]; // prettier-ignore
for (const [name, answer, code, status, message] of refusals) {
  test(`a clear error: ${name}`, async (t) => {
    const server = await rangeServer(t, bytes, answer);
    const error = await sourceError(() =>
      reading(server.url, { headers: { Authorization: 'SECRET' } }).size(),
    );
    t.is(error.code, code);
    t.is(error.status, status);
    t.regex(error.message, message);
    t.true(error.message.startsWith(server.url.replace(/\?.*/, ': ')), error.message);
    t.false(inspect(error, { depth: null }).includes('SECRET'));
    t.is(server.requests.length, status === 503 ? 5 : 1);
  });
}

test('a server that sends a wrong range in a later answer is refused too', async (t) => {
  const server = await rangeServer(t, bytes, (_, response, count) => {
    if (count === 1) return false;
    partial(response, server.object, [5001, 5011]);
    return true;
  });
  const source = reading(server.url);
  await source.size();
  t.is((await sourceError(() => source.read(5000, 10))).code, 'ERR_SOURCE_RANGE');
});

test('an answer that is too long is an error', async (t) => {
  const server = await rangeServer(t, bytes, (_, response) => {
    response.writeHead(206, { 'Content-Range': 'bytes 0-9/10' }).write('0123456789');
    response.end('more');
    return true;
  });
  const error = await sourceError(() => reading(server.url).size());
  t.is(error.code, 'ERR_SOURCE_RANGE');
  t.regex(error.message, /more bytes than it announced/);
});
