import { buffer } from 'node:stream/consumers';

import test from 'ava';
import { decryptSegments, encryptSync, openReader, SecretKey, verify } from 'sealstream';

import { withFlippedByte } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { crc64 } from '../support/independent-opener.mjs';
import { headerSize, key, plaintext, RECORD, sealed, withDamage } from '../support/small-segments.mjs';

import {
  bytesOf,
  FRAME,
  gather,
  opened,
  PLACES,
  RecordingSource,
  SEGMENT,
  SIZE,
  sources,
} from './random-access.mjs';

for (const cacheSize of [undefined, 0, 3000]) {
  test(`every source gives every range, with a cache of ${cacheSize ?? 'the default size'}`, async (t) => {
    for (const [name, source] of Object.entries(await sources(t))) {
      const reader = await openReader(source, { key, cacheSize });
      t.is(reader.size, SIZE);
      t.is(reader.streamId, sealed.subarray(32, 64).toString('hex'));
      const reads = PLACES.flatMap((offset) =>
        [0, 1, FRAME, 2 * SEGMENT + 1, SIZE * 2].map(async (length) => {
          const due = plaintext.subarray(offset, offset + length);
          t.deepEqual(await reader.read(offset, length), due, `${name}: ${offset}, ${length}`);
          const into = Buffer.alloc(length, 0xee);
          t.is(await reader.readInto(into, offset), due.length);
          t.deepEqual(into, Buffer.concat([due, Buffer.alloc(length - due.length, 0xee)]));
        }),
      );
      await Promise.all(reads);
      await reader.close();
    }
  });
}

test('an empty stream is read to its end', async (t) => {
  const empty = await opened(t, encryptSync(new Uint8Array(), { key }));
  t.is(empty.size, 0);
  t.deepEqual(await empty.read(0, 10), Buffer.alloc(0));
  t.deepEqual(await buffer(empty.createReadStream()), Buffer.alloc(0));
  t.deepEqual(await bytesOf(empty.stream()), Buffer.alloc(0));
  t.is((await gather(empty.segments())).length, 1);
  t.is(
    (await gather(decryptSegments(new Blob([encryptSync(new Uint8Array(), { key })]), { key }))).length,
    1,
  );
});

test('long reads, of many pieces, from every source', async (t) => {
  const long = Buffer.alloc(5 * 2 ** 20 + 77, 'several pieces of it ');
  const stream = encryptSync(long, { key, frameSize: 4096, segmentSize: 3 * 4096 });
  for (const source of Object.values(await sources(t, stream))) {
    const reader = await openReader(source, { key });
    t.true((await reader.read(1000, long.length)).equals(long.subarray(1000)));
    t.true((await buffer(reader.createReadStream({ start: 5 }))).equals(long.subarray(5)));
    t.true((await bytesOf(reader.stream({ offset: 5 }))).equals(long.subarray(5)));
    await reader.close();
  }
  const bad = await opened(t, withFlippedByte(stream, stream.length / 2));
  const into = Buffer.alloc(long.length, 0xee);
  t.is((await failureOf(t, () => bad.readInto(into, 0))).kind, 'Segment');
  t.true(into.every((byte) => byte === 0xee));
});

test('a stream that is cut, too long, damaged at its end or for another key is refused before any byte', async (t) => {
  const refusals: [Buffer, RegExp][] = [
    [sealed.subarray(0, sealed.length - 1), /^Truncated$/],
    [sealed.subarray(0, headerSize + 2 * RECORD), /^Truncated$/],
    [sealed.subarray(0, 50), /^Truncated$/],
    [sealed.subarray(0, 0), /^NotSealed$/],
    [Buffer.concat([sealed, Buffer.alloc(1)]), /^TrailingData$/],
    [withFlippedByte(sealed, sealed.length - 1), /^EndDamaged$/],
    [withFlippedByte(sealed, sealed.length - 100), /^EndDamaged$/],
    [withFlippedByte(sealed, 0), /^NotSealed$/],
  ];
  for (const [stream, kind] of refusals) {
    for (const [name, source] of Object.entries(await sources(t, stream))) {
      t.regex((await failureOf(t, () => openReader(source, { key }))).kind, kind, name);
    }
  }
  for (const source of Object.values(await sources(t))) {
    t.is((await failureOf(t, () => openReader(source, { key: SecretKey.generate() }))).kind, 'NoMatchingKey');
  }
  t.is((await failureOf(t, () => openReader('/nowhere/at/all', { key }))).kind, 'Io');
});

