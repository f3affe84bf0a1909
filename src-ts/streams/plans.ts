// What a stream was asked to do, held until its first byte comes: what the caller passed may have changed by then.

import type { NativeKey, OpenSettings, SealSettings } from '../../native/binding';
import { checkedPolicy } from '../damage';
import { heldKey, heldKeys } from '../keys';
import { checkedInteger, checkedOptions, heldSettings, openSettings, sealSettings } from '../options';
import type { DamageOptions, DamagePolicy, OpenOptions, SealOptions, StreamOptions } from '../types';

/** @internal */
export interface SealPlan {
  readonly key: NativeKey;
  readonly settings: SealSettings;
  /** Segments in memory, if the caller chose. */
  readonly concurrency: number | undefined;
}

/** @internal */
export interface OpenPlan {
  readonly keys: NativeKey[];
  readonly settings: OpenSettings;
  readonly policy: DamagePolicy;
  /** Segments in memory, if the caller chose. */
  readonly concurrency: number | undefined;
}

/** @internal */
export function sealPlan(options: SealOptions & StreamOptions): SealPlan {
  const settings = sealSettings(checkedOptions(options));
  return {
    key: heldKey('key', options.key),
    settings: heldSettings(settings),
    concurrency: checkedConcurrency(options),
  };
}

/** @internal */
export function openPlan(options: OpenOptions & StreamOptions & DamageOptions): OpenPlan {
  const settings = openSettings(checkedOptions(options));
  return {
    keys: heldKeys('key', options.key),
    settings: heldSettings(settings),
    policy: checkedPolicy(options.onDamage),
    concurrency: checkedConcurrency(options),
  };
}

function checkedConcurrency({ concurrency }: StreamOptions): number | undefined {
  return concurrency === undefined
    ? undefined
    : checkedInteger('concurrency', concurrency, 1, MAX_CONCURRENCY);
}

const MAX_CONCURRENCY = 1024;
