// Divides the whole plaintext of a damage map into a grid of cells.

import type { DamageMap, LossCause } from '../../native/binding';
import { type Span, spanOf } from '../internal/span';
import { counted } from './units';

/** A range of the plaintext, and how much of it is lost. */
export interface Cell extends Span {
  /** Lost bytes. */
  lost: number;
  /** The worst cause of the loss. */
  cause: LossCause | undefined;
}

/** The bytes that a map covers: the plaintext's size, or what was seen of it. */
export function extent({ plaintextSize, segments, segmentSize, lost, recovered }: DamageMap): number {
  if (plaintextSize !== undefined) return plaintextSize;
  const last = lost.at(-1);
  const seen = Math.max(recovered.bytes, last === undefined ? 0 : spanOf(last.plaintextRange).end);
  return Math.max(seen, segments * segmentSize);
}

/**
 * Divides into cells of one frame each if they are few, else of as many whole segments as keep the cells few. `covers` says what a
 * full cell covers.
 */
export function damageGrid(map: DamageMap): { cells: readonly Cell[]; covers: string } {
  const size = extent(map);
  const isByFrame = size / map.frameSize <= MOST_CELLS;
  const unit = isByFrame ? map.frameSize : map.segmentSize;
  const units = Math.max(1, Math.ceil(size / unit));
  const each = Math.ceil(units / MOST_CELLS);
  const cellSize = unit * each;
  const cells: Cell[] = Array.from({ length: Math.ceil(units / each) }, (_, index) => ({
    start: index * cellSize,
    end: Math.min(size, (index + 1) * cellSize),
    lost: 0,
    cause: undefined,
  }));
  for (const { plaintextRange, cause } of map.lost) {
    const { start, end } = spanOf(plaintextRange);
    for (let at = Math.floor(start / cellSize); at < cells.length; at += 1) {
      const cell = cells[at];
      if (cell === undefined || (cell.start >= end && end > start)) break;
      cell.lost += Math.max(0, Math.min(end, cell.end) - Math.max(start, cell.start));
      if (cell.cause === undefined || WORSE.indexOf(cause) > WORSE.indexOf(cell.cause)) cell.cause = cause;
      if (end <= cell.end) break;
    }
  }
  const noun = isByFrame ? 'frame' : 'segment';
  const covers = each === 1 ? `one ${noun}` : counted(each, noun);
  return { cells, covers };
}

const MOST_CELLS = 4000;
/** From the least to the worst. */
const WORSE: readonly LossCause[] = ['missing', 'unknown', 'rot', 'tampering'];
