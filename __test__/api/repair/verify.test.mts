import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test from 'ava';
import { encryptFile, encryptSync, SealError, SecretKey, verify, type VerifyReport } from 'sealstream';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';

const key = SecretKey.generate();
const small = { key, frameSize: 1024, segmentSize: 2048 };
const HEADER = (stream: Uint8Array) => Buffer.from(stream).readUInt32BE(64);
const RECORD = 32 + 74 + 2048 + 2 * 32 + 8;

test('a sound stream is sound, from bytes, a path and a URL, with a key and without', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to.seal')];
  writeFileSync(from, pattern(5000));
  await encryptFile(from, to, small);
  const before = contents(directory);
  for (const source of [to, pathToFileURL(to), readFileSync(to)]) {
    const keyless = await verify(source);
    t.like(keyless, {
      sound: true,
      authenticated: false,
      contentsChecked: true,
      problems: [],
      problemCount: 0,
    });
    t.like(keyless, { plaintextSize: 5000, segments: 3, segmentsChecked: 3, digest: 'crc64-nvme' });
    t.is(keyless.openedBy, undefined);
    t.is(keyless.sealedSize, readFileSync(to).length);
    t.false('seed' in keyless);
    const keyed = await verify(source, { key: [SecretKey.generate(), key] });
    t.like(keyed, {
      sound: true,
      authenticated: true,
      problems: [],
      openedBy: { slotIndex: 0, type: 'key' },
    });
    t.is(keyed.streamId, keyless.streamId);
  }
  t.deepEqual(contents(directory), before);
});

test('all damage is found, with its place and its failure, and the promise resolves', async (t) => {
  const sealed = encryptSync(pattern(10 * 2048), small);
  const segment = (index: number) => HEADER(sealed) + index * RECORD;
  const places = [segment(2) + 300, segment(7) + 300, sealed.length - 1];
  const stream = places.reduce<Uint8Array>((bytes, place) => withFlippedByte(bytes, place), sealed);
  for (const how of [{}, { key }]) {
    const found = await verify(stream, how);
    t.like(found, { sound: false, authenticated: false, problemCount: 3, segmentsChecked: 10 });
    const [first, second, end] = found.problems;
    t.is(first?.segment, 2);
    t.is(second?.segment, 7);
    t.deepEqual([first?.segmentCount, second?.segmentCount, end?.segmentCount], [1, 1, undefined]);
    t.deepEqual(first?.sealedRange, { offset: segment(2), length: RECORD });
    t.deepEqual(first?.plaintextRange, { offset: 2 * 2048, length: 2048 });
    t.is(first?.code, 'ERR_SEAL_DIGEST_MISMATCH');
    t.like(first?.failure, { kind: 'Segment', error: { kind: 'DigestMismatch', segment: 2 } });
    t.regex(first?.message ?? '', /^segment 2 /);
    t.is(end?.segment, undefined);
    t.like(end?.failure, { kind: 'EndDamaged', part: 'footer' });
  }
});

test('a damaged header is a problem even if its copy is used', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to.seal')];
  writeFileSync(from, pattern(5000));
  await encryptFile(from, to, small);
  writeFileSync(to, withFlippedByte(readFileSync(to), 40));
  const found = await verify(to, { key });
  t.like(found, { sound: false, authenticated: true, problemCount: 1 });
  t.deepEqual(
    found.warnings.map(({ kind }) => kind),
    ['HeaderFromCopy'],
  );
  t.is(found.problems[0]?.failure.kind, 'HeaderDamaged');
});

test('segments that are missing at the end are one problem', async (t) => {
  const sealed = encryptSync(pattern(10 * 2048), small);
  const cut = sealed.subarray(0, HEADER(sealed) + 6 * RECORD);
  for (const how of [{}, { key }]) {
    const { problems } = await verify(cut, how);
    const missing = problems.find(({ failure }) => failure.kind === 'Truncated');
    t.like(missing, {
      segment: 6,
      segmentCount: 4,
      plaintextRange: { offset: 6 * 2048, length: 4 * 2048 },
      sealedRange: { offset: cut.length, length: 4 * RECORD },
    });
  }
});

test('without digests and key, the result says that contents were not checked', async (t) => {
  const stream = encryptSync(pattern(5000), { ...small, digest: 'none' });
  const damaged = withFlippedByte(stream, HEADER(stream) + 200);
  t.like(await verify(damaged), { sound: true, contentsChecked: false, digest: 'none' });
  t.like(await verify(damaged, { key }), { sound: false, contentsChecked: true, problemCount: 1 });
});

