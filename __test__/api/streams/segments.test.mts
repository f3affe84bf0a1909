import diagnosticsChannel from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test from 'ava';
import { decryptSegments, encryptFile, SecretKey, type SegmentEvent, type SegmentResult } from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import {
  headerSize,
  key,
  plaintext,
  RECORD,
  sealed,
  SEGMENTS,
  withDamage,
  withZeros,
} from '../support/small-segments.mjs';

/** All results, with zeros for what is lost. */
async function gather(results: AsyncIterable<SegmentResult>) {
  const all: SegmentResult[] = [];
  for await (const result of results) all.push(result);
  const pieces = all.map((result) => (result.ok ? result.data : Buffer.alloc(result.plaintextRange.length)));
  return { all, bytes: Buffer.concat(pieces) };
}

for (const concurrency of [undefined, 1, 3]) {
  test(`every segment has its result, in order, with ${concurrency ?? 'as many as there are cores'} at a time`, async (t) => {
    const path = join(temporaryDirectory(t), 'sealed');
    for (const damaged of [[], [0], [2, 3], [6], [0, 1, 2, 3, 4, 5, 6]]) {
      const stream = withDamage(...damaged);
      writeFileSync(path, stream);
      for (const source of [stream, path, pathToFileURL(path)]) {
        const { all, bytes } = await gather(decryptSegments(source, { key, concurrency }));
        t.deepEqual(bytes, withZeros(...damaged));
        t.deepEqual(
          all.map((result) => result.segment),
          Array.from({ length: SEGMENTS }, (_, index) => index),
        );
        for (const result of all) {
          if (result.ok) {
            t.is(result.offset, result.segment * 2048);
            continue;
          }
          t.true(damaged.includes(result.segment));
          const start = result.segment * 2048;
          t.deepEqual(result.plaintextRange, {
            offset: start,
            length: Math.min(2048, plaintext.length - start),
          });
          t.is(result.segmentCount, 1);
          t.is(result.sealedRange.offset, headerSize + result.segment * RECORD);
          t.is(result.failure.kind, 'Segment');
          t.regex(result.message, /digest/);
        }
      }
    }
  });
}

test('a truncated stream yields its segments, reports what is missing, and throws at the end', async (t) => {
  const cut = sealed.subarray(0, headerSize + 4 * RECORD + 10);
  const results: SegmentResult[] = [];
  const failure = await failureOf(t, async () => {
    for await (const result of decryptSegments(cut, { key })) results.push(result);
  });
  t.is(failure.kind === 'Truncated' && failure.verifiedBytes, 4 * 2048);
  const last = results.at(-1);
  if (last?.ok !== false) {
    t.fail('the missing segments are a result');
    return;
  }
  t.deepEqual([last.segment, last.segmentCount], [5, SEGMENTS - 5]);
  t.deepEqual(last.plaintextRange, { offset: 5 * 2048, length: plaintext.length - 5 * 2048 });
  t.deepEqual(
    results.map((result) => (result.ok ? 'ok' : result.failure.kind)),
    // The one that was cut, and all that is missing behind it.
    ['ok', 'ok', 'ok', 'ok', 'Truncated', 'Truncated'],
  );
});

test('a header that does not open is an error before any result', async (t) => {
  const failure = await failureOf(t, () => gather(decryptSegments(sealed, { key: SecretKey.generate() })));
  t.is(failure.kind, 'NoMatchingKey');
  const missing = await failureOf(t, () => gather(decryptSegments('/nowhere/at/all', { key })));
  t.is(missing.kind === 'Io' && missing.code, 'ENOENT');
});

test('options are checked at the call', (t) => {
  t.throws(() => decryptSegments(sealed, { key, contxt: 'a' } as never), { message: /contxt/ });
  t.throws(() => decryptSegments(5 as never, { key }), { instanceOf: TypeError });
  t.throws(() => decryptSegments(sealed, { key, concurrency: -1 }), { instanceOf: RangeError });
});

test('leaving the loop cancels the work and closes the file', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'plain'), join(directory, 'sealed')];
  writeFileSync(from, pattern(8 * 2 ** 20));
  await encryptFile(from, to, { key, segmentSize: 65_536, flush: false });
  for (const stopAt of [0, 3]) {
    let seen = 0;
    for await (const result of decryptSegments(to, { key, concurrency: 2 })) {
      t.true(result.ok);
      if (result.segment === stopAt) break;
      seen += 1;
    }
    t.is(seen, stopAt);
  }
  const generator = decryptSegments(to, { key });
  await generator.next();
  await generator.return();
  t.deepEqual(await generator.next(), { done: true, value: undefined });
  // On Windows an open file can't be moved.
  await rename(to, join(directory, 'moved'));
  await rm(join(directory, 'moved'));
});

test.serial('no more than `concurrency` segments are opened ahead of a slow loop', async (t) => {
  const opened: number[] = [];
  const listener = (event: unknown) => void opened.push((event as SegmentEvent).segment);
  diagnosticsChannel.subscribe('sealstream:segment', listener);
  t.teardown(() => diagnosticsChannel.unsubscribe('sealstream:segment', listener));
  for (const concurrency of [1, 3]) {
    for await (const result of decryptSegments(sealed, { key, concurrency })) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const furthest = Math.max(...opened.splice(0), 0);
      t.true(
        furthest < result.segment + concurrency,
        `${furthest} at ${result.segment} with ${concurrency} at a time`,
      );
    }
  }
});

test('an aborted loop throws the reason', async (t) => {
  const controller = new AbortController();
  const seen: number[] = [];
  const error = await errorOf(async () => {
    for await (const result of decryptSegments(sealed, { key, concurrency: 1, signal: controller.signal })) {
      seen.push(result.segment);
      if (result.segment === 2) controller.abort();
    }
  });
  t.is(error, controller.signal.reason);
  // The one that was opened ahead may be done already.
  t.true(seen.length === 3 || seen.length === 4, String(seen));
  const early = AbortSignal.abort();
  t.is(await errorOf(() => decryptSegments(sealed, { key, signal: early }).next()), early.reason);
});
