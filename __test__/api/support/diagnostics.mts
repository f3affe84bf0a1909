// What is heard on the diagnostics channels.

import diagnosticsChannel from 'node:diagnostics_channel';

import type { ExecutionContext } from 'ava';
import type { DamageEvent, OperationEvent, SegmentEvent } from 'sealstream';

/** Events by channel, and what was told of in which order, until the test ends. */
export function listen(t: ExecutionContext) {
  const told = {
    operation: [] as OperationEvent[],
    segment: [] as SegmentEvent[],
    damage: [] as DamageEvent[],
    order: [] as { id: number; what: string }[],
  };
  for (const name of ['operation', 'segment', 'damage'] as const) {
    const listener = (event: unknown) => {
      told[name].push(event as never);
      const { id, phase } = event as OperationEvent;
      told.order.push({ id, what: name === 'operation' ? phase : name });
    };
    diagnosticsChannel.subscribe(`sealstream:${name}`, listener);
    t.teardown(() => diagnosticsChannel.unsubscribe(`sealstream:${name}`, listener));
  }
  return told;
}
