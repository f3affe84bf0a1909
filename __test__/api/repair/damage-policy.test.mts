import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';
import { type Damage, type DamageOptions, decryptFile, type DecryptReport } from 'sealstream';

import { errorOf, failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
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

interface Opened {
  readonly report: DecryptReport;
  readonly output: Buffer;
}

function fileWith(t: ExecutionContext, stream: Uint8Array) {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from.seal'), join(directory, 'to')];
  writeFileSync(from, stream);
  const open = async (onDamage: DamageOptions['onDamage'], more: object = {}): Promise<Opened> => {
    const report = await decryptFile(from, to, { key, onDamage, overwrite: true, flush: false, ...more });
    return { report, output: readFileSync(to) };
  };
  return { directory, from, to, open };
}

test('zeros or nothing replace lost segments, and the report lists them', async (t) => {
  const { open } = fileWith(t, withDamage(1, 4));
  const zeroed = await open('zero');
  t.deepEqual(zeroed.output, withZeros(1, 4));
  const skipped = await open('skip');
  const kept = [0, 2, 3, 5, 6].map((index) => plaintext.subarray(index * 2048, (index + 1) * 2048));
  t.deepEqual(skipped.output, Buffer.concat(kept));
  for (const [{ report }, outcome] of [
    [zeroed, 'zeroed'],
    [skipped, 'skipped'],
  ] as const) {
    t.is(report.damageCount, 2);
    t.deepEqual(
      report.damage.map(({ damage, outcome }) => [damage.segment, damage.failure.kind, outcome]),
      [
        [1, 'Segment', outcome],
        [4, 'Segment', outcome],
      ],
    );
    t.is(report.damage[0]?.damage.segmentCount, 1);
    t.deepEqual(report.damage[0]?.damage.plaintextRange, { offset: 2048, length: 2048 });
    t.deepEqual(report.damage[0]?.damage.sealedRange, {
      offset: headerSize + RECORD,
      length: RECORD,
    });
  }
});

test('an intact stream reports no damage with any policy', async (t) => {
  const { open } = fileWith(t, sealed);
  for (const policy of [undefined, 'abort', 'skip', 'zero', () => 'retry' as const] as const) {
    const { report, output } = await open(policy);
    t.deepEqual(output, plaintext);
    t.deepEqual([report.damage, report.damageCount], [[], 0]);
  }
});

test('abort, the default, leaves no output', async (t) => {
  const { directory, open } = fileWith(t, withDamage(3));
  const before = contents(directory);
  for (const policy of [undefined, 'abort', () => 'abort' as const] as const) {
    const failure = await failureOf(t, () => open(policy));
    t.is(failure.kind === 'Segment' && failure.error.segment, 3);
  }
  t.deepEqual(contents(directory), before);
});

test('a function is called for one damaged part at a time, in order, and may be slow', async (t) => {
  const { open } = fileWith(t, withDamage(0, 2, 5));
  const asked: number[] = [];
  let open_ = 0;
  const { report, output } = await open(async ({ segment, message }) => {
    t.is(++open_, 1);
    t.regex(message, /segment/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    asked.push(segment);
    open_ -= 1;
    return segment === 2 ? 'skip' : 'zero';
  });
  t.deepEqual(asked, [0, 2, 5]);
  const expected = withZeros(0, 5);
  t.deepEqual(output, Buffer.concat([expected.subarray(0, 4096), expected.subarray(6144)]));
  t.deepEqual(
    report.damage.map(({ outcome }) => outcome),
    ['zeroed', 'skipped', 'zeroed'],
  );
});

test('retry reads the source again, as often as the function says', async (t) => {
  const { from, open } = fileWith(t, withDamage(2));
  const retries: number[] = [];
  const { report, output } = await open((damage) => {
    retries.push(damage.retries);
    // The disk thinks better of it.
    if (damage.retries === 2) writeFileSync(from, sealed, { flag: 'r+' });
    return 'retry';
  });
  t.deepEqual(output, plaintext);
  t.deepEqual(retries, [0, 1, 2]);
  t.deepEqual(
    report.damage.map(({ damage, outcome }) => [damage.segment, damage.retries, outcome]),
    [[2, 2, 'recovered']],
  );
});

test('a missing end is one more decision', async (t) => {
  const { open, to } = fileWith(t, sealed.subarray(0, sealed.length - 30));
  const asked: Damage[] = [];
  const { output } = await open((damage) => {
    asked.push(damage);
    return 'skip';
  });
  t.deepEqual(output, plaintext);
  t.is(statSync(to).size, plaintext.length);
  t.deepEqual(
    asked.map(({ segment, failure }) => [segment, failure.kind]),
    [[SEGMENTS, 'Truncated']],
  );
});

test('damage functions of many operations can await other operations', async (t) => {
  const { from, open } = fileWith(t, withDamage(1));
  const directory = temporaryDirectory(t);
  const openInto = async (index: number) => {
    const to = join(directory, String(index));
    const onDamage = async () => {
      await decryptFile(from, join(directory, `other-${index}`), { key, onDamage: 'skip', flush: false });
      return 'zero' as const;
    };
    await decryptFile(from, to, { key, onDamage, flush: false });
    return readFileSync(to);
  };
  const outputs = await Promise.all(Array.from({ length: 20 }, (_, index) => openInto(index)));
  for (const output of outputs) t.deepEqual(output, withZeros(1));
  t.deepEqual((await open('zero')).output, withZeros(1));
});

test('an error of the function ends the operation', async (t) => {
  const { directory, open } = fileWith(t, withDamage(1, 2));
  const before = contents(directory);
  const thrown = new Error('no more');
  t.is(
    await errorOf(() =>
      open(() => {
        throw thrown;
      }),
    ),
    thrown,
  );
  t.is(await errorOf(() => open(() => Promise.reject(thrown))), thrown);
  const wrong = await errorOf(() => open(() => 'ignore' as never));
  t.true(wrong instanceof RangeError, String(wrong));
  t.true((await errorOf(() => open((() => undefined) as never))) instanceof TypeError);
  t.deepEqual(contents(directory), before);
});

test('an operation can be aborted while it waits for a decision', async (t) => {
  const { directory, open } = fileWith(t, withDamage(1));
  const before = contents(directory);
  const controller = new AbortController();
  const never = new Promise<'skip'>(() => undefined);
  const error = await errorOf(() =>
    open(
      () => {
        setTimeout(() => {
          controller.abort();
        }, 10);
        return never;
      },
      { signal: controller.signal },
    ),
  );
  t.is(error, controller.signal.reason);
  t.deepEqual(contents(directory), before);
});

test('an unknown policy is refused', async (t) => {
  const { open } = fileWith(t, sealed);
  t.true((await errorOf(() => open('retry' as never))) instanceof RangeError);
  t.true((await errorOf(() => open(5 as never))) instanceof TypeError);
});
