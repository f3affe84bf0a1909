import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';
import { type DamageMap, encryptSync, salvage, SealError, SecretKey } from 'sealstream';
import { damagePage } from 'sealstream/report';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();
const FRAME = 1024;
const SEGMENT = 4 * FRAME;
const plaintext = pattern(10 * SEGMENT + 5);
const sealed = encryptSync(plaintext, { key, frameSize: FRAME, segmentSize: SEGMENT, context: 'here' });
const HEADER = sealed.indexOf('SEG1');
const RECORD = sealed.indexOf('SEG1', HEADER + 1) - HEADER;
const options = { key, context: 'here' };

function wreck(t: ExecutionContext, bytes: Uint8Array) {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, bytes, { mode: 0o644 });
  return { directory, from, to };
}

/** A byte in a frame of a segment. */
function inFrame(segment: number, frame: number): number {
  return HEADER + segment * RECORD + 106 + frame * (FRAME + 32) + 100;
}

test('an intact file is recovered whole', async (t) => {
  const { from, to } = wreck(t, sealed);
  const told: number[] = [];
  const map = await salvage(from, to, {
    ...options,
    onProgress: ({ bytesDone }) => told.push(bytesDone),
  });
  t.deepEqual(readFileSync(to), plaintext);
  t.like(map, {
    version: 1,
    outcome: 'whole',
    end: 'verified',
    header: { origin: 'start', offset: 0 },
    plaintextSize: plaintext.length,
    lost: [],
    lostBytes: 0,
    segments: 11,
  });
  t.is(told.at(-1), sealed.length);
  if (process.platform !== 'win32') t.is(statSync(to).mode & 0o077, 0);
});

test('a damaged frame becomes zeros or nothing, and is reported', async (t) => {
  const { from, to } = wreck(t, withFlippedByte(sealed, inFrame(3, 1)));
  const [start, end] = [3 * SEGMENT + FRAME, 3 * SEGMENT + 2 * FRAME];
  const map = await salvage(from, to, options);
  const due = Buffer.from(plaintext);
  due.fill(0, start, end);
  t.deepEqual(readFileSync(to), due);
  t.is(map.outcome, 'partial');
  t.like(map.lost[0], {
    plaintextRange: { offset: start, length: end - start },
    segment: 3,
    segmentCount: 1,
    cause: 'rot',
  });
  t.is(map.lost[0]?.sealedRange?.offset, inFrame(3, 1) - 100);
  t.is(map.recovered.bytes, plaintext.length - FRAME);
  const { readMs, cryptoMs, digestMs, writeMs } = map.stats.stages;
  t.true(readMs > 0 && cryptoMs > 0 && digestMs > 0 && writeMs > 0, JSON.stringify(map.stats));

  const omitted = await salvage(from, to, { ...options, lost: 'skip', overwrite: true });
  t.deepEqual(readFileSync(to), Buffer.concat([plaintext.subarray(0, start), plaintext.subarray(end)]));
  t.is(omitted.outputSize, plaintext.length - FRAME);
});

test('the map is plain data: it is the same after JSON', async (t) => {
  const { from, to } = wreck(t, sealed.subarray(0, HEADER + 5 * RECORD));
  const map = await salvage(from, to, options);
  t.deepEqual(JSON.parse(JSON.stringify(map)) as DamageMap, map);
  t.is(map.lost.length, 1);
});

test('a stored header opens a file that has none', async (t) => {
  const { from, to, directory } = wreck(t, sealed.subarray(HEADER));
  const before = contents(directory);
  t.is((await failureOf(t, () => salvage(from, to, options))).kind, 'NotSealed');
  t.deepEqual(contents(directory), before);
  // Bytes behind the header do no harm.
  const map = await salvage(from, to, { ...options, fallbackHeader: sealed.subarray(0, HEADER + 100) });
  t.deepEqual(readFileSync(to), plaintext);
  t.like(map, { outcome: 'whole', header: { origin: 'given' } });
});

test('if nothing is recovered there is no file, and an old one stays', async (t) => {
  const { from, to, directory } = wreck(t, sealed.subarray(0, HEADER));
  writeFileSync(to, 'precious');
  const before = contents(directory);
  const error = await errorOf(() => salvage(from, to, { ...options, overwrite: true }));
  if (!SealError.is(error, 'ERR_SEAL_NOTHING_RECOVERED')) {
    t.fail(String(error));
    return;
  }
  t.deepEqual(error.failure, { kind: 'NothingRecovered' });
  t.like(error.map, { outcome: 'nothing', recovered: { bytes: 0, frames: 0, segments: 0 } });
  t.is(error.map.lostBytes, plaintext.length);
  t.regex(damagePage(error.map), /Nothing came back/);
  t.deepEqual(contents(directory), before);
});

test('another key or context, an existing target and the source itself are refused', async (t) => {
  const { from, to, directory } = wreck(t, sealed);
  const before = contents(directory);
  const kind = async (target: string, chosen: Parameters<typeof salvage>[2]) =>
    (await failureOf(t, () => salvage(from, target, chosen))).kind;
  t.is(await kind(to, { ...options, key: SecretKey.generate() }), 'NoMatchingKey');
  t.is(await kind(to, { key }), 'ContextMismatch');
  t.is(await kind(to, { ...options, maxSegmentSize: 1024 }), 'LimitExceeded');
  t.is(await kind(from, { ...options, overwrite: true }), 'SameFile');
  t.deepEqual(contents(directory), before);
  writeFileSync(to, 'precious');
  t.is(await kind(to, options), 'TargetExists');
  t.is(readFileSync(to, 'utf8'), 'precious');
});