test('damage fails only the reads that it concerns, with its place', async (t) => {
  for (const source of Object.values(await sources(t, withDamage(2)))) {
    const reader = await openReader(source, { key });
    t.deepEqual(await reader.read(0, 2 * SEGMENT), plaintext.subarray(0, 2 * SEGMENT));
    const failure = await failureOf(t, () => reader.read(0, SIZE));
    t.like(failure, {
      kind: 'Segment',
      // A frame failed, and the digest of its record tells that it was damaged.
      error: { kind: 'DigestMismatch', segment: 2, offset: headerSize + 2 * RECORD },
    });
    const into = Buffer.alloc(SEGMENT, 0xee);
    await failureOf(t, () => reader.readInto(into, 2 * SEGMENT));
    t.true(into.every((byte) => byte === 0xee));
    t.deepEqual(await reader.read(3 * SEGMENT, SIZE), plaintext.subarray(3 * SEGMENT));
    const results = await gather(reader.segments());
    t.deepEqual(
      results.filter((result) => !result.ok).map((result) => result.segment),
      [2],
    );
    await reader.close();
  }
  t.false((await verify(withDamage(2), { key })).sound);
});

test('the checksum of the whole stream is known without reading its contents', async (t) => {
  const due = crc64(sealed).toString('base64');
  for (const source of Object.values(await sources(t, withDamage(2)))) {
    await using reader = await openReader(source, { key });
    t.is(reader.sealedCrc64Nvme, due);
  }
  const other = encryptSync(plaintext, { key, digest: 'sha256' });
  await using reader = await openReader(other, { key });
  t.is(reader.sealedCrc64Nvme, undefined);
});

test('a source is read only where a read needs it', async (t) => {
  const source = new RecordingSource(sealed);
  const reader = await opened(t, source);
  source.reads.length = 0;
  for (const [start, end] of [
    [0, 1],
    [SEGMENT - 1, SEGMENT + 1],
    [FRAME, SIZE],
  ] as const) {
    const fresh = await opened(t, source, 0);
    source.reads.length = 0;
    await fresh.read(start, end - start);
    const stretch = fresh.sealedRange({ offset: start, length: end - start });
    t.is(source.reads.length, 1);
    t.is(source.reads[0]?.offset, stretch.offset);
    t.is(source.reads[0]?.length, stretch.length);
  }
  t.deepEqual(reader.sealedRange({ offset: 0, length: 1 }), {
    offset: headerSize,
    length: 32 + 74 + FRAME + 32,
  });
  t.deepEqual(
    reader.sealedRange({ offset: SIZE, length: 9 }),
    reader.sealedRange({ offset: SIZE, length: 0 }),
  );
  // What was opened is not asked for again.
  await reader.read(0, SIZE);
  source.reads.length = 0;
  t.deepEqual(await reader.read(10, SIZE), plaintext.subarray(10));
  t.deepEqual(source.reads, []);
});

