// What is heard on the diagnostics channels.

import diagnosticsChannel, { tracingChannel } from 'node:diagnostics_channel';

import type { ExecutionContext } from 'ava';
import type { DamageEvent, OperationContext, SegmentEvent } from 'sealstream';

/** The context as it was when an operation began or ended. */
export type OperationHeard = OperationContext & { phase: 'start' | 'end' };

/** Events by channel, and what was told of in which order, until the test ends. */
export function listen(t: ExecutionContext) {
  const told = {
    operation: [] as OperationHeard[],
    segment: [] as SegmentEvent[],
    damage: [] as DamageEvent[],
    order: [] as { id: number; what: string }[],
  };
  const operation = (phase: 'start' | 'end') => (context: unknown) => {
    const heard = { ...(context as OperationContext), phase };
    told.operation.push(heard);
    told.order.push({ id: heard.id, what: phase });
  };
  const operations = { start: operation('start'), asyncEnd: operation('end') };
  for (const [name, listener] of Object.entries(operations)) {
    subscribe(t, `tracing:sealstream:operation:${name}`, listener);
  }
  for (const name of ['segment', 'damage'] as const) {
    subscribe(t, `sealstream:${name}`, (event) => {
      told[name].push(event as never);
      told.order.push({ id: (event as SegmentEvent).id, what: name });
    });
  }
  return told;
}

/** Every message of the tracing channel, with its context, until the test ends. */
export function listenToTrace(t: ExecutionContext) {
  const messages: { name: string; context: OperationContext; atThatTime: OperationContext }[] = [];
  for (const name of ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const) {
    subscribe(t, tracingChannel('sealstream:operation')[name].name as string, (message) => {
      const context = message as OperationContext;
      messages.push({ name, context, atThatTime: { ...context } });
    });
  }
  return messages;
}

/** Listens to a channel until the test ends. */
export function subscribe(t: ExecutionContext, name: string, listener: (event: unknown) => void): void {
  diagnosticsChannel.subscribe(name, listener);
  t.teardown(() => diagnosticsChannel.unsubscribe(name, listener));
}
