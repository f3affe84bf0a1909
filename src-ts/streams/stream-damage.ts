// Decisions about the damage of a stream, and the list of them for its report.

import type { Place } from '../../native/binding';
import { SealError } from '../api/errors';
import type { DamagePolicy, OpenReport } from '../api/types';
import { decisionAbout } from '../internal/damage';
import type { Diagnostics } from '../internal/diagnostics';
import { publicError, rangeError } from '../internal/errors';

export class StreamDamage {
  readonly report: Pick<OpenReport, 'damage' | 'damageCount'> = { damage: [], damageCount: 0 };

  constructor(
    readonly policy: DamagePolicy,
    readonly diagnostics: Diagnostics,
  ) {}

  /** Whether the stream may continue after damage. */
  get isTolerated(): boolean {
    return this.policy !== 'abort';
  }

  /**
   * Decides about a place that did not open. Returns whether zeros replace it.
   *
   * @throws the failure, if the decision is to abort or the failure concerns more than the place; or what the caller's function throws.
   */
  async settle(place: Place, error: unknown): Promise<boolean> {
    const reason = publicError(error);
    if (!(reason instanceof SealError && reason.isDamage)) throw error;
    const { index, plaintextRange, wireRange } = place;
    const { failure, message } = reason;
    const damage = { index, plaintextRange, wireRange, failure, message, retries: 0 };
    const decision = await decisionAbout(damage, this.policy);
    if (decision === 'retry') {
      throw rangeError("onDamage's answer", "can't be 'retry' for a stream, which can't be read again");
    }
    this.diagnostics.damage(damage, decision);
    if (decision === 'abort') throw reason;
    const { report } = this;
    report.damageCount += 1;
    const isZeroed = decision === 'zero';
    if (report.damage.length < MAX_LISTED) {
      report.damage.push({ damage, outcome: isZeroed ? 'zeroed' : 'skipped' });
    }
    return isZeroed;
  }
}

/** The engine lists as many. */
const MAX_LISTED = 10_000;
