// Shows a damage map as one HTML page.

import type { DamageMap, LossCause, LostRange } from '../../native/binding';
import { type Span, spanOf } from '../internal/span';
import { counted, formatCount, formatDuration, formatSize } from './units';
import { type Cell, damageGrid, extent } from './grid';
import { checkedMap } from './damage-map';
import { STYLE } from './style';

/**
 * Returns a page that shows a damage map: the outcome in a sentence, the whole plaintext as a picture, and a table of the lost ranges.
 * It is one HTML file without scripts, and loads nothing from the network.
 *
 * @param map What {@link salvage} returned, or the same parsed from its JSON.
 * @param title The name of the salvaged file, for the page's head; the stream's id by default.
 * @throws TypeError if `map` is not a damage map.
 *
 * @example
 * const map = await salvage('photo.seal', 'photo.jpg', { key });
 * await writeFile('photo.html', damagePage(map, 'photo.seal'));
 */
export function damagePage(map: DamageMap, title?: string): string {
  const checked = checkedMap('map', map);
  const head = `Damage map of ${escaped(title ?? `stream ${checked.streamId.slice(0, 16)}…`)}`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${head}</title>`,
    `<style>${STYLE}</style></head>`,
    `<body class="${checked.outcome}"><main>`,
    `<header><p class="of">${head}</p>`,
    `<h1>${escaped(damageHeadline(checked))}</h1></header>`,
    ...[figures, picture, lostTable, conflictTable, footnotes].map((part) => part(checked)),
    '</main></body></html>',
    '',
  ].join('\n');
}

/** The outcome in a sentence. */
export function damageHeadline(map: DamageMap): string {
  const { outcome, recovered, lost, lostBytes, plaintextSize } = map;
  switch (outcome) {
    case 'whole':
      return `Everything came back: ${formatSize(recovered.bytes)}`;
    case 'nothing':
      return 'Nothing came back: not one frame verified';
    case 'partial': {
      if (plaintextSize === undefined) {
        const holes = lost.length === 0 ? '' : `, with ${counted(lost.length, 'gap')} in between`;
        return `${formatSize(recovered.bytes)} came back${holes}; how much there was can’t be told`;
      }
      const places = counted(lost.length, 'place');
      return `${share(recovered.bytes, plaintextSize)} came back: ${formatSize(lostBytes)} of ${formatSize(plaintextSize)} lost, in ${places}`;
    }
  }
}

function share(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (part / whole) * 100;
  // Never 100 % if bytes are lost, and never 0 % if bytes were recovered.
  if (percent > 99.99) return 'More than 99.99 %';
  if (percent < 0.01) return 'Less than 0.01 %';
  return `${String(Math.floor(percent * 100) / 100)} %`;
}

function figures(map: DamageMap): string {
  const { recovered, header, plaintextSize: size } = map;
  const whole = `${formatCount(recovered.segments)} of ${formatCount(map.segments)}`;
  const place = header.offset === undefined ? '' : `at byte ${formatCount(header.offset)}`;
  const sized = (bytes: number) => [formatSize(bytes), `${formatCount(bytes)} bytes`] as const;
  const rows: (readonly [name: string, value: string, note: string])[] = [
    ['recovered', ...sized(recovered.bytes)],
    ['lost', ...sized(map.lostBytes)],
    ['plaintext', ...(size === undefined ? (['unknown', 'its end is not there'] as const) : sized(size))],
    ['whole segments', whole, `of ${formatSize(map.segmentSize)} each`],
    ['end of the stream', map.end, END_NOTES[map.end]],
    ['header', HEADER_NAMES[header.origin], place],
  ];
  const cards = rows.map(
    ([name, value, note]) =>
      `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}<small>${escaped(note)}</small></dd></div>`,
  );
  return `<dl class="figures">${cards.join('')}</dl>`;
}

function picture(map: DamageMap): string {
  const { cells, covers } = damageGrid(map);
  const side = cells.length <= 60 ? 36 : cells.length <= 600 ? 20 : 10;
  const columns = Math.min(cells.length, Math.floor(WIDTH / side));
  const rows = Math.ceil(cells.length / columns);
  const shapes = cells.map((cell, index) => {
    const [x, y] = [(index % columns) * side, Math.floor(index / columns) * side];
    return cellShape(cell, x, y, side - (side > 10 ? 3 : 1));
  });
  // The first byte of a row, on as many rows as have room for a label.
  const every = Math.ceil(14 / side);
  const labels = Array.from({ length: Math.ceil(rows / every) }, (_, index) => {
    const row = index * every;
    const y = row * side + Math.min(side - 2, 12);
    return `<text x="-8" y="${y}">${escaped(formatSize(cells[row * columns]?.start ?? 0))}</text>`;
  });
  const found = CAUSES.filter((cause) => map.lost.some((range) => range.cause === cause));
  const legend = [
    `<span>${swatch(undefined)} whole</span>`,
    ...found.map((cause) => `<span>${swatch(cause)} ${cause}: ${CAUSE_LOOKS[cause].note}</span>`),
  ];
  const sentence =
    `Each cell is ${covers}, row by row from the plaintext’s start; a cell is filled as far as it is lost, ` +
    `and far enough to be seen where anything is. Point at a cell for its bytes.`;
  const [width, height] = [columns * side + LABELS, rows * side + 2];
  return [
    '<section><h2>The plaintext</h2>',
    `<p class="legend">${legend.join('')}</p>`,
    `<svg class="grid" viewBox="${-LABELS} 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(damageHeadline(map))}">`,
    `<defs>${CAUSES.map(pattern).join('')}</defs>`,
    labels.join(''),
    shapes.join(''),
    '</svg>',
    `<p class="note">${escaped(sentence)}</p></section>`,
  ].join('\n');
}

function cellShape(cell: Cell, x: number, y: number, side: number): string {
  const { start, end, lost, cause } = cell;
  const range = rangeText(cell, 'no bytes');
  if (cause === undefined) {
    return `<rect class="ok" x="${x}" y="${y}" width="${side}" height="${side}"><title>${range}: whole</title></rect>`;
  }
  const part = end > start ? lost / (end - start) : 1;
  const least = side < 12 ? side - 3 : side / 3;
  const height = Math.max(Math.ceil(least), Math.round(side * Math.min(1, part)));
  const title = `${range}: ${formatCount(lost)} bytes lost, ${cause}`;
  const place = `x="${x}" y="${y + side - height}" width="${side}" height="${height}"`;
  const whole = `<rect class="ok" x="${x}" y="${y}" width="${side}" height="${side}"/>`;
  return `<g><title>${title}</title>${whole}<rect class="${cause}" ${place}/><rect fill="url(#${cause})" ${place}/></g>`;
}

/** Causes also differ in their pattern: not all readers and printers distinguish colours. */
function pattern(cause: LossCause): string {
  return `<pattern id="${cause}" class="ink" width="6" height="6" patternUnits="userSpaceOnUse">${CAUSE_LOOKS[cause].pattern}</pattern>`;
}

function swatch(cause: LossCause | undefined): string {
  const box = `x="0" y="0" width="14" height="14"`;
  const overlay = cause === undefined ? '' : `<rect fill="url(#${cause})" ${box}/>`;
  return `<svg class="swatch" width="14" height="14" aria-hidden="true"><rect class="${cause ?? 'ok'}" ${box}/>${overlay}</svg>`;
}

function lostTable({ lost, lostIsMerged }: DamageMap): string {
  const head =
    '<th>plaintext bytes</th><th>size</th><th>segments</th><th>bytes of the file</th><th>cause</th><th></th>';
  const notes = lostIsMerged ? ['There were more ranges than a map holds; its last one spans the rest.'] : [];
  return table('What is lost', head, lost.slice(0, MOST_ROWS).map(lostRow), lost.length, notes);
}

/** A section with a table of some of `count` rows; nothing without rows. */
function table(title: string, head: string, rows: string[], count: number, notes: string[] = []): string {
  if (rows.length === 0) return '';
  const more = count - rows.length;
  if (more > 0) notes = [`And ${formatCount(more)} more: see the JSON.`, ...notes];
  return [
    `<section><h2>${title}</h2><div class="wide"><table><thead><tr>${head}</tr></thead><tbody>`,
    ...rows,
    '</tbody></table></div>',
    ...notes.map((note) => `<p class="note">${escaped(note)}</p>`),
    '</section>',
  ].join('\n');
}

function lostRow(range: LostRange): string {
  const { plaintextRange, sealedRange, segment: first, segmentCount, cause, message } = range;
  const cells = [
    rangeText(spanOf(plaintextRange)),
    formatSize(plaintextRange.length),
    segmentCount === 1
      ? formatCount(first)
      : `${formatCount(first)} – ${formatCount(first + segmentCount - 1)}`,
    sealedRange === undefined ? 'unknown' : rangeText(spanOf(sealedRange)),
  ];
  const numbers = cells.map((cell) => `<td class="number">${escaped(cell)}</td>`).join('');
  return `<tr>${numbers}<td class="cause">${swatch(cause)} ${cause}</td><td>${escaped(message)}</td></tr>`;
}

/** A range by its first and last byte. */
function rangeText({ start, end }: Span, empty = 'none'): string {
  return end > start ? `${formatCount(start)} – ${formatCount(end - 1)}` : empty;
}

function conflictTable({ conflicts, conflictCount }: DamageMap): string {
  const rows = conflicts.slice(0, MOST_CONFLICTS).map(({ segment, message }) => {
    return `<tr><td class="number">${formatCount(segment)}</td><td>${escaped(message)}</td></tr>`;
  });
  const head = '<th>segment</th><th></th>';
  return table('Segments that were sealed more than once', head, rows, conflictCount);
}

function footnotes(map: DamageMap): string {
  const notes = [
    'All that came back was authenticated with the key. What is said of lost bytes is what their remains show.',
    ...(map.unreadable > 0 ? [`${formatSize(map.unreadable)} of the file could not be read at all.`] : []),
    ...(map.otherStreams.length > 0
      ? [
          `The file also holds headers of ${counted(map.otherStreams.length, 'other stream')}: ${map.otherStreams.join(', ')}.`,
        ]
      : []),
    `File: ${formatCount(map.sourceSize)} bytes. Output: ${formatCount(map.outputSize)} bytes. Stream ${map.streamId}, ` +
      `${formatCount(extent(map))} bytes in frames of ${formatSize(map.frameSize)}, digest ${map.digest}. ` +
      `Took ${formatDuration(map.stats.elapsedMs)}.`,
  ];
  return `<footer>${notes.map((note) => `<p>${escaped(note)}</p>`).join('')}</footer>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What each cause means, and its pattern. */
const CAUSE_LOOKS: Readonly<Record<LossCause, { readonly note: string; readonly pattern: string }>> = {
  missing: { note: 'not there, or unreadable', pattern: '' },
  rot: { note: 'changed by accident', pattern: '<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5"/>' },
  tampering: { note: 'changed on purpose', pattern: '<path d="M0 0L6 6M6 0L0 6"/>' },
  unknown: { note: 'can’t be told', pattern: '<circle cx="3" cy="3" r="1"/>' },
};
const CAUSES = Object.keys(CAUSE_LOOKS) as LossCause[];
const END_NOTES: Readonly<Record<DamageMap['end'], string>> = {
  verified: 'the manifest is authentic',
  damaged: 'it is there, and can’t be relied on',
  tampered: 'its authentication code does not match',
  missing: 'none was found',
};
const HEADER_NAMES: Readonly<Record<DamageMap['header']['origin'], string>> = {
  start: 'its own',
  copy: 'its copy',
  given: 'one given',
  scan: 'found by search',
};
const WIDTH = 960;
const LABELS = 76;
const MOST_ROWS = 500;
const MOST_CONFLICTS = 100;
