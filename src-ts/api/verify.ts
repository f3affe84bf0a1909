// Looking for damage in what is sealed.

import { randomInt } from 'node:crypto';

import type { Verification as NativeVerification, VerifySettings } from '../../native/binding';
import { bare } from '../internal/null-prototype';
import { native } from '../internal/binding';
import type { Identity } from '../keys/credentials';
import { rangeError, typeError } from './errors';
import { type DetachedHeader, headerOption } from './header';
import { Identities } from '../keys/identities';
import type { SecretKey } from '../keys/secret-key';
import { run } from '../internal/operation';
import { checkedInteger, checkedOptions, openSettings } from '../internal/options';
import type { CredentialArgument } from '../keys/recipients';
import { sourceArgument, type SourceInput, sourceWith } from '../sources/sources';
import type { KeyInput, OpeningOptions, OperationOptions } from '../internal/types';

/** What to check of a sealed stream. */
export interface VerifyOptions extends OpeningOptions, OperationOptions, DetachedHeader {
  /** The key, or several of which one opens the stream. Without any, and without identities, only what needs no key is checked. */
  key?: KeyInput | readonly KeyInput[] | undefined;
  /** What may open the stream, instead of `key`. */
  identities?: readonly (Identity | SecretKey)[] | undefined;
  /**
   * The share of the segments to check, more than 0 and at most 1; all by default. They are spread evenly over the stream.
   * Header and end are checked in any case.
   */
  sample?: number | undefined;
  /**
   * Which segments a sample takes: the same seed takes the same ones. A safe integer from 0; by default another one each
   * time, which the result names.
   */
  seed?: number | undefined;
  /** Bytes to read in a second, at most: an integer from 1. No limit by default. */
  maxBytesPerSecond?: number | undefined;
}

/** What checking a sealed stream found. */
export interface Verification extends NativeVerification {
  /** The share of the segments that was asked for, if not all were. */
  sample?: number;
  /** The seed that chose them. */
  seed?: number;
}

/**
 * Checks a sealed stream for damage, and finds all of it; it writes nothing, and no plaintext leaves the engine.
 *
 * Without a key every checksum, digest, count and length is checked, which tells rot and truncation. With a key (or several, of
 * which one fits) also the header's and the manifest's authentication codes, the context and every frame's tag, which tells
 * tampering too. `context` and `maxSegmentSize` count only with a key.
 *
 * A stream without digests (`digest: 'none'`) shows little without a key: `contentsChecked` is then `false`, and `sound` says
 * no more than that its structure is right.
 *
 * Progress counts the bytes of the segments that are to be checked, sealed. Do not touch bytes in memory until the promise
 * settles; see {@link decrypt}.
 *
 * @param source A path, a `file:` URL, or the stream's bytes.
 * @returns What was found, for a damaged stream too: see `sound` and `problems`.
 * @throws SealError only where checking is impossible: the source can't be read at all or is no sealed stream, the key or the
 *   context does not fit, the header was tampered with. The reason of `signal`, or TypeError and RangeError for options.
 */
export async function verify(source: SourceInput, options: VerifyOptions = {}): Promise<Verification> {
  const open = openSettings(checkedOptions(options));
  const from = sourceWith(sourceArgument('source', source), headerOption(options));
  const { key, identities } = options;
  const isKeyed = key !== undefined || identities !== undefined;
  const opening = isKeyed ? Identities.of(options) : undefined;
  const settings = verifySettings(options);
  const found = await run(options, {
    name: 'verify',
    async start(how, running) {
      const check = (offered?: CredentialArgument[]) => native.verify(from, offered, open, settings, how);
      const slots = () => native.sourceServiceSlots(from);
      const result = await (opening ? opening.use(slots, open.context, running, check) : check());
      for (const problem of result.problems) running.watch.damage(problem);
      return result;
    },
    done: ({ bytesChecked }) => bytesChecked,
  });
  const { sample, seed } = settings;
  return sample === undefined ? found : { ...found, sample, seed };
}

function verifySettings({ sample, seed, maxBytesPerSecond }: VerifyOptions): VerifySettings {
  const settings = bare({}) as VerifySettings;
  settings.seed =
    seed === undefined ? randomInt(MAX_DRAWN_SEED) : checkedInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (sample !== undefined) settings.sample = checkedShare('sample', sample);
  if (maxBytesPerSecond !== undefined) {
    settings.maxBytesPerSecond = checkedInteger(
      'maxBytesPerSecond',
      maxBytesPerSecond,
      1,
      Number.MAX_SAFE_INTEGER,
    );
  }
  return settings;
}

function checkedShare(name: string, value: unknown): number {
  if (typeof value !== 'number') throw typeError(name, 'a number', value);
  if (!(value > 0 && value <= 1)) throw rangeError(name, `must be more than 0 and at most 1, not ${value}`);
  return value;
}

/** Short enough to be typed again. */
const MAX_DRAWN_SEED = 2 ** 32;
