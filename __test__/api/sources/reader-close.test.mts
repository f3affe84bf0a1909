import { writeFileSync } from 'node:fs';
import { open as openFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import test from 'ava';
import { decryptSegments, openReader, type RandomAccessSource, type SealedReader } from 'sealstream';

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
} from '../support/small-segments.mjs';

import { bytesOf, gather, opened, RecordingSource, settled, SIZE, sources } from './random-access.mjs';

test('closing cancels running reads, waits for them, and closes the file', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'sealed');
  writeFileSync(path, sealed);
  const reader = await openReader(path, { key });
  const reads = Array.from({ length: 50 }, (_, index) => reader.read(index * 100, 3000));
  const outcomes = Promise.allSettled(reads);
  const closing = reader.close();
  t.is(reader.close(), closing);
  await closing;
  for (const [index, outcome] of (await outcomes).entries()) {
    if (outcome.status === 'fulfilled') {
      t.deepEqual(outcome.value, plaintext.subarray(index * 100, index * 100 + 3000));
    } else {
      t.like(outcome.reason, { code: 'ERR_INVALID_STATE', message: 'the reader was closed' });
    }
  }
  // On Windows an open file can't be moved.
  await rename(path, join(directory, 'moved'));
  const after = [
    () => reader.read(0, 1),
    () => reader.readInto(Buffer.alloc(1), 0),
    () => buffer(reader.createReadStream()),
    () => bytesOf(reader.stream()),
    () => gather(reader.segments()),
    () => reader.sealedRange({ offset: 0, length: 1 }),
  ];
  for (const call of after) t.like(await errorOf(call), { code: 'ERR_INVALID_STATE' });
});

test('closing cancels a source that does not answer, and closes it once', async (t) => {
  const source = new RecordingSource(sealed, (bytes, reads) =>
    reads <= 2 ? bytes : new Promise(() => undefined),
  );
  const reader = await openReader(source, { key });
  const segments = reader.segments();
  const waiting = Promise.allSettled([
    reader.read(0, 10),
    buffer(reader.createReadStream()),
    bytesOf(reader.stream()),
    segments.next(),
  ]);
  await settled();
  await reader[Symbol.asyncDispose]();
  for (const result of await waiting) {
    t.like(result.status === 'rejected' && result.reason, { code: 'ERR_INVALID_STATE' });
  }
  await reader.close();
  t.is(source.closed, 1);
});

test('a file handle stays open and keeps its position', async (t) => {
  const { 'file handle': handle } = await sources(t);
  const file = handle as Awaited<ReturnType<typeof openFile>>;
  const reader = await openReader(file, { key });
  t.deepEqual(await reader.read(0, SIZE), plaintext);
  await reader.close();
  t.is((await file.stat()).isFile(), true);
  const { bytesRead } = await file.read(Buffer.alloc(8), 0, 8, null);
  t.is(bytesRead, 8);
});

test('a file that became shorter is reported', async (t) => {
  const path = join(temporaryDirectory(t), 'sealed');
  writeFileSync(path, sealed);
  const handle = await openFile(path, 'r+');
  t.teardown(() => handle.close());
  const [byPath, byHandle] = [await opened(t, path, 0), await opened(t, handle, 0)];
  await handle.truncate(headerSize + 100);
  t.like(await failureOf(t, () => byPath.read(0, 1)), {
    kind: 'Truncated',
    nextSegment: 0,
    offset: headerSize + 100,
  });
  t.like(await failureOf(t, () => byHandle.read(0, 1)), { kind: 'SourceChanged', relation: 'shorter' });
});

test('an open reader yields the segments of the stream during reads', async (t) => {
  for (const source of Object.values(await sources(t))) {
    const reader = await openReader(source, { key });
    const [first, second] = await Promise.all([
      gather(reader.segments({ concurrency: 2 })),
      gather(decryptSegments(source, { key })),
    ]);
    t.is(first.length, SEGMENTS);
    t.deepEqual(first, second);
    t.deepEqual(Buffer.concat(first.map((result) => (result.ok ? result.data : Buffer.alloc(0)))), plaintext);
    t.deepEqual(await reader.read(5, 5), plaintext.subarray(5, 10));
    await reader.close();
  }
});

test('every source gives the segments of a damaged stream', async (t) => {
  const cut = withDamage(1).subarray(0, headerSize + 4 * RECORD + 10);
  for (const [name, source] of Object.entries(await sources(t, cut))) {
    const kinds: string[] = [];
    const failure = await failureOf(t, async () => {
      for await (const result of decryptSegments(source, { key }))
        kinds.push(result.ok ? 'ok' : result.failure.kind);
    });
    t.is(failure.kind, 'Truncated', name);
    t.deepEqual(kinds, ['ok', 'Segment', 'ok', 'ok', 'Truncated', 'Truncated'], name);
  }
});

test('the caller of a cancelled read may close the reader too', async (t) => {
  let calls = 0;
  const source: RandomAccessSource = {
    size: sealed.length,
    read: (offset, length, signal) => {
      if (offset === 0 || offset + length === sealed.length) {
        return Promise.resolve(Uint8Array.from(sealed.subarray(offset, offset + length)));
      }
      signal.addEventListener('abort', () => {
        calls += 1;
        void reader.close();
        void errorOf(() => reader.read(0, 10)).then((error) => {
          t.like(error, { code: 'ERR_INVALID_STATE' });
        });
      });
      return new Promise(() => undefined);
    },
  };
  const reader: SealedReader = await openReader(source, { key });
  const read = errorOf(() => reader.read(5000, 10));
  await reader.close();
  t.like(await read, { code: 'ERR_INVALID_STATE' });
  t.true(calls > 0);
});

test('the failure to open a source is reported, even if closing it fails', async (t) => {
  const cause = new Error('of the read');
  const source: RandomAccessSource = {
    size: 1000,
    read: () => Promise.reject(cause),
    close() {
      throw new Error('of the close');
    },
  };
  t.is(await errorOf(() => openReader(source, { key })), cause);
});
