import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';

import test from 'ava';

import { errorOf } from '../support/errors.mjs';
import { asked, ranges, rangeServer } from '../support/range-server.mjs';
import { always, bytes, onlyAt, reading, sourceError } from './http-calls.mjs';

test('an answer that is too short is requested again, and then fails', async (t) => {
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

test('after a connection reset only the missing bytes are requested again', async (t) => {
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
  test(`status ${status} is retried`, async (t) => {
    const server = await rangeServer(
      t,
      bytes,
      onlyAt(1, (response) => response.writeHead(status, { 'Retry-After': '0' }).end('busy')),
    );
    t.is(await reading(server.url).size(), bytes.length);
    t.is(server.requests.length, 2);
  });
}

test('a refused connection is retried, and then fails with its cause', async (t) => {
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

test('with retries: 0 nothing is repeated', async (t) => {
  const server = await rangeServer(t, bytes, always(503));
  await sourceError(() => reading(server.url, { retries: 0 }).size());
  t.is(server.requests.length, 1);
});

for (const [name, value] of [
  ['seconds', () => '3600'],
  ['a date', () => new Date(Date.now() + 3_600_000).toUTCString()],
] as const) {
  test(`Retry-After in ${name} is respected, and the signal ends the wait at once`, async (t) => {
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

test('the signal cancels a request without an answer, and one with half an answer', async (t) => {
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

test('the signal ends the wait for a fetch and a header function that ignore it', async (t) => {
  const hanging = () => new Promise<never>(() => undefined);
  for (const options of [{ fetch: hanging }, { headers: hanging }]) {
    const signal = AbortSignal.timeout(30);
    t.is(
      ((await errorOf(() => reading('http://127.0.0.1:9/', options).size(signal))) as Error).name,
      'TimeoutError',
    );
  }
});

test('one of many parallel reads is cancelled', async (t) => {
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
