// What of a stream can't be opened, and what its user decides about that.

import type { Place } from '../../native/binding';
import { checkedDecision } from '../api/damage';
import type { Watch } from '../internal/diagnostics';
import { rangeError, SealError, translated } from '../api/errors';
import type { Damage, DamagePolicy, SettledDamage } from '../internal/types';

/** @internal */
export class Losses {
  /** The first of them. */
  readonly damage: SettledDamage[] = [];
  damageCount = 0;

  constructor(
    readonly policy: DamagePolicy,
    readonly watch: Watch,
  ) {}

  /** Whether it may go on behind the first of them. */
  get isTolerant(): boolean {
    return this.policy !== 'abort';
  }

  /**
   * Has the caller decide about a place of which nothing came; returns whether zeros are to come out instead.
   *
   * @throws the failure, where that is the decision or it concerns more than the place; or what the caller throws.
   */
  async settle(place: Place, error: unknown): Promise<boolean> {
    const failure = translated(error);
    if (!(failure instanceof SealError && failure.isDamage)) throw error;
    const damage: Damage = {
      index: place.index,
      plaintextRange: place.plaintextRange,
      wireRange: place.wireRange,
      failure: failure.failure,
      message: failure.message,
      retries: 0,
    };
    const { policy } = this;
    const decision = typeof policy === 'function' ? checkedDecision(await policy(damage)) : policy;
    if (decision === 'retry') {
      throw rangeError("onDamage's answer", "can't be 'retry' for a stream, which can't be read again");
    }
    this.watch.damage(damage, decision);
    if (decision === 'abort') throw failure;
    this.damageCount += 1;
    const outcome = decision === 'zero' ? 'zeroed' : 'skipped';
    if (this.damage.length < LISTED) this.damage.push({ damage, outcome });
    return decision === 'zero';
  }
}

/** Zeros in the place of some plaintext, made as they are taken. @internal */
export function* zerosFor({ plaintextRange }: Place): Generator<Buffer, void, void> {
  const { start, end } = plaintextRange;
  for (let at = start; at < end; at += PIECE) yield Buffer.alloc(Math.min(PIECE, end - at));
}

/** As many as the engine lists. */
const LISTED = 10_000;
const PIECE = 64 * 1024;
