// What a stream was asked to do, held until its first byte comes: what the caller passed may have changed by then.

import type { OpenSettings, SealSettings } from '../../native/binding';
import { checkedPolicy } from '../api/damage';
import { Identities } from '../keys/identities';
import { checkedInteger, checkedOptions, openSettings, sealSettings } from '../internal/options';
import { Recipients } from '../keys/recipients';
import type { DamageOptions, DamagePolicy, OpenOptions, SealOptions, StreamOptions } from '../internal/types';

/** @internal */
export interface SealPlan {
  /** Copies, which are overwritten when they have served. */
  readonly recipients: Recipients;
  readonly settings: SealSettings;
  /** Segments in memory, if the caller chose. */
  readonly concurrency: number | undefined;
}

/** @internal */
export interface OpenPlan {
  /** Copies, which are overwritten when they have served. */
  readonly identities: Identities;
  readonly settings: OpenSettings;
  readonly policy: DamagePolicy;
  /** Segments in memory, if the caller chose. */
  readonly concurrency: number | undefined;
}

/** @internal */
export function sealPlan(options: SealOptions & StreamOptions): SealPlan {
  const settings = sealSettings(checkedOptions(options));
  const [recipients, concurrency] = [Recipients.of(options), checkedConcurrency(options)];
  return { recipients: recipients.held(), settings, concurrency };
}

/** @internal */
export function openPlan(options: OpenOptions & StreamOptions & DamageOptions): OpenPlan {
  const settings = openSettings(checkedOptions(options));
  const [policy, concurrency] = [checkedPolicy(options.onDamage), checkedConcurrency(options)];
  return { identities: Identities.of(options).held(), settings, policy, concurrency };
}

function checkedConcurrency({ concurrency }: StreamOptions): number | undefined {
  return concurrency === undefined
    ? undefined
    : checkedInteger('concurrency', concurrency, 1, MAX_CONCURRENCY);
}

const MAX_CONCURRENCY = 1024;
