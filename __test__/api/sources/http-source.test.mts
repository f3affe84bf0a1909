// Reading over HTTP from a real server, which is good, bad, or a liar.

import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { inspect, promisify } from 'node:util';

import test from 'ava';
import {
  encryptSync,
  generateKey,
  httpSource,
  open,
  SealError,
  SourceError,
  type HttpSourceOptions,
  type SourceErrorCode,
} from 'sealstream';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { errorOf } from '../support/errors.mjs';
import { asked, partial, ranges, rangeServer, type RangeServer } from '../support/range-server.mjs';

const bytes = pattern(20_000);
const never = new AbortController().signal;

/** A source as a reader sees it. */
function reading(url: string, options?: HttpSourceOptions) {
  const source = httpSource(url, options);
  const { size } = source;
  if (typeof size === 'number') throw new TypeError('the size is not known before it is asked for');
  return {
    size: (signal = never) => size(signal),
    read: (offset: number, length: number, signal = never) => source.read(offset, length, signal),
  };
}

async function sourceError(call: () => unknown): Promise<SourceError> {
  const error = await errorOf(call);
  if (!(error instanceof SourceError)) throw new Error(`expected a SourceError, not ${inspect(error)}`);
  return error;
}

/** Answers the request of this number, counted from 1, in another way than the ordinary one. */
function onlyAt(number: number, answer: (response: ServerResponse) => void): RangeServer['answer'] {
  return (_, response, count) => {
    if (count !== number) return false;
    answer(response);
    return true;
  };
}