test("a read rejects with its source's error, or with what is wrong with its answer", async (t) => {
  const thrown = new Error('the source is not there today');
  const answers: [(bytes: Uint8Array) => unknown, { is?: unknown; message?: RegExp; name?: string }][] = [
    [
      () => {
        throw thrown;
      },
      { is: thrown },
    ],
    [(bytes) => bytes.subarray(1), { message: /must have \d+ bytes, not \d+/, name: 'RangeError' }],
    [(bytes) => Buffer.concat([bytes, bytes]), { message: /must have \d+ bytes/, name: 'RangeError' }],
    [(bytes) => [...bytes], { message: /must be a Uint8Array/, name: 'TypeError' }],
    [() => undefined, { message: /must be a Uint8Array, not undefined/, name: 'TypeError' }],
  ];
  for (const [answer, due] of answers) {
    let isBad = false;
    const source = new RecordingSource(sealed, (bytes) => (isBad ? answer(bytes) : bytes));
    const reader = await openReader(source, { key, cacheSize: 0 });
    isBad = true;
    const seen: unknown[] = [
      await errorOf(() => reader.read(0, 1)),
      await errorOf(() => buffer(reader.createReadStream())),
      await errorOf(() => bytesOf(reader.stream())),
      await errorOf(() => gather(reader.segments())),
      await errorOf(() => openReader(source, { key })),
      await errorOf(() => gather(decryptSegments(source, { key }))),
    ];
    for (const error of seen) {
      if (!(error instanceof Error)) throw new Error(`not an error: ${String(error)}`);
      if (due.is !== undefined) t.true(error === due.is);
      if (due.name !== undefined) t.is(error.name, due.name);
      if (due.message !== undefined) t.regex(error.message, due.message);
    }
    isBad = false;
    t.deepEqual(await reader.read(0, SIZE), plaintext);
    await reader.close();
    // Opening that failed, decryptSegments, and the reader.
    t.is(source.closed, 3);
  }
});

test('invalid sources and wrong sizes are refused at once', async (t) => {
  for (const source of [
    5,
    undefined,
    null,
    {},
    { size: 5 },
    { size: '5', read: () => undefined },
    [] as unknown,
  ]) {
    t.true((await errorOf(() => openReader(source as never, { key }))) instanceof TypeError, String(source));
  }
  const read = () => Promise.resolve(new Uint8Array());
  for (const size of [-1, 1.5, NaN, 2 ** 53]) {
    t.true((await errorOf(() => openReader({ size, read }, { key }))) instanceof RangeError);
    t.true(
      (await errorOf(() => openReader({ size: () => Promise.resolve(size), read }, { key }))) instanceof
        RangeError,
    );
  }
  t.true(
    (await errorOf(() => openReader({ size: 5, read, close: 5 } as never, { key }))) instanceof TypeError,
  );
});

test('arguments are checked', async (t) => {
  const reader = await opened(t);
  for (const [offset, length] of [
    ['0', 1],
    [0, '1'],
    [0n, 1],
    [undefined, 1],
  ] as never[][]) {
    t.true((await errorOf(() => reader.read(offset!, length!))) instanceof TypeError);
  }
  for (const [offset, length] of [
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [0, NaN],
    [2 ** 60, 1],
    [0, Infinity],
  ] as const) {
    t.true((await errorOf(() => reader.read(offset, length))) instanceof RangeError);
  }
  t.true((await errorOf(() => reader.readInto('x' as never, 0))) instanceof TypeError);
  t.true((await errorOf(() => reader.read(0, 1, { signal: 5 } as never))) instanceof TypeError);
  t.true((await errorOf(() => reader.read(0, 1, { sgnal: 5 } as never))) instanceof TypeError);
  t.throws(() => reader.createReadStream({ start: -1 }), { instanceOf: RangeError });
  t.throws(() => reader.createReadStream({ start: 5, end: 4 }), { instanceOf: RangeError });
  t.throws(() => reader.createReadStream({ stop: 5 } as never), { instanceOf: TypeError });
  t.throws(() => reader.stream({ offset: 5, length: -1 }), { instanceOf: RangeError });
  t.throws(() => reader.stream({ start: 5, end: 6 } as never), { instanceOf: TypeError });
  t.throws(() => reader.sealedRange({ offset: -1, length: 1 }), { instanceOf: RangeError });
  t.throws(() => reader.sealedRange({ offset: 0, length: 0.5 }), { instanceOf: RangeError });
  t.throws(() => reader.segments({ concurrency: -1 }), { instanceOf: RangeError });
  for (const cacheSize of [-1, 1.5, NaN]) {
    t.true((await errorOf(() => openReader(sealed, { key, cacheSize }))) instanceof RangeError);
  }
  t.true((await errorOf(() => openReader(sealed, { key, cachSize: 5 } as never))) instanceof TypeError);
});
