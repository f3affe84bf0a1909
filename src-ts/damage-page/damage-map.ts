// Checks a damage map that may come from any file, before it becomes a page.

import type { DamageMap, LossCause } from '../../native/binding';
import { typeError } from '../internal/errors';

/** @throws TypeError if the value is not a damage map. */
export function checkedMap(name: string, value: unknown): DamageMap {
  if (MAP(value)) return value as DamageMap;
  throw typeError(name, 'a damage map, as salvage returns it', value);
}

type Test = (value: unknown) => boolean;

const number: Test = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const text: Test = (value) => typeof value === 'string';
const is =
  (...values: readonly unknown[]): Test =>
  (value) =>
    values.includes(value);
const either =
  (...tests: readonly Test[]): Test =>
  (value) =>
    tests.some((test) => test(value));
const list =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);

/** An object with at least these fields. */
function object(fields: Readonly<Record<string, Test>>): Test {
  return (value) => {
    if (typeof value !== 'object' || value === null) return false;
    return Object.entries(fields).every(([name, test]) => test((value as Record<string, unknown>)[name]));
  };
}

const range = object({ offset: number, length: number });
const MAP = object({
  version: is(1),
  outcome: is('whole', 'partial', 'nothing' satisfies DamageMap['outcome']),
  sourceSize: number,
  unreadable: number,
  streamId: text,
  header: object({ origin: text, offset: either(is(undefined), number) }),
  end: text,
  frameSize: number,
  segmentSize: number,
  digest: text,
  plaintextSize: either(is(undefined), number),
  segments: number,
  recovered: object({ bytes: number, frames: number, segments: number }),
  outputSize: number,
  lostBytes: number,
  lost: list(
    object({
      plaintextRange: range,
      sealedRange: either(is(undefined), range),
      segment: number,
      segmentCount: number,
      cause: is('missing', 'rot', 'tampering', 'unknown' satisfies LossCause),
      message: text,
    }),
  ),
  conflicts: list(object({ segment: number, message: text })),
  conflictCount: number,
  otherStreams: list(text),
  stats: object({
    elapsedMs: number,
    threads: number,
    stages: object({ readMs: number, cryptoMs: number, digestMs: number, writeMs: number, waitMs: number }),
  }),
});
