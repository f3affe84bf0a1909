import { getEventListeners } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import {
  decrypt,
  decryptFile,
  encrypt,
  encryptFile,
  encryptSync,
  type OperationProgress,
  SecretKey,
} from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { errorOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();
const LARGE = 200 * 1024 * 1024;
/** Slow enough that progress is told before the end, on any machine. */
const SLOW = { frameSize: 1024, digest: 'sha512' } as const;

/** A file of zeros that takes a while; sparse, so that it costs no disk. */
function largeFile(directory: string): string {
  const path = join(directory, 'large');
  writeFileSync(path, '');
  truncateSync(path, LARGE);
  return path;
}

const files = (directory: string) => Object.keys(contents(directory)).sort();

test.serial('an operation on a file that is aborted at any time leaves no output', async (t) => {
  const directory = temporaryDirectory(t);
  const from = largeFile(directory);
  let aborted = 0;
  for (const delay of [0, 1, 2, 5, 10, 20, 40]) {
    const controller = new AbortController();
    const promise = encryptFile(from, join(directory, 'sealed'), {
      key,
      signal: controller.signal,
      threads: 1,
    });
    // So that the later rejection has a listener from the start.
    const outcome = errorOf(() => promise);
    await sleep(delay);
    controller.abort();
    const error = await outcome;
    t.is((error as Error | undefined)?.name, 'AbortError', `after ${delay} ms`);
    t.is(error, controller.signal.reason);
    t.deepEqual(files(directory), ['large'], `after ${delay} ms`);
    t.deepEqual(getEventListeners(controller.signal, 'abort'), []);
    aborted += 1;
  }
  t.is(aborted, 7);
});

test.serial('an aborted decryption leaves the old target unchanged', async (t) => {
  const directory = temporaryDirectory(t);
  const from = largeFile(directory);
  await encryptFile(from, join(directory, 'sealed'), { key, ...SLOW, flush: false });
  writeFileSync(join(directory, 'target'), 'old');
  const controller = new AbortController();
  const outcome = errorOf(() =>
    decryptFile(join(directory, 'sealed'), join(directory, 'target'), {
      key,
      overwrite: true,
      threads: 1,
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    }),
  );
  t.is(await outcome, controller.signal.reason);
  t.deepEqual(files(directory), ['large', 'sealed', 'target']);
  t.is(Buffer.from(contents(directory)['target']!, 'base64').toString(), 'old');
});

test.serial('a waiting operation is aborted at once', async (t) => {
  const directory = temporaryDirectory(t);
  const from = largeFile(directory);
  // More than run side by side, each of which takes a second or so.
  const busy = new AbortController();
  let finished = 0;
  const running = Array.from({ length: 24 }, async (_, index) => {
    const to = join(directory, `${index}`);
    await errorOf(() => encryptFile(from, to, { key, ...SLOW, threads: 1, signal: busy.signal }));
    finished += 1;
  });
  const controller = new AbortController();
  const waiting = errorOf(() =>
    encryptFile(from, join(directory, 'last'), { key, signal: controller.signal }),
  );
  await sleep(10);
  controller.abort();
  t.is(await waiting, controller.signal.reason);
  t.is(finished, 0);
  busy.abort();
  await Promise.all(running);
  t.deepEqual(files(directory), ['large']);
});

test.serial('an operation on bytes is aborted', async (t) => {
  const bytes = Buffer.alloc(LARGE);
  const controller = new AbortController();
  const began = performance.now();
  const outcome = errorOf(() => encrypt(bytes, { key, threads: 1, signal: controller.signal }));
  await sleep(5);
  controller.abort();
  t.is(await outcome, controller.signal.reason);
  t.true(performance.now() - began < 5000);
});

test('a signal that is aborted already prevents all work', async (t) => {
  const directory = temporaryDirectory(t);
  const signal = AbortSignal.abort();
  const stream = encryptSync(Buffer.from('text'), { key });
  for (const call of [
    () => encrypt(Buffer.from('text'), { key, signal }),
    () => decrypt(stream, { key, signal }),
    () => encryptFile(join(directory, 'missing'), join(directory, 'to'), { key, signal }),
    () => decryptFile(join(directory, 'missing'), join(directory, 'to'), { key, signal }),
  ]) {
    t.is(await errorOf(call), signal.reason);
    t.is((signal.reason as Error).name, 'AbortError');
  }
  t.deepEqual(files(directory), []);
});

test("an abort's own error is what rejects, and any other reason becomes an AbortError's cause", async (t) => {
  const own = new RangeError('mine');
  t.is(await errorOf(() => encrypt(Buffer.from('a'), { key, signal: AbortSignal.abort(own) })), own);
  const error = await errorOf(() => encrypt(Buffer.from('a'), { key, signal: AbortSignal.abort('a word') }));
  t.true(error instanceof Error);
  t.like(error, { name: 'AbortError', code: 'ABORT_ERR', cause: 'a word' });
  const timeout = await errorOf(() =>
    encrypt(Buffer.alloc(LARGE), { key, threads: 1, signal: AbortSignal.timeout(1) }),
  );
  t.is((timeout as Error).name, 'TimeoutError');
});

test('a late abort changes nothing, and many operations can share a signal', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  for (let round = 0; round < 30; round += 1) {
    const stream = await encrypt(pattern(100), { key, signal });
    t.true((await decrypt(stream, { key, signal })).equals(pattern(100)));
    t.is(getEventListeners(signal, 'abort').length, 0);
  }
  const [failed] = await Promise.allSettled([decrypt(Buffer.from('none'), { key, signal })]);
  t.is(failed.status, 'rejected');
  t.is(getEventListeners(signal, 'abort').length, 0);
  controller.abort();
});