/** Answers always with the same. */
function always(status: number, headers: Record<string, string> = {}, body = ''): RangeServer['answer'] {
  return (_, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
}

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

test('a read asks for the size first where nobody has, and nothing past the end is asked for', async (t) => {
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
  test(`an empty object, of which the server ${name}`, async (t) => {
    const source = reading((await rangeServer(t, Buffer.alloc(0), answer)).url);
    t.is(await source.size(), 0);
    t.is((await source.read(0, 0)).length, 0);
  });
}

test('what is given is copied out, so that a reader that writes to it changes nothing', async (t) => {
  const source = reading((await rangeServer(t, bytes)).url);
  (await source.read(0, 100)).fill(255);
  t.deepEqual(Buffer.from(await source.read(0, 100)), bytes.subarray(0, 100));
});

test('a strong ETag is sent back with all later requests, and no compression is asked for', async (t) => {
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

test('an object that changed is refused by the server', async (t) => {
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
  test(`an object that changed is seen by the answer: ${name}`, async (t) => {
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

test('an object that grew or was emptied is seen by its size alone', async (t) => {
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

test('neither a weak ETag nor one that is none is sent as If-Match, which would never hold', async (t) => {
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

test('a server that sends another range later is not believed either', async (t) => {
  const server = await rangeServer(t, bytes, (_, response, count) => {
    if (count === 1) return false;
    partial(response, server.object, [5001, 5011]);
    return true;
  });
  const source = reading(server.url);
  await source.size();
  t.is((await sourceError(() => source.read(5000, 10))).code, 'ERR_SOURCE_RANGE');
});

test('more bytes than were announced are an error', async (t) => {
  const server = await rangeServer(t, bytes, (_, response) => {
    response.writeHead(206, { 'Content-Range': 'bytes 0-9/10' }).write('0123456789');
    response.end('more');
    return true;
  });
  const error = await sourceError(() => reading(server.url).size());
  t.is(error.code, 'ERR_SOURCE_RANGE');
  t.regex(error.message, /more bytes than it announced/);
});

test('fewer bytes than were announced are asked for again, and then an error', async (t) => {
  const server = await rangeServer(t, bytes, (request, response) => {
    const [start, end] = asked(request, 10);
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${end - 1}/10` });
    response.end('0123456789'.slice(start, Math.min(end, 9)));
    return true;
  });
  const error = await sourceError(() => reading(server.url, { retries: 1 }).size());
  t.is(error.code, 'ERR_SOURCE_NETWORK');
  t.regex(error.message, /broke off after 9 of 10 bytes/);
  t.deepEqual(ranges(server), ['bytes=0-4095', 'bytes=9-4095']);
});

test('where a connection is reset in the middle of a body, only what is missing is asked for again', async (t) => {
  const server = await rangeServer(t, bytes, (request, response, count) => {
    if (count > 3) return false;
    const [start, end] = asked(request, bytes.length);
    response.writeHead(206, {
      ...server.object.headers,
      'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}`,
      'Content-Length': String(end - start),
    });
    response.write(bytes.subarray(start, start + 1000), () => {
      // A moment, so that what was written arrives before the reset.
      setTimeout(() => {
        request.socket.resetAndDestroy();
      }, 20);
    });
    return true;
  });
  const source = reading(server.url);
  t.is(await source.size(), bytes.length);
  t.deepEqual(Buffer.from(await source.read(0, 4096)), bytes.subarray(0, 4096));
  t.deepEqual(ranges(server), ['bytes=0-4095', 'bytes=1000-4095', 'bytes=2000-4095', 'bytes=3000-4095']);
  t.deepEqual(
    server.requests.map(({ headers }) => headers['if-match']),
    [undefined, '"v1"', '"v1"', '"v1"'],
  );
});

test('an object that changes while its connection is broken is refused', async (t) => {
  const server = await rangeServer(t, bytes, (request, response, count) => {
    if (count !== 2) return false;
    response.writeHead(206, { ...server.object.headers, 'Content-Range': 'bytes 5000-5999/20000' });
    response.write(bytes.subarray(5000, 5100), () => {
      server.object.headers = { ETag: '"v2"' };
      request.socket.destroy();
    });
    return true;
  });
  const source = reading(server.url);
  await source.size();
  t.is((await sourceError(() => source.read(5000, 1000))).code, 'ERR_SOURCE_CHANGED');
});

for (const status of [408, 425, 429, 500, 502, 503, 504]) {
  test(`${status} is tried again`, async (t) => {
    const server = await rangeServer(
      t,
      bytes,
      onlyAt(1, (response) => response.writeHead(status, { 'Retry-After': '0' }).end('busy')),
    );
    t.is(await reading(server.url).size(), bytes.length);
    t.is(server.requests.length, 2);
  });
}

test('a connection that is refused is tried again, and then an error with its cause', async (t) => {
  const server = await rangeServer(t, bytes, (request) => {
    request.socket.destroy();
    return true;
  });
  const error = await sourceError(() => reading(server.url, { retries: 2 }).size());
  t.is(error.code, 'ERR_SOURCE_NETWORK');
  t.is(error.status, undefined);
  t.truthy(error.cause);
  t.regex(error.message, /could not be reached/);
  t.is(server.requests.length, 3);
  t.false(inspect(error, { depth: null }).includes('SECRET'));
});

test('no retry at all where none is wanted', async (t) => {
  const server = await rangeServer(t, bytes, always(503));
  await sourceError(() => reading(server.url, { retries: 0 }).size());
  t.is(server.requests.length, 1);
});

for (const [name, value] of [
  ['seconds', () => '3600'],
  ['a date', () => new Date(Date.now() + 3_600_000).toUTCString()],
] as const) {
  test(`what Retry-After says in ${name} is waited for, and the signal ends the wait at once`, async (t) => {
    const controller = new AbortController();
    const server = await rangeServer(t, bytes, (_, response, count) => {
      response.writeHead(503, { 'Retry-After': value() }).end();
      if (count === 1) {
        setTimeout(() => {
          controller.abort(new Error('enough'));
        }, 50);
      }
      return true;
    });
    const error = await errorOf(() => reading(server.url).size(controller.signal));
    t.is((error as Error).message, 'enough');
    t.is(server.requests.length, 1);
    t.is(getEventListeners(controller.signal, 'abort').length, 0);
  });
}

test('the signal stops a request that has no answer, and one that is half answered', async (t) => {
  let controller = new AbortController();
  const server = await rangeServer(t, bytes, (_, response, count) => {
    if (count === 2) response.writeHead(206, { 'Content-Range': 'bytes 0-4095/20000' }).write('x');
    setTimeout(() => {
      controller.abort();
    }, 50);
    return true;
  });
  for (const count of [1, 2]) {
    controller = new AbortController();
    const error = await errorOf(() => reading(server.url).size(controller.signal));
    t.is((error as Error).name, 'AbortError');
    t.is(server.requests.length, count);
  }
  const aborted = AbortSignal.abort(new Error('before'));
  t.is(((await errorOf(() => reading(server.url).size(aborted))) as Error).message, 'before');
  t.is(server.requests.length, 2);
});

test('the signal stops a fetch and a function for headers that do not heed it', async (t) => {
  const hanging = () => new Promise<never>(() => undefined);
  for (const options of [{ fetch: hanging }, { headers: hanging }]) {
    const signal = AbortSignal.timeout(30);
    t.is(
      ((await errorOf(() => reading('http://127.0.0.1:9/', options).size(signal))) as Error).name,
      'TimeoutError',
    );
  }
});

test('many reads at once, of which one is stopped', async (t) => {
  const server = await rangeServer(t, bytes);
  const source = reading(server.url);
  const controller = new AbortController();
  const stopped = errorOf(() => source.read(6000, 10, controller.signal));
  const reads = Array.from({ length: 40 }, (_, index) => source.read(index * 500, 500));
  controller.abort();
  for (const [index, read] of (await Promise.all(reads)).entries()) {
    t.deepEqual(Buffer.from(read), bytes.subarray(index * 500, index * 500 + 500));
  }
  t.is(((await stopped) as Error).name, 'AbortError');
});

test('headers are sent with every request, and a function is asked for them each time', async (t) => {
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

test('headers that are changed after the call are not', async (t) => {
  const server = await rangeServer(t, bytes);
  const headers = { Authorization: 'before' };
  const source = reading(server.url, { headers });
  headers.Authorization = 'after';
  await source.size();
  t.is(server.requests[0]!.headers.authorization, 'before');
});

test("what a function for headers throws is the caller's own error, and not tried again", async (t) => {
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

test('a redirect that leads nowhere does not show where', async (t) => {
  const server = await rangeServer(t, bytes, always(302, { Location: 'ftp://host/?SECRET' }));
  const error = await sourceError(() => reading(server.url, { retries: 0 }).size());
  t.is(error.code, 'ERR_SOURCE_NETWORK');
  t.false(inspect(error, { depth: null }).includes('SECRET'));
});

test('a fetch of your own makes the requests', async (t) => {
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

const key = generateKey();
const plaintext = pattern(99 * 8192 + 5000);
const sealed = encryptSync(plaintext, { key, frameSize: 1024, segmentSize: 8192 });

test('a stream of a hundred segments is opened with two requests, and little is requested to read a little', async (t) => {
  const server = await rangeServer(t, sealed);
  await using reader = await open(httpSource(server.url), { key });
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
  await using reader = await open(httpSource(server.url), { key });
  t.is((await reader.read(0, 4)).toString(), 'text');
  t.deepEqual(ranges(server), ['bytes=0-4095']);
});

test('a reader refuses an object that changed, and says so as the source does', async (t) => {
  const server = await rangeServer(t, sealed);
  await using reader = await open(httpSource(server.url), { key });
  server.object.headers = { ETag: '"v2"' };
  t.is((await sourceError(() => reader.read(400_000, 10))).code, 'ERR_SOURCE_CHANGED');
  server.object.headers = { ETag: '"v1"' };
  t.is((await reader.read(400_000, 10)).length, 10);
});

test('what the source fails with is what opening fails with', async (t) => {
  const missing = await rangeServer(t, sealed, always(404));
  t.is((await sourceError(() => open(httpSource(missing.url), { key }))).status, 404);
  for (const object of [Buffer.alloc(0), Buffer.from('no sealed stream'), withFlippedByte(sealed, 100)]) {
    const { url } = await rangeServer(t, object);
    t.true((await errorOf(() => open(httpSource(url), { key }))) instanceof SealError);
  }
});

test('a signal stops opening and reading, and closing the reader stops the rest', async (t) => {
  const server = await rangeServer(t, sealed, (_, __, count) => count > 2);
  const reader = await open(httpSource(server.url), { key });
  const stopped = await errorOf(() => reader.read(400_000, 10, { signal: AbortSignal.timeout(50) }));
  t.is((stopped as Error).name, 'TimeoutError');
  const pending = errorOf(() => reader.read(500_000, 10));
  await reader.close();
  t.is(((await pending) as { code?: string }).code, 'ERR_INVALID_STATE');

  const opening = open(httpSource(server.url), { key, signal: AbortSignal.timeout(50) });
  t.is(((await errorOf(() => opening)) as Error).name, 'TimeoutError');
});
