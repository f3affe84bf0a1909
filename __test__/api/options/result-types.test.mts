// What the types of results promise. Most of it is checked when this file is compiled.

import test from 'ava';
import {
  type ByteRange,
  type DamageMap,
  type DecryptReport,
  type EncryptReport,
  encryptSync,
  inspect,
  SealError,
  SecretKey,
  type SlotInfo,
  type SlotType,
  verify,
  type ReportWarning,
} from 'sealstream';

const key = SecretKey.generate();

/** Compiles only while every kind of warning has its case. */
function subjectOf(warning: ReportWarning): string {
  switch (warning.kind) {
    case 'HeaderFromCopy':
    case 'NewerCopyUnused':
    case 'HeaderCopyDamaged':
      return warning.message;
    case 'CheckpointError':
      return `${warning.message} ${warning.error.kind}`;
    default:
      return warning satisfies never;
  }
}

/** A type of slots that a later release may have is allowed, and the known ones are completed by an editor. */
const slotTypes: SlotInfo['type'][] = ['key' satisfies SlotType, 'provider' satisfies SlotType, 'rot13'];

/** A property that does not apply is absent: `undefined` and `null` are no values of it. */
// @ts-expect-error -- `null` is no range
export const unknownPlace: DamageMap['lost'][number]['sealedRange'] = null;

/** What every report has. */
function common(report: EncryptReport | DecryptReport): [number, number, string, number] {
  const { plaintextSize, sealedSize, streamId, stats } = report;
  return [plaintextSize, sealedSize, streamId, stats.elapsedMs + stats.stages.cryptoMs];
}

/** What only one of them has. */
function special(report: EncryptReport | DecryptReport): string {
  return 'openedBy' in report ? report.plaintextCrc64Nvme : report.sealedCrc64Nvme;
}

/** A failed salvage has a map. */
function lostBytes(error: unknown): number | undefined {
  return SealError.is(error, 'ERR_SEAL_NOTHING_RECOVERED') ? error.map.lostBytes : undefined;
}

test('results have the shapes that their types say', async (t) => {
  const sealed = encryptSync(Buffer.alloc(100), { key });
  const { slots } = await inspect(sealed);
  t.deepEqual(slots, [{ slotIndex: 0, type: 'key' }]);
  const damaged = Buffer.from(sealed);
  damaged[sealed.length - 1]! ^= 1;
  const { problems, warnings, openedBy } = await verify(damaged, { key });
  t.deepEqual(openedBy, { slotIndex: 0, type: 'key' });
  t.deepEqual(warnings.map(subjectOf), []);
  const range: ByteRange | undefined = problems[0]?.sealedRange;
  t.deepEqual(Object.keys(range ?? {}), ['offset', 'length']);
  t.false('plaintextRange' in (problems[0] ?? {}));
  t.false('segment' in (problems[0] ?? {}));
  t.is(slotTypes.length, 3);
  t.deepEqual([typeof common, typeof special], ['function', 'function']);
  t.is(lostBytes(new Error('another')), undefined);
});