test('a signal that many operations share stops them all, through one listener', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const bytes = Buffer.alloc(20 * 1024 * 1024);
  const outcomes = Array.from({ length: 50 }, () => errorOf(() => encrypt(bytes, { key, ...SLOW, signal })));
  t.is(getEventListeners(signal, 'abort').length, 1);
  controller.abort();
  // Some may have been done by then.
  const stopped = (await Promise.all(outcomes)).filter((outcome) => outcome === signal.reason);
  t.true(stopped.length > 10, `${stopped.length}`);
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('progress rises to the total and is not reported after the end', async (t) => {
  const directory = temporaryDirectory(t);
  const from = largeFile(directory);
  const told: OperationProgress[] = [];
  let settled = false;
  let late = 0;
  const onProgress = (progress: OperationProgress) => {
    if (settled) late += 1;
    told.push(progress);
  };
  await encryptFile(from, join(directory, 'sealed'), { key, threads: 1, flush: false, onProgress });
  settled = true;
  await sleep(200);
  t.is(late, 0);
  t.true(told.every(({ bytesTotal }) => bytesTotal === LARGE));
  const done = told.map(({ bytesDone }) => bytesDone);
  t.deepEqual(
    done,
    [...done].sort((a, b) => a - b),
  );
  t.is(done.at(-1), LARGE);
  t.is(done.filter((bytes) => bytes === LARGE).length, 1);
});

test('the total is reported even for instant operations', async (t) => {
  for (const size of [0, 1, 5000]) {
    const told: OperationProgress[] = [];
    const onProgress = (progress: OperationProgress) => told.push(progress);
    const stream = await encrypt(pattern(size), { key, onProgress });
    t.deepEqual(told, [{ bytesDone: size, bytesTotal: size }]);
    told.length = 0;
    await decrypt(stream, { key, onProgress });
    t.deepEqual(told, [{ bytesDone: size, bytesTotal: size }]);
  }
});

test.serial('a listener that throws stops the operation, which rejects with what it threw', async (t) => {
  const directory = temporaryDirectory(t);
  const from = largeFile(directory);
  const thrown = { not: 'even an error' };
  let calls = 0;
  const error = await errorOf(() =>
    encryptFile(from, join(directory, 'sealed'), {
      key,
      threads: 1,
      ...SLOW,
      onProgress: () => {
        calls += 1;
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- any value must come back
        throw thrown;
      },
    }),
  );
  t.is(error, thrown);
  t.is(calls, 1);
  t.deepEqual(files(directory), ['large']);
});
