// The caller's decisions about damage, on their way to the addon.

import type { Damage, DamageDecision, DamageSettings } from '../../native/binding';
import type { DamagePolicy } from '../api/types';
import { native } from './binding';
import type { Diagnostics } from './diagnostics';
import { rangeError } from './errors';
import type { Operation } from './operation';
import { oneOf } from './options';

/** How the addon asks about damage; `undefined` if the first damaged part ends the operation. */
export function damageSettings(
  policy: DamagePolicy | undefined,
  operation: Operation,
): DamageSettings | undefined {
  if (policy === undefined || policy === 'abort') return undefined;
  const judge = new native.DamageJudge();
  const decide = async (damage: Damage): Promise<void> => {
    try {
      judge.decide(await decisionAbout(damage, policy, operation.diagnostics));
    } catch (value) {
      operation.callerThrew(value);
    }
  };
  return { judge, ask: (damage) => void decide(damage) };
}

/**
 * Asks the policy about one damaged part, and publishes the decision.
 *
 * @param canRetry Whether the damaged part can be read again.
 * @throws what the caller's function throws, or TypeError and RangeError for its answer.
 */
export async function decisionAbout(
  damage: Damage,
  policy: DamagePolicy,
  diagnostics: Diagnostics,
  canRetry = true,
): Promise<DamageDecision> {
  const decision =
    typeof policy === 'function' ? DECISION(ANSWER, await diagnostics.within(() => policy(damage))) : policy;
  if (decision === 'retry' && !canRetry) {
    throw rangeError(ANSWER, "can't be 'retry' for a stream, which can't be read again");
  }
  diagnostics.damage(damage, decision);
  return decision;
}

const ANSWER = "onDamage's answer";
const DECISION = oneOf<DamageDecision>(['abort', 'skip', 'zero', 'retry']);
