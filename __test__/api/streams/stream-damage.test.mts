// What comes out of streams that are not as they were sealed: all that is sound in front of the damage, and nothing else.

import { type Duplex, Readable } from 'node:stream';
import { pipeline as pipes } from 'node:stream/promises';
import { ReadableStream } from 'node:stream/web';

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  createDecryptStream,
  decrypt,
  decryptChunks,
  DecryptionStream,
  encrypt,
  encryptSync,
  type DecryptOptions,
  SealError,
  SecretKey,
  type StreamOptions,
} from 'sealstream';

import { cuts, DAMAGED, endings, heard, inChunks, outcome, over, quiet } from '../support/conversions.mjs';
import { errorOf } from '../support/errors.mjs';
import { key, plaintext, sealed, SEGMENTS, SIZES, withDamage } from '../support/small-segments.mjs';

type Options = DecryptOptions & StreamOptions;
type Way = (chunks: Iterable<Uint8Array>, options: Options) => AsyncIterable<Uint8Array>;

/** Every way to open a stream bit by bit. */
const WAYS: Record<string, Way> = {
  pipe: (chunks, options) => {
    const stream = createDecryptStream(options);
    Readable.from(chunks).pipe(stream);
    return stream;
  },
  pipeline: (chunks, options) => {
    const stream = createDecryptStream({ ...options, readableHighWaterMark: 1 });
    pipes(chunks, stream).catch(() => undefined);
    return stream;
  },
  web: (chunks, options) => {
    const { readable, writable } = new DecryptionStream(options);
    ReadableStream.from(chunks)
      .pipeTo(writable)
      .catch(() => undefined);
    return readable;
  },
  chunks: decryptChunks,
};

const sound = (segments: number) => plaintext.subarray(0, segments * SIZES.segmentSize);

/** The code of the failure with which all of a stream at once is refused. */
async function refusal(stream: Uint8Array, options: Options = { key }): Promise<string> {
  const error = await errorOf(() => decrypt(stream, options));
  return error instanceof SealError ? error.code : String(error);
}

async function refused(t: ExecutionContext, way: Way, chunks: Iterable<Uint8Array>, options: Options) {
  const { bytes, error } = await outcome(way(chunks, options));
  t.true(error instanceof SealError, String(error));
  return { bytes, error: error as SealError };
}

for (const [name, way] of Object.entries(WAYS)) {
  test(`each kind of damage fails after the intact segments (${name})`, async (t) => {
    for (const [damage, { stream, soundSegments }] of Object.entries(DAMAGED)) {
      for (const [size, concurrency] of [
        [1_000_000, undefined],
        [700, 1],
        [5000, 2],
      ] as const) {
        const { bytes, error } = await refused(t, way, inChunks(stream, size), { key, concurrency });
        t.deepEqual(bytes, sound(soundSegments), damage);
        t.is(await refusalInOrder(stream), error.code, damage);
      }
    }
  });

  test(`a stream that is cut anywhere fails (${name})`, async (t) => {
    for (const { size, soundSegments } of cuts()) {
      const stream = sealed.subarray(0, size);
      const { bytes, error } = await refused(t, way, inChunks(stream, 3000), { key });
      t.deepEqual(bytes, sound(soundSegments), `${size}`);
      t.is(error.failure.kind, size === 0 ? 'NotSealed' : 'Truncated', `${size}: ${error.message}`);
    }
  });

  test(`a wrong key or context, and a stream that is too large, open nothing (${name})`, async (t) => {
    const bound = encryptSync(plaintext, { key, ...SIZES, context: 'here' });
    for (const [stream, options] of [
      [sealed, { key: SecretKey.generate() }],
      [sealed, { key: [SecretKey.generate(), SecretKey.generate()] }],
      [sealed, { key, context: 'there' }],
      [bound, { key }],
      [bound, { key, context: 'there' }],
      [sealed, { key, maxSegmentSize: 2047 }],
    ] as const) {
      const { bytes, error } = await refused(t, way, [stream], options);
      t.is(bytes.length, 0);
      t.is(await refusal(stream, options as Options), error.code);
    }
  });

  test(`with any byte changed, only the start of the plaintext is returned (${name})`, async (t) => {
    const places = fc.record({
      at: fc.integer({ min: 0, max: sealed.length - 1 }),
      mask: fc.integer({ min: 1, max: 255 }),
      size: fc.integer({ min: 1, max: 20_000 }),
    });
    await fc.assert(
      fc.asyncProperty(places, async ({ at, mask, size }) => {
        const stream = Buffer.from(sealed);
        stream[at]! ^= mask;
        const { bytes, error } = await refused(t, way, inChunks(stream, size < 300 ? 300 : size), { key });
        t.true(bytes.equals(plaintext.subarray(0, bytes.length)));
        t.is(bytes.length % SIZES.segmentSize, bytes.length === plaintext.length ? 1000 : 0);
        t.true(error instanceof SealError);
      }),
      { numRuns: 40 },
    );
  });
}

/** The failure in reading order, where all of it at once is looked at from its end. */
async function refusalInOrder(stream: Uint8Array): Promise<string> {
  const codes: string[] = [];
  for (const size of [64, stream.length]) {
    const { error } = await outcome(decryptChunks(inChunks(stream, size), { key }));
    codes.push((error as SealError).code);
  }
  if (codes[0] !== codes[1]) throw new Error(`it depends on the chunks: ${codes.join()}`);
  return codes[0] ?? '';
}

