// How the report of a stream settles: always, and without an unhandled rejection.

import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';

import test from 'ava';
import { createDecryptStream, createEncryptStream } from 'sealstream';

import { over } from '../support/conversions.mjs';
import { reasonOf } from '../support/report-outcome.mjs';
import { key, plaintext, sealed, SIZES, withDamage } from '../support/small-segments.mjs';
import { both, opening, through } from '../support/web-directions.mjs';

const MAKERS = [
  ['sealing', (options = {}) => createEncryptStream({ key, ...SIZES, ...options })],
  ['opening', (options = {}) => createDecryptStream({ key, ...options })],
] as const;

for (const [name, make] of MAKERS) {
  test(`a Node stream that is destroyed rejects its report (${name})`, async (t) => {
    const unread = make();
    unread.write(name === 'sealing' ? plaintext : sealed);
    await turn();
    for (const stream of [make(), unread]) {
      stream.destroy();
      await over(stream);
      t.like(await reasonOf(stream.report), { name: 'AbortError', code: 'ABORT_ERR' });
    }
    const own = new Error('enough');
    const stream = make();
    stream.on('error', () => undefined);
    stream.destroy(own);
    t.is(await reasonOf(stream.report), own);
  });

  test(`the signal of a Node stream rejects its report (${name})`, async (t) => {
    const own = new Error('enough');
    const controller = new AbortController();
    const later = make({ signal: controller.signal });
    const streams = [make({ signal: AbortSignal.abort(own) }), later];
    for (const stream of streams) stream.on('error', () => undefined);
    controller.abort(own);
    for (const stream of streams) {
      t.like(await reasonOf(stream.report), { name: 'AbortError', cause: own });
      t.is(await reasonOf(stream.report), stream.errored);
    }
  });
}

test('a stream that has ended keeps its report when it is destroyed', async (t) => {
  const stream = createEncryptStream({ key, ...SIZES });
  stream.end(plaintext);
  t.deepEqual((await buffer(stream)).length, sealed.length);
  stream.destroy();
  await over(stream);
  t.is((await stream.report).sealedSize, sealed.length);
  t.is(stream.report, stream.report);
});

both('a web stream that is cancelled or aborted rejects its report', async (t, make) => {
  const own = new Error('enough');
  for (const end of [
    (pair: ReturnType<typeof make>, reason?: unknown) => pair.readable.cancel(reason),
    (pair: ReturnType<typeof make>, reason?: unknown) => pair.writable.abort(reason),
  ]) {
    const [given, none] = [make(), make()];
    await end(given, own);
    t.is(await reasonOf(given.report), own);
    await end(none);
    t.like(await reasonOf(none.report), { name: 'AbortError' });
  }
});

both('the signal of a web stream rejects its report', async (t, make) => {
  const own = new Error('enough');
  const controller = new AbortController();
  const pairs = [make({ signal: AbortSignal.abort(own) }), make({ signal: controller.signal })];
  controller.abort(own);
  for (const { report } of pairs) t.is(await reasonOf(report), own);
});

test('damage rejects the report with the error of the web stream', async (t) => {
  const pair = opening();
  const error = await reasonOf(through(pair, withDamage(3)));
  t.is(await reasonOf(pair.report), error);
});

test.serial('a report that is not read causes no unhandled rejection', async (t) => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', listener);
  t.teardown(() => process.off('unhandledRejection', listener));
  for (const [, make] of MAKERS) {
    const stream = make();
    stream.destroy();
    await over(stream);
  }
  const damaged = createDecryptStream({ key });
  damaged.on('error', () => undefined).resume();
  damaged.end(withDamage(3));
  await over(damaged);
  await opening().readable.cancel();
  // Node reports a rejection after the microtasks of its turn.
  for (let turns = 0; turns < 3; turns++) await turn();
  t.deepEqual(unhandled, []);
});
