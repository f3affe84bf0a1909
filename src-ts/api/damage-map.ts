// Makes sure of a damage map: it may come from a file that anybody wrote, and becomes a page.

import type { ByteRange, DamageMap, LossCause, Stages } from '../../native/binding';
import { typeError } from './errors';

/** @throws TypeError for what is no damage map. @internal */
export function checkedMap(name: string, map: unknown): DamageMap {
  if (isMap(map)) return map;
  throw typeError(name, 'a damage map, as salvage returns it', map);
}

function isMap(value: unknown): value is DamageMap {
  const map = record(value);
  const [recovered, header] = [record(map['recovered']), record(map['header'])];
  return (
    map['version'] === 1 &&
    isOneOf(OUTCOMES, map['outcome']) &&
    NUMBERS.every((name) => isNumber(map[name])) &&
    TEXTS.every((name) => typeof map[name] === 'string') &&
    (map['plaintextSize'] === null || isNumber(map['plaintextSize'])) &&
    ['bytes', 'frames', 'segments'].every((name) => isNumber(recovered[name])) &&
    typeof header['origin'] === 'string' &&
    (header['offset'] === undefined || isNumber(header['offset'])) &&
    isListOf(map['lost'], isLost) &&
    isListOf(map['conflicts'], isConflict) &&
    isListOf(map['otherStreams'], (id) => typeof id === 'string') &&
    // Maps that were written before it was in them are as good.
    (map['stages'] === undefined || STAGES.every((name) => isNumber(record(map['stages'])[name])))
  );
}

function isLost(value: unknown): boolean {
  const lost = record(value);
  return (
    isRange(lost['plaintextRange']) &&
    (lost['wireRange'] === null || isRange(lost['wireRange'])) &&
    isNumber(lost['firstSegment']) &&
    isNumber(lost['lastSegment']) &&
    isOneOf(CAUSES, lost['cause']) &&
    typeof lost['message'] === 'string'
  );
}

function isConflict(value: unknown): boolean {
  const conflict = record(value);
  return isNumber(conflict['segment']) && typeof conflict['message'] === 'string';
}

function isRange(value: unknown): value is ByteRange {
  const range = record(value);
  return isNumber(range['start']) && isNumber(range['end']);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isOneOf(words: ReadonlySet<string>, value: unknown): boolean {
  return typeof value === 'string' && words.has(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

const OUTCOMES: ReadonlySet<string> = new Set<DamageMap['outcome']>(['whole', 'partial', 'nothing']);
const CAUSES: ReadonlySet<string> = new Set<LossCause>(['missing', 'rot', 'tampering', 'unknown']);
const TEXTS = ['streamId', 'end', 'digest'] satisfies (keyof DamageMap)[];
const STAGES = ['readMs', 'cryptoMs', 'digestMs', 'writeMs', 'waitMs'] satisfies (keyof Stages)[];
const NUMBERS = [
  'sourceSize',
  'unreadable',
  'frameSize',
  'segmentSize',
  'segments',
  'outputSize',
  'lostBytes',
  'conflictCount',
  'elapsedMs',
] satisfies (keyof DamageMap)[];