test('wrong options are named, and an abort leaves no output', async (t) => {
  const { from, to, directory } = wreck(t, sealed);
  const before = contents(directory);
  for (const [wrong, name] of [
    [{ fallbackHeader: 'text' }, 'fallbackHeader'],
    [{ lost: 'ones' }, 'lost'],
    [{ lost: 1 }, 'lost'],
    [{ lost: 'omit' }, 'lost'],
    [{ omit: true }, 'omit'],
  ] as const) {
    const error = await errorOf(() => salvage(from, to, { ...options, ...wrong } as never));
    t.true(error instanceof TypeError || error instanceof RangeError);
    t.regex((error as Error).message, new RegExp(name));
  }
  t.deepEqual(contents(directory), before);
  // Long enough that it is not done before it hears of the signal.
  writeFileSync(from, encryptSync(Buffer.alloc(32 * 2 ** 20), options));
  const whole = contents(directory);
  const controller = new AbortController();
  const running = salvage(from, to, { ...options, signal: controller.signal });
  controller.abort();
  t.is(((await errorOf(() => running)) as Error).name, 'AbortError');
  t.deepEqual(contents(directory), whole);
});

test('the page shows the figures, escapes its input and loads nothing', async (t) => {
  const { from, to } = wreck(t, withFlippedByte(sealed, inFrame(3, 1)));
  const map = await salvage(from, to, options);
  const page = damagePage(map, '<script>alert(1)</script>');
  t.true(page.startsWith('<!doctype html>'));
  t.true(page.includes('39,941 bytes') && page.includes('10 of 11'));
  t.true(page.includes('13,312 – 14,335'));
  t.true(page.includes('class="rot"'));
  t.notRegex(page, /<script|<link|<img|@import|https?:|url\((?!#)/);
  const strange = { ...map, lost: map.lost.map((lost) => ({ ...lost, message: '<b>"&' })) };
  t.false(damagePage(strange).includes('<b>'));
});

test('an invalid damage map is refused', async (t) => {
  const { from, to } = wreck(t, withFlippedByte(sealed, inFrame(3, 1)));
  const map = await salvage(from, to, options);
  const evil = '"><script>alert(1)</script>';
  const [lost] = map.lost;
  for (const wrong of [
    undefined,
    {},
    { ...map, version: 2 },
    { ...map, outcome: evil },
    { ...map, segments: evil },
    { ...map, recovered: { ...map.recovered, bytes: evil } },
    { ...map, lost: [{ ...lost, cause: evil }] },
    { ...map, lost: [{ ...lost, plaintextRange: { offset: evil, length: 1 } }] },
    { ...map, lost: 'all' },
    { ...map, stats: { ...map.stats, elapsedMs: evil } },
    { ...map, stats: { ...map.stats, stages: { ...map.stats.stages, readMs: evil } } },
    { ...map, stats: null },
    { ...map, plaintextSize: null },
  ]) {
    t.throws(() => damagePage(wrong as DamageMap), { instanceOf: TypeError, message: /damage map/ });
  }
  // As it is read again from its JSON.
  t.is(damagePage(JSON.parse(JSON.stringify(map)) as DamageMap), damagePage(map));
});

test('small damage is visible in a picture of many segments, and pages stay small', (t) => {
  const segments = 100_000;
  const segmentSize = 2 ** 20;
  const lost = Array.from({ length: 5000 }, (_, index) => {
    const start = index * 20 * segmentSize;
    const plaintextRange = { offset: start, length: 65_536 };
    const place = { segment: index * 20, segmentCount: 1 };
    return { plaintextRange, ...place, cause: 'rot' as const, message: 'rotten' };
  });
  const map: DamageMap = {
    version: 1,
    outcome: 'partial',
    sourceSize: segments * segmentSize,
    unreadable: 0,
    streamId: 'ab'.repeat(32),
    header: { origin: 'start', offset: 0 },
    end: 'verified',
    frameSize: 65_536,
    segmentSize,
    digest: 'crc64-nvme',
    plaintextSize: segments * segmentSize,
    segments,
    recovered: { bytes: segments * segmentSize - 5000 * 65_536, frames: 1_595_000, segments: 95_000 },
    outputSize: segments * segmentSize,
    lostBytes: 5000 * 65_536,
    lost,
    lostIsMerged: false,
    conflicts: [],
    conflictCount: 0,
    otherStreams: [],
    stats: {
      elapsedMs: 1,
      threads: 1,
      stages: { readMs: 1, cryptoMs: 0, digestMs: 0, writeMs: 0, waitMs: 0 },
    },
  };
  const page = damagePage(map);
  t.true(page.length < 1_500_000, String(page.length));
  t.true(page.includes('And 4,500 more'));
  const recovered = { ...map.recovered, bytes: segments * segmentSize - 65_536 };
  const one = damagePage({ ...map, lost: lost.slice(2500, 2501), lostBytes: 65_536, recovered });
  t.is(one.match(/<g><title>/g)?.length, 1);
  t.true(one.includes('More than 99.99 % came back'));
});
