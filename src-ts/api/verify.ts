// Checks sealed streams for damage.

import { randomInt } from 'node:crypto';

import type { VerifyReport as NativeReport } from '../../native/binding';
import { native } from '../internal/binding';
import { nullPrototype } from '../internal/null-prototype';
import { run, type Start } from '../internal/operation';
import { openSettings, optionsOf } from '../internal/option-tables';
import { picked } from '../internal/options';
import { Identities } from '../keys/identities';
import type { SecretArgument } from '../keys/registry';
import type { DecryptOptions } from '../keys/types';
import { releaseSource, sourceArgument, type SourceInput } from '../sources/sources';
import type { DetachedHeader, OperationOptions } from './types';

/** Options of {@link verify}. */
export interface VerifyOptions extends DecryptOptions, OperationOptions, DetachedHeader {
  /**
   * The share of the segments to check, more than 0 and at most 1; all by default. They are spread evenly over the stream. Header and
   * end are always checked.
   */
  sample?: number | undefined;
  /**
   * Selects the segments of a sample: the same seed selects the same segments. A safe integer from 0; by default a random one, which
   * the result names.
   */
  seed?: number | undefined;
  /** The most bytes to read in a second: an integer from 1. No limit by default. */
  maxBytesPerSecond?: number | undefined;
}

/** The result of checking a sealed stream. */
export interface VerifyReport extends NativeReport {
  /** The share of the segments that was checked, if not all were. */
  sample?: number;
  /** The seed that selected them. */
  seed?: number;
}

/**
 * Checks a sealed stream for damage and reports all of it. It writes nothing, and no plaintext leaves the engine.
 *
 * Without a key it checks every checksum, digest, count and length, which shows bit rot and truncation. With a key (or several, of
 * which one fits) it also checks the authentication codes of header and manifest, the context and every frame's tag, which shows
 * tampering. `context` and `maxSegmentSize` only matter with a key.
 *
 * A stream without digests (`digest: 'none'`) shows little without a key: `contentsChecked` is then `false`, and `sound` only says
 * that the structure is right.
 *
 * Progress counts the sealed bytes of the segments to check. Bytes in memory may change or be transferred as those of
 * {@link decrypt} may.
 *
 * @param source A path, a `file:` URL, or the stream's bytes.
 * @param options The key or the identities, if tags are to be checked, and what share of the segments.
 * @returns What was found, for a damaged stream too: see `sound` and `problems`.
 * @throws SealError only if checking is impossible: the source can't be read or is not a sealed stream, the key or the context does
 *   not fit, the header was tampered with. The reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * const { sound, problems } = await verify('photo.seal', { sample: 0.1 });
 * if (!sound) console.error(problems[0]?.message);
 */
export async function verify(source: SourceInput, options: VerifyOptions = {}): Promise<VerifyReport> {
  const given = optionsOf('verify', options);
  const open = openSettings(given);
  const isKeyed = given.key !== undefined || given.identities !== undefined;
  const identities = isKeyed ? Identities.of(given) : undefined;
  const settings = nullPrototype({
    seed: randomInt(MAX_RANDOM_SEED),
    ...picked(given, 'sample', 'seed', 'maxBytesPerSecond', 'senders'),
  });
  const from = sourceArgument('source', source, given.header);
  const check: Start<NativeReport> = async (how, operation) => {
    const verifyWith = (offered?: SecretArgument[]) => native.verify(from, offered, open, settings, how);
    const slots = () => native.sourceProviderSlots(from);
    const result = await (identities?.use(slots, open.context, operation, verifyWith) ?? verifyWith());
    for (const problem of result.problems) operation.diagnostics.damage(problem);
    return result;
  };
  try {
    const found = await run('verify', given, check, { total: ({ bytesChecked }) => bytesChecked });
    const { sample, seed } = settings;
    return sample === undefined ? found : { ...found, sample, seed };
  } finally {
    releaseSource(from);
  }
}

/** Short enough to type. */
const MAX_RANDOM_SEED = 2 ** 32;
