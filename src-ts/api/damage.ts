// Decisions about damage: the caller's, on their way to the addon.

import type { Damage, DamageDecisionName, DamageSettings } from '../../native/binding';
import { native } from '../internal/binding';
import type { Watch } from '../internal/diagnostics';
import { rangeError, typeError } from './errors';
import type { Running } from '../internal/operation';
import type { DamageHandler, DamagePolicy } from '../internal/types';

/** @internal */
export function checkedPolicy(policy: unknown): DamagePolicy {
  if (policy === undefined) return 'abort';
  if (typeof policy === 'function') return policy as DamageHandler;
  if (typeof policy !== 'string') throw typeError('onDamage', 'a string or a function', policy);
  if (policy === 'abort' || policy === 'skip' || policy === 'zero') return policy;
  throw rangeError('onDamage', "must be 'abort', 'skip', 'zero' or a function");
}

/**
 * How the addon asks; `undefined` where the first damage ends the operation and there is nothing to ask.
 *
 * @internal
 */
export function damageSettings(policy: DamagePolicy, running: Running): DamageSettings | undefined {
  if (policy === 'abort') return undefined;
  const judge = new native.DamageJudge();
  const decide = async (damage: Damage): Promise<void> => {
    try {
      judge.decide(await decisionAbout(damage, policy, running.watch));
    } catch (value) {
      running.stop(value);
    }
  };
  return { judge, ask: (damage) => void decide(damage) };
}

/**
 * Asks the policy about one damage, and publishes the decision.
 *
 * @param canRetry Whether the damaged part can be read again.
 * @internal
 */
export async function decisionAbout(
  damage: Damage,
  policy: DamagePolicy,
  watch: Watch,
  canRetry = true,
): Promise<DamageDecisionName> {
  const decision = typeof policy === 'function' ? checkedDecision(await policy(damage)) : policy;
  if (decision === 'retry' && !canRetry) {
    throw rangeError("onDamage's answer", "can't be 'retry' for a stream, which can't be read again");
  }
  watch.damage(damage, decision);
  return decision;
}

function checkedDecision(decision: unknown): DamageDecisionName {
  if (typeof decision !== 'string') throw typeError("onDamage's answer", 'a string', decision);
  if (Object.hasOwn(DECISIONS, decision)) return decision as DamageDecisionName;
  throw rangeError("onDamage's answer", `must be one of ${Object.keys(DECISIONS).join(', ')}`);
}

const DECISIONS: Readonly<Record<DamageDecisionName, true>> = {
  abort: true,
  skip: true,
  zero: true,
  retry: true,
};
