// The caller's decisions about damage, on their way to the addon.

import type { Damage, DamageDecisionName, DamageSettings } from '../../native/binding';
import type { DamagePolicy } from '../api/types';
import { native } from './binding';
import type { Operation } from './operation';
import { oneOf } from './options';

/** How the addon asks about damage; `undefined` if the first damage ends the operation. */
export function damageSettings(
  policy: DamagePolicy = 'abort',
  operation: Operation,
): DamageSettings | undefined {
  if (policy === 'abort') return undefined;
  const judge = new native.DamageJudge();
  const decide = async (damage: Damage): Promise<void> => {
    try {
      const decision = await decisionAbout(damage, policy);
      operation.diagnostics.damage(damage, decision);
      judge.decide(decision);
    } catch (value) {
      operation.callerThrew(value);
    }
  };
  return { judge, ask: (damage) => void decide(damage) };
}

/** Asks the policy. @throws what the caller's function throws, or TypeError and RangeError for its answer. */
export async function decisionAbout(damage: Damage, policy: DamagePolicy): Promise<DamageDecisionName> {
  return typeof policy === 'function' ? DECISION("onDamage's answer", await policy(damage)) : policy;
}

const DECISION = oneOf<DamageDecisionName>(['abort', 'skip', 'zero', 'retry']);
