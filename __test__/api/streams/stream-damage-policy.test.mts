// What a stream makes of damage: decisions as in decryptFile, on bytes that come once.

import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import test from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  type Damage,
  type DamageOptions,
  decryptChunks,
  DecryptionStream,
  type DecryptReport,
} from 'sealstream';

import { errorOf, failureOf } from '../support/errors.mjs';
import {
  headerSize,
  key,
  plaintext,
  RECORD,
  sealed,
  SEGMENTS,
  SIZES,
  withDamage,
  withZeros,
} from '../support/small-segments.mjs';

/** Opens what comes in chunks of a size, as a Node stream. */
async function opened(stream: Uint8Array, onDamage: DamageOptions['onDamage'], chunk = 1000) {
  const decrypting = createDecryptStream({ key, onDamage });
  const output = await buffer(Readable.from(chunks(stream, chunk)).pipe(decrypting));
  return { output, report: await decrypting.report };
}

function* chunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function summary({ damage }: DecryptReport) {
  return damage.map(({ damage: { segment, failure }, outcome }) => [segment, failure.kind, outcome]);
}

test('zeros or nothing replace lost segments, and the report lists them', async (t) => {
  for (const chunk of [1, 1000, 1 << 20]) {
    const zeroed = await opened(withDamage(1, 4), 'zero', chunk);
    t.deepEqual(zeroed.output, withZeros(1, 4));
    const skipped = await opened(withDamage(1, 4), 'skip', chunk);
    const kept = [0, 2, 3, 5, 6].map((index) => plaintext.subarray(index * 2048, (index + 1) * 2048));
    t.deepEqual(skipped.output, Buffer.concat(kept));
    for (const [{ report }, outcome] of [
      [zeroed, 'zeroed'],
      [skipped, 'skipped'],
    ] as const) {
      t.is(report.damageCount, 2);
      t.deepEqual(summary(report), [
        [1, 'Segment', outcome],
        [4, 'Segment', outcome],
      ]);
      t.deepEqual(report.damage[0]?.damage.plaintextRange, { offset: 2048, length: 2048 });
      t.deepEqual(report.damage[0]?.damage.sealedRange, {
        offset: headerSize + RECORD,
        length: RECORD,
      });
    }
    t.is(zeroed.report.plaintextSize, plaintext.length);
    t.is(skipped.report.plaintextSize, plaintext.length - 2 * 2048);
  }
});

test('a record with a damaged header counts as one record', async (t) => {
  for (const at of [0, 5, 9, 17, 21, 25, 29]) {
    const stream = Buffer.from(sealed);
    stream[headerSize + 2 * RECORD + at]! ^= 0x11;
    const { output, report } = await opened(stream, 'zero');
    t.deepEqual(output, withZeros(2), `byte ${at}`);
    t.deepEqual(summary(report), [[2, 'Segment', 'zeroed']]);
  }
});

test('the same for a stream without a stated length', async (t) => {
  const stream = await buffer(Readable.from([plaintext]).pipe(createEncryptStream({ key, ...SIZES })));
  stream[headerSize + 3 * RECORD]! ^= 1;
  stream[headerSize + 5 * RECORD + 500]! ^= 1;
  const { output, report } = await opened(stream, 'zero');
  t.deepEqual(output, withZeros(3, 5));
  t.is(report.damageCount, 2);
});

test('a truncated stream has one more damage: everything that is missing', async (t) => {
  const cut = withDamage(1).subarray(0, headerSize + 4 * RECORD + 100);
  const zeroed = await opened(cut, 'zero');
  t.deepEqual(zeroed.output, withZeros(1, 4, 5, 6));
  t.deepEqual(summary(zeroed.report), [
    [1, 'Segment', 'zeroed'],
    [4, 'Truncated', 'zeroed'],
  ]);
  t.is(zeroed.report.damage[1]?.damage.segmentCount, 3);
  t.deepEqual(zeroed.report.damage[1]?.damage.plaintextRange, {
    offset: 4 * 2048,
    length: plaintext.length - 4 * 2048,
  });
  t.is(zeroed.report.stats.segments, SEGMENTS);
  t.is(zeroed.report.plaintextSize, plaintext.length);
  const skipped = await opened(cut, 'skip');
  t.is(skipped.output.length, 3 * 2048);
});