test('an impossible check rejects', async (t) => {
  const stream = encryptSync(pattern(5000), { ...small, context: 'a' });
  const kind = async (call: () => unknown) => (await failureOf(t, call)).kind;
  t.is(await kind(() => verify(stream, { key: SecretKey.generate(), context: 'a' })), 'NoMatchingKey');
  t.is(await kind(() => verify(stream, { key, context: 'b' })), 'ContextMismatch');
  t.is(await kind(() => verify(stream, { key, context: 'a', maxSegmentSize: 1024 })), 'LimitExceeded');
  t.is(await kind(() => verify(Buffer.from('no stream at all'))), 'NotSealed');
  const missing = await errorOf(() => verify('/no/such/file'));
  t.true(missing instanceof SealError);
  t.like((missing as SealError).failure, {
    kind: 'Io',
    operation: 'open',
    path: '/no/such/file',
    code: 'ENOENT',
  });
});

test('a sample reports its seed, and the seed selects the same segments again', async (t) => {
  const stream = encryptSync(pattern(60 * 2048), small);
  const damaged = Buffer.from(stream);
  for (let segment = 0; segment < 60; segment += 1) damaged[HEADER(stream) + segment * RECORD + 300]! ^= 1;
  const segments = ({ problems }: VerifyReport) => problems.map(({ segment }) => segment);
  const first = await verify(damaged, { sample: 0.1 });
  t.is(first.sample, 0.1);
  t.is(first.segmentsChecked, 6);
  t.is(first.problemCount, 6);
  const again = await verify(damaged, { sample: 0.1, seed: first.seed });
  t.deepEqual(segments(again), segments(first));
  t.is(again.seed, first.seed);
  const seeds = await Promise.all([1, 2, 3, 4].map((seed) => verify(damaged, { sample: 0.1, seed })));
  t.true(new Set(seeds.map((found) => segments(found).join())).size > 1);
});

test('unknown options are refused by name', async (t) => {
  const stream = encryptSync(Buffer.from('x'), { key });
  for (const [options, name] of [
    [{ sample: 0 }, 'sample'],
    [{ sample: 1.5 }, 'sample'],
    [{ sample: NaN }, 'sample'],
    [{ sample: '1%' }, 'sample'],
    [{ sample: 0.5, seed: -1 }, 'seed'],
    [{ sample: 0.5, seed: 0.5 }, 'seed'],
    [{ maxBytesPerSecond: 0 }, 'maxBytesPerSecond'],
    [{ key: [] }, 'key'],
    [{ smaple: 0.5 }, '"smaple"'],
  ] as const) {
    const error = await errorOf(() => verify(stream, options as never));
    t.true(error instanceof RangeError || error instanceof TypeError, name);
    t.true((error as Error).message.includes(name), String(error));
  }
});

test('progress ends with the bytes that were checked', async (t) => {
  const stream = encryptSync(pattern(60 * 2048), small);
  for (const options of [{}, { sample: 0.1 }]) {
    const told: [number, number | undefined][] = [];
    const found = await verify(stream, {
      ...options,
      onProgress: ({ bytesDone, bytesTotal }) => told.push([bytesDone, bytesTotal]),
    });
    t.deepEqual(told.at(-1), [found.bytesChecked, found.bytesChecked]);
  }
});

test('a signal cancels it while the rate limit makes it wait', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to.seal')];
  writeFileSync(from, pattern(50_000));
  await encryptFile(from, to, small);
  const controller = new AbortController();
  const reason = new Error('enough');
  const checking = errorOf(() => verify(to, { maxBytesPerSecond: 1, signal: controller.signal }));
  setTimeout(() => {
    controller.abort(reason);
  }, 20);
  t.is(await checking, reason);
  t.is(await errorOf(() => verify(to, { signal: AbortSignal.abort(reason) })), reason);
});

test('many operations at once share the machine and all settle', async (t) => {
  const directory = temporaryDirectory(t);
  const to = join(directory, 'a.seal');
  writeFileSync(join(directory, 'a'), pattern(5000));
  await encryptFile(join(directory, 'a'), to, small);
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, index) => verify(to, index % 2 ? { key } : {})),
  );
  t.true(all.every(({ sound }) => sound));
});

test('a hole in a sparse copy is found', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to.seal')];
  writeFileSync(from, pattern(20_000));
  await encryptFile(from, to, { ...small, headerSize: 4096 });
  const file = openSync(to, 'r+');
  writeSync(file, Buffer.alloc(2 * RECORD), 0, 2 * RECORD, 4096 + RECORD);
  closeSync(file);
  const { problems } = await verify(to);
  t.deepEqual(
    problems.map(({ segment, failure }) => [segment, failure.kind]),
    [
      [1, 'Segment'],
      [2, 'Segment'],
    ],
  );
});