test('a stream fails as all its bytes at once do, unless its end shows the damage first', async (t) => {
  for (const [damage, { stream }] of Object.entries(DAMAGED)) {
    if (damage.includes('record that') || damage.includes('end')) continue;
    t.is(await refusalInOrder(stream), await refusal(stream), damage);
  }
});

test('each kind of damage has its own failure', async (t) => {
  const kinds: Record<string, string> = {};
  for (const [damage, { stream }] of Object.entries(DAMAGED)) {
    const { error } = await outcome(decryptChunks([stream], { key }));
    const { failure } = error as SealError;
    kinds[damage] = failure.kind === 'Segment' ? `${failure.kind} ${failure.error.kind}` : failure.kind;
  }
  t.deepEqual(kinds, {
    'a frame': 'Segment DigestMismatch',
    'two frames': 'Segment DigestMismatch',
    'the first segment': 'Segment DigestMismatch',
    'the last segment': 'Segment DigestMismatch',
    "a record's header": 'Segment InvalidSegment',
    "a record's digest": 'Segment DigestMismatch',
    'records in another order': 'Segment InvalidSegment',
    'a record that is missing': 'Segment InvalidSegment',
    'a record that is there twice': 'Segment InvalidSegment',
    'the end record': 'EndDamaged',
    'the footer': 'EndDamaged',
    'bytes behind the end': 'TrailingData',
    'a stream behind the end': 'TrailingData',
    'the header': 'HeaderDamaged',
    "the header's slot": 'HeaderDamaged',
    'no sealed stream at all': 'NotSealed',
    'nothing at all': 'NotSealed',
  });
});

test('a failure reports how many bytes were verified before it', async (t) => {
  const { failure } = (await outcome(decryptChunks([sealed.subarray(0, 9000)], { key }))).error as SealError;
  t.like(failure, { kind: 'Truncated', nextSegment: 3, verifiedBytes: 3 * SIZES.segmentSize, offset: 9000 });
});

test('one error and one close, with the states that follow', async (t) => {
  for (const { stream: bytes } of Object.values(DAMAGED)) {
    const stream = createDecryptStream({ key, concurrency: 2 });
    const told = endings(stream);
    stream.end(bytes);
    stream.on('data', () => {
      t.false(stream.destroyed);
    });
    const error = await heard(stream, 'error');
    await over(stream);
    await quiet();
    t.deepEqual(
      told.filter((name) => name !== 'finish'),
      ['error', 'close'],
    );
    t.is(error, stream.errored);
    t.false(stream.readableEnded);
    t.is(await stream.report.catch((reason: unknown) => reason), error);
  }
});

test('a slow reader gets everything that is intact', async (t) => {
  const slowly = async (stream: Duplex, size?: number) => {
    const parts: Buffer[] = [];
    stream.on('readable', () => {
      setImmediate(() => {
        for (let part: unknown; (part = stream.read(size)) !== null;) parts.push(part as Buffer);
      });
    });
    const error = await heard(stream, 'error');
    return { error, bytes: Buffer.concat(parts) };
  };
  for (const make of [
    () => createDecryptStream({ key }),
    () => createDecryptStream({ key, highWaterMark: 1, concurrency: 1 }),
    () => createDecryptStream({ key, highWaterMark: 1_000_000 }),
  ]) {
    const stream = make();
    stream.end(withDamage(4));
    await quiet();
    t.false(stream.destroyed);
    t.deepEqual((await slowly(stream)).bytes, sound(4));

    // One that waits for more than there will be learns of it too: 4 * 2048 is no multiple of 5000.
    const picky = make();
    picky.end(withDamage(4));
    t.deepEqual((await slowly(picky, 5000)).bytes, sound(4).subarray(0, 5000));
  }
});

test('a writer waits until the bytes before the damage are read', async (t) => {
  const stream = createDecryptStream({ key, concurrency: 1, readableHighWaterMark: 1 });
  let written = 0;
  const bytes = Buffer.concat([withDamage(3), ...Array.from({ length: 50 }, () => sealed)]);
  const errors: unknown[] = [];
  for (const chunk of inChunks(bytes, 4000)) {
    stream.write(chunk, (error) => (error ? errors.push(error) : (written += chunk.length)));
  }
  await quiet();
  t.true(written < 12_000, `${written}`);
  const { bytes: opened, error } = await outcome(stream);
  t.deepEqual(opened, sound(3));
  await over(stream);
  t.true(errors.length > 0 && errors.every((each) => each === error));
});

test('after a damaged record header only the rest of the stream is read', async (t) => {
  const { stream: bytes, soundSegments } = DAMAGED["a record's header"]!;
  const stream = createDecryptStream({ key, readableHighWaterMark: 1 });
  const told = endings(stream);
  stream.end(Buffer.concat([bytes, Buffer.alloc(1_000_000)]));
  await quiet();
  t.deepEqual(told, []);
  t.deepEqual((await outcome(stream)).bytes, sound(soundSegments));
  await over(stream);
  t.deepEqual(told, ['error', 'close']);
});

test('damage of one stream does not affect another', async (t) => {
  const streams = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const isSound = index % 2 === 0;
      const bytes = isSound ? await encrypt(plaintext, { key, ...SIZES }) : withDamage(index % SEGMENTS);
      return { isSound, ...(await outcome(decryptChunks(inChunks(bytes, 1000), { key }))) };
    }),
  );
  for (const { isSound, bytes, failed } of streams) {
    t.is(failed, !isSound);
    t.is(bytes.equals(plaintext), isSound);
  }
});