test('a wrong end is damage without bytes', async (t) => {
  const last = sealed.length - 1;
  const flipped = Buffer.from(sealed);
  flipped[last]! ^= 1;
  for (const [stream, kind] of [
    [flipped, 'EndDamaged'],
    [sealed.subarray(0, last), 'Truncated'],
    [Buffer.concat([sealed, Buffer.alloc(3000)]), 'TrailingData'],
  ] as const) {
    const { output, report } = await opened(stream, 'zero');
    t.deepEqual(output, plaintext);
    t.deepEqual(summary(report), [[SEGMENTS, kind, 'zeroed']]);
    t.is(report.damage[0]?.damage.segmentCount, 0);
    t.deepEqual(report.damage[0]?.damage.plaintextRange, { offset: plaintext.length, length: 0 });
  }
});

test('a segment of another sealing shows at the end', async (t) => {
  const other = await buffer(Readable.from([plaintext]).pipe(createEncryptStream({ key, ...SIZES })));
  const stream = Buffer.from(sealed);
  other.copy(stream, headerSize + RECORD, headerSize + RECORD, headerSize + 2 * RECORD);
  const { output, report } = await opened(stream, 'zero');
  t.deepEqual(output, withZeros(1));
  t.deepEqual(summary(report), [[1, 'Segment', 'zeroed']]);
});

test('an intact stream reports no damage with any policy', async (t) => {
  for (const policy of [undefined, 'abort', 'skip', 'zero', () => 'retry' as const] as const) {
    const { report, output } = await opened(sealed, policy);
    t.deepEqual(output, plaintext);
    t.deepEqual([report.damage, report.damageCount], [[], 0]);
  }
});

test('a function is called for one damaged part at a time, in order, and may be slow', async (t) => {
  const asked: Damage[] = [];
  let open = 0;
  const decide = async (damage: Damage) => {
    t.is(++open, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    asked.push(damage);
    open -= 1;
    return damage.segment === 2 ? ('skip' as const) : ('zero' as const);
  };
  const { output } = await opened(withDamage(0, 2, 5), decide);
  t.deepEqual(
    asked.map(({ segment, retries }) => [segment, retries]),
    [
      [0, 0],
      [2, 0],
      [5, 0],
    ],
  );
  const expected = withZeros(0, 5);
  t.deepEqual(output, Buffer.concat([expected.subarray(0, 4096), expected.subarray(6144)]));
});

test('abort fails after all intact segments', async (t) => {
  const out: Buffer[] = [];
  const failure = await failureOf(t, async () => {
    for await (const piece of decryptChunks([withDamage(3)], { key, onDamage: () => 'abort' }))
      out.push(piece);
  });
  t.is(failure.kind === 'Segment' && failure.error.segment, 3);
  t.deepEqual(Buffer.concat(out), plaintext.subarray(0, 3 * 2048));
});

test('an error or a wrong answer of the function ends the stream', async (t) => {
  const thrown = new Error('enough');
  const answer = (value: unknown) => () => opened(withDamage(1), () => value as 'skip');
  t.is(
    await errorOf(() =>
      opened(withDamage(1), () => {
        throw thrown;
      }),
    ),
    thrown,
  );
  const retry = await errorOf(answer('retry'));
  t.true(retry instanceof RangeError);
  t.regex(String(retry), /can't be read again/);
  t.true((await errorOf(answer('maybe'))) instanceof RangeError);
  t.true((await errorOf(answer(7))) instanceof TypeError);
});

test('a key that does not fit is not damage', async (t) => {
  const decrypting = createDecryptStream({ key: Buffer.alloc(32), onDamage: 'skip' });
  const failure = await failureOf(t, () => buffer(Readable.from([sealed]).pipe(decrypting)));
  t.is(failure.kind, 'NoMatchingKey');
});

test('web streams have the same policy', async (t) => {
  const decryption = new DecryptionStream({ key, onDamage: 'zero' });
  const blob = new Blob([withDamage(6)]).stream();
  const output = await new Response(blob.pipeThrough(decryption)).arrayBuffer();
  t.deepEqual(Buffer.from(output), withZeros(6));
  t.is((await decryption.report).damageCount, 1);
});
