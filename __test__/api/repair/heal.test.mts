import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test, { type ExecutionContext } from 'ava';
import { decrypt, encryptFile, encryptSync, heal, SecretKey } from 'sealstream';
import { exportHeader } from 'sealstream/header';

import { pattern, withFlippedByte } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
import { crc64 } from '../support/independent-opener.mjs';

const key = SecretKey.generate();
const plaintext = pattern(300_000);
const SEGMENT = 65_536;
const RECORD = 32 + 74 + SEGMENT + 32 + 8;

test('two damaged files heal to the original, byte for byte', async (t) => {
  const { path, sealed } = await copies(t);
  const seen: number[] = [];
  const report = await heal(path('a'), [path('b')], path('out'), {
    threads: 2,
    onProgress: ({ bytesDone }) => seen.push(bytesDone),
  });
  t.deepEqual(readFileSync(path('out')), sealed);
  t.deepEqual(await decrypt(readFileSync(path('out')), { key }), plaintext);
  t.like(report, {
    plaintextSize: plaintext.length,
    sealedSize: sealed.length,
    segments: 5,
    combined: 0,
    trailingBytes: 0,
    stats: { threads: 2 },
  });
  t.deepEqual(report.healed, [{ segment: 1, segmentCount: 1, replica: 0 }]);
  t.like(report.damaged, { segments: 4, header: 'sound', end: 'taken' });
  t.like(report.replicas[0], { segments: 1, header: 'sound', end: 'taken' });
  t.true(report.replicas[0]!.bytesRead < 2 * RECORD, 'only what is wanted is read of a replica');
  t.is(report.sealedCrc64Nvme, crc64(sealed).toString('base64'));
  t.is(report.streamId, sealed.subarray(32, 64).toString('hex'));
  t.is(report.headerFrom, undefined);
  t.is(seen.at(-1), plaintext.length);
});

test('copies can be paths, URLs and bytes, and no copy changes', async (t) => {
  const { path, sealed, directory } = await copies(t);
  const before = contents(directory);
  const [a, b] = [readFileSync(path('a')), readFileSync(path('b'))];
  await heal(pathToFileURL(path('a')), [b], pathToFileURL(path('out')));
  t.deepEqual(readFileSync(path('out')), sealed);
  await heal(a, [Buffer.alloc(10), path('b')], path('out'), { overwrite: true, flush: false });
  const { out, ...rest } = contents(directory);
  t.is(out, sealed.toString('base64'));
  t.deepEqual(rest, before);
});

test('header and end can come from a replica, and segments from several copies', async (t) => {
  const { path, sealed } = await copies(t);
  const footerSize = 24;
  const [second, end] = [4096 + RECORD, 4096 + 4 * RECORD + 38_002];
  const a = withFlippedByte(sealed, second + 1000);
  a.fill(0, 0, 4096).fill(0, end, a.length - footerSize);
  const b = withFlippedByte(sealed, second + 30_000);
  const report = await heal(a, [b], path('out'));
  t.deepEqual(readFileSync(path('out')), sealed);
  t.like(report, { headerFrom: 0, endFrom: 0, combined: 1 });
  t.deepEqual(report.healed[0], { segment: 1, segmentCount: 1 });
  t.like(report.damaged, { header: 'lost', end: 'lost' });
});

test('a failure is reported, and leaves no output', async (t) => {
  const { path, sealed, directory } = await copies(t);
  const before = contents(directory);
  const fails = (...[damaged, replicas, to, options]: Parameters<typeof heal>) =>
    failureOf(t, () => heal(damaged, replicas, to, options));
  t.deepEqual(await fails(path('a'), [path('a')], path('out')), {
    kind: 'NotHealed',
    segments: 1,
    segment: 1,
  });
  const foreign = encryptSync(plaintext, { key, segmentSize: SEGMENT });
  t.like(await fails(sealed, [path('b'), foreign], path('out')), { kind: 'ForeignReplica', replica: 1 });
  const blind = encryptSync(plaintext, { key, digest: 'none' });
  t.deepEqual(await fails(blind, [blind], path('out')), { kind: 'NoDigests' });
  t.like(await fails(path('a'), [path('b')], path('out'), { maxSegmentSize: 1000 }), {
    kind: 'LimitExceeded',
  });
  t.like(await fails(path('a'), [path('nothing')], path('out')), { kind: 'Io', code: 'ENOENT' });
  t.like(await fails(path('a'), [path('b')], path('whole')), { kind: 'TargetExists' });
  for (const target of ['a', 'b']) {
    t.like(await fails(path('a'), [path('b')], path(target), { overwrite: true }), { kind: 'SameFile' });
  }
  t.deepEqual(contents(directory), before);
});

test('a signal cancels it', async (t) => {
  const { path, directory } = await copies(t);
  const before = contents(directory);
  const reason = new Error('enough');
  const error = await errorOf(() =>
    heal(path('a'), [path('b')], path('out'), { signal: AbortSignal.abort(reason) }),
  );
  t.is(error, reason);
  t.deepEqual(contents(directory), before);
});

test('invalid arguments are named', async (t) => {
  for (const [call, name] of [
    [() => heal(5 as never, ['b'], 'out'), 'damaged'],
    [() => heal('a', 'b' as never, 'out'), 'replicas'],
    [() => heal('a', [], 'out'), 'replicas'],
    [() => heal('a', ['b', null as never], 'out'), 'replicas[1]'],
    [() => heal('a', ['b'], ''), 'to'],
    [() => heal('a', ['b'], 'out', { maxSegmentSize: 0 }), 'maxSegmentSize'],
    [() => heal('a', ['b'], 'out', { overwrite: 1 as never }), 'overwrite'],
    [() => heal('a', ['b'], 'out', { replicas: true } as never), '"replicas"'],
  ] as const) {
    const error = await errorOf(call);
    t.true(error instanceof TypeError || error instanceof RangeError);
    t.true((error as Error).message.includes(name), (error as Error).message);
  }
});

test('an exported header is exactly the header or its copy', async (t) => {
  const { path, sealed } = await copies(t);
  const header = sealed.subarray(0, 4096);
  const ofFile = await exportHeader(path('a'));
  t.true(Buffer.isBuffer(ofFile));
  t.deepEqual(ofFile, header);
  t.deepEqual(await exportHeader(withFlippedByte(sealed, 100)), header);
  t.deepEqual(await exportHeader(header), header);
  t.like(await failureOf(t, () => exportHeader(Buffer.from('text'))), { kind: 'NotSealed' });
  t.like(await failureOf(t, () => exportHeader(path('nothing'))), { kind: 'Io', code: 'ENOENT' });
  t.true((await errorOf(() => exportHeader(7 as never))) instanceof TypeError);
  // It is the buffer's own memory, not the file's.
  ofFile.fill(0);
  t.deepEqual(await exportHeader(path('a')), header);
});

/** A sealed file, and two copies of it that are damaged in different segments. */
async function copies(t: ExecutionContext) {
  const directory = temporaryDirectory(t);
  const path = (name: string) => join(directory, name);
  writeFileSync(path('plain'), plaintext);
  await encryptFile(path('plain'), path('whole'), { key, segmentSize: SEGMENT });
  const sealed = readFileSync(path('whole'));
  writeFileSync(path('a'), withFlippedByte(sealed, 4096 + RECORD + 500));
  writeFileSync(path('b'), withFlippedByte(sealed, 4096 + 3 * RECORD + 500));
  return { directory, path, sealed };
}
