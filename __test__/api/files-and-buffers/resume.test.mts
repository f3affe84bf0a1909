import { createHash } from 'node:crypto';
import {
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import test, { type ExecutionContext } from 'ava';
import { decryptFile, encryptFile, type EncryptOptions, type EncryptReport, SecretKey } from 'sealstream';

import { errorOf, failureOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';

type StartedOver = NonNullable<NonNullable<EncryptReport['resume']>['startedOver']>;

const key = SecretKey.generate();
/** Slow settings, so that the first progress report usually arrives before the end. */
const SLOW = { key, frameSize: 1024, digest: 'sha512', threads: 1 } as const;
const SEAL = { ...SLOW, resume: true } as const;
const OPEN = { key, threads: 1, resume: true } as const;
const SEGMENTS = 60;
const SIZE = SEGMENTS * 2 ** 20;

const names = (directory: string) => readdirSync(directory).sort();
const left = (directory: string) => names(directory).filter((name) => name.startsWith('.sealstream-'));
const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** A folder with a large sparse file of zeros, which takes no space on the disk. */
function folder(t: ExecutionContext) {
  const directory = temporaryDirectory(t);
  const from = join(directory, 'plain');
  writeFileSync(from, '');
  truncateSync(from, SIZE);
  return { directory, from, to: join(directory, 'target') };
}

/**
 * Aborts an operation on `to` at its first progress report. On a busy machine the operation can end before the report arrives: it is
 * then started again from the beginning.
 */
async function interrupt(
  t: ExecutionContext,
  to: string,
  start: (how: { signal: AbortSignal; onProgress: () => void }) => Promise<unknown>,
): Promise<void> {
  for (;;) {
    const controller = new AbortController();
    const onProgress = () => {
      controller.abort();
    };
    const error = await errorOf(() => start({ signal: controller.signal, onProgress }));
    if (error !== undefined) t.is((error as Error).name, 'AbortError');
    const directory = dirname(to);
    const journal = left(directory).find((name) => name.endsWith('.journal'));
    // A journal has a header of at least 4096 bytes, and 104 bytes for each finished segment.
    if (journal !== undefined && statSync(join(directory, journal)).size < 4096 + SEGMENTS * 104) {
      return;
    }
    for (const name of left(directory)) rmSync(join(directory, name));
    rmSync(to, { force: true });
  }
}

test.serial(
  'an operation that is not interrupted reports no resumed segments and leaves no files',
  async (t) => {
    const directory = temporaryDirectory(t);
    const [from, to, back] = ['plain', 'sealed', 'opened'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(from, 'text');
    const nothing = { segmentsResumed: 0, bytesResumed: 0 };
    t.deepEqual((await encryptFile(from, to, { key, resume: true })).resume, nothing);
    t.deepEqual((await decryptFile(to, back, { key, resume: true })).resume, nothing);
    t.is(readFileSync(back, 'utf8'), 'text');
    t.deepEqual(names(directory), ['opened', 'plain', 'sealed']);
    t.is((await encryptFile(from, to, { key, overwrite: true })).resume, undefined);
  },
);

test.serial('an aborted operation is resumed, in both directions', async (t) => {
  const { directory, from, to } = folder(t);
  await interrupt(t, to, (how) => encryptFile(from, to, { ...SEAL, ...how }));
  t.is(left(directory).length, 2);
  let first: number | undefined;
  const sealed = await encryptFile(from, to, {
    ...SEAL,
    onProgress: ({ bytesDone }) => (first ??= bytesDone),
  });
  const { segmentsResumed = 0, bytesResumed = 0, startedOver } = sealed.resume ?? {};
  t.is(startedOver, undefined);
  t.true(segmentsResumed > 0 && segmentsResumed < SEGMENTS, String(segmentsResumed));
  t.is(bytesResumed, segmentsResumed * 2 ** 20);
  t.true(first !== undefined && first > 0);
  t.deepEqual(names(directory), ['plain', 'target']);

  const back = join(directory, 'opened');
  await interrupt(t, back, (how) => decryptFile(to, back, { ...OPEN, ...how }));
  t.is(left(directory).length, 2);
  const opened = await decryptFile(to, back, OPEN);
  t.true((opened.resume?.segmentsResumed ?? 0) > 0);
  t.is(hash(back), hash(from));
  t.deepEqual(names(directory), ['opened', 'plain', 'target']);
});

test.serial('a changed source is refused, and is sealed without resume', async (t) => {
  const { directory, from, to } = folder(t);
  await interrupt(t, to, (how) => encryptFile(from, to, { ...SEAL, ...how }));
  utimesSync(from, 1, 1);
  t.like(await failureOf(t, () => encryptFile(from, to, SEAL)), {
    kind: 'SourceChanged',
    expected: SIZE,
    relation: 'modified',
  });
  truncateSync(from, 1000);
  t.like(await failureOf(t, () => encryptFile(from, to, SEAL)), { relation: 'shorter' });
  t.is(left(directory).length, 2);
  await encryptFile(from, to, { key });
  t.deepEqual(names(directory), ['plain', 'target']);
});

test.serial('a journal of another operation is refused', async (t) => {
  const { directory, from, to } = folder(t);
  const sealed = join(directory, 'sealed');
  await encryptFile(from, sealed, SLOW);
  await interrupt(t, to, (how) => encryptFile(from, to, { ...SEAL, ...how }));
  const failure = await failureOf(t, () => decryptFile(sealed, to, OPEN));
  t.is(failure.kind, 'JournalRefused');
  t.is(left(directory).length, 2);
});

test.serial('other options start over, and the report says why', async (t) => {
  const { from, to } = folder(t);
  const changes: readonly [EncryptOptions, StartedOver][] = [
    [{ keyId: 'other' }, 'options-differ'],
    [{ context: 'other' }, 'options-differ'],
    [{ key: SecretKey.generate() }, 'no-matching-key'],
  ];
  for (const [change, startedOver] of changes) {
    await interrupt(t, to, (how) => encryptFile(from, to, { ...SEAL, overwrite: true, ...how }));
    const { resume } = await encryptFile(from, to, {
      ...SEAL,
      overwrite: true,
      ...change,
    });
    t.is(resume?.startedOver, startedOver);
    t.is(resume?.segmentsResumed, 0);
  }
});

test.serial('of two operations on one target one is refused as busy', async (t) => {
  const { directory, from, to } = folder(t);
  const both = await Promise.allSettled([encryptFile(from, to, SEAL), encryptFile(from, to, SEAL)]);
  const refused = both.filter((outcome) => outcome.status === 'rejected');
  t.is(refused.length, 1);
  t.like(refused[0]?.reason, { code: 'ERR_SEAL_TARGET_BUSY', failure: { kind: 'TargetBusy', path: to } });
  t.deepEqual(names(directory), ['plain', 'target']);
});

test.serial('the resume secret opens a journal that no key opens', async (t) => {
  const { from, to } = folder(t);
  const resumeSecret = new Uint8Array(32).fill(7);
  await interrupt(t, to, (how) => encryptFile(from, to, { ...SEAL, ...how, resumeSecret }));
  const { resume } = await encryptFile(from, to, { ...SEAL, key: SecretKey.generate(), resumeSecret });
  t.is(resume?.startedOver, 'options-differ');
});

test('invalid values are refused by name', async (t) => {
  const at = ['a', 'b'] as const;
  for (const resume of ['yes', 1, null]) {
    const error = await errorOf(() => encryptFile(...at, { key, resume: resume as unknown as boolean }));
    t.true(error instanceof TypeError && error.message.includes('resume'));
  }
  for (const secret of ['a'.repeat(32), 7, null]) {
    const resumeSecret = secret as unknown as Uint8Array;
    const error = await errorOf(() => encryptFile(...at, { key, resume: true, resumeSecret }));
    t.true(error instanceof TypeError && error.message.includes('resumeSecret'));
  }
  const short = await errorOf(() =>
    encryptFile(...at, { key, resume: true, resumeSecret: new Uint8Array(31) }),
  );
  t.true(short instanceof RangeError && short.message.includes('resumeSecret'));
});

test.serial('an output that was renamed away is made anew', async (t) => {
  const { directory, from, to } = folder(t);
  await interrupt(t, to, (how) => encryptFile(from, to, { ...SEAL, ...how }));
  const partial = left(directory).find((name) => name.endsWith('.partial')) ?? '';
  renameSync(join(directory, partial), join(directory, 'away'));
  t.is((await encryptFile(from, to, SEAL)).resume?.startedOver, 'output-missing');
  t.deepEqual(names(directory), ['away', 'plain', 'target']);
});
