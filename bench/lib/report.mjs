// @ts-check
/** Benchmark results: as values, as a Markdown table, and as a chart. */

/**
 * @typedef {object} Result
 * @property {string} name  The comparison.
 * @property {string} unit  Of `subject` and `reference`.
 * @property {number} subject
 * @property {number} reference
 * @property {number} ratio  Median of the pairs' ratios. Where `sense` is 'at most': a size or a time instead.
 * @property {number} low
 * @property {number} high
 * @property {number} target  The project's own target for `ratio`; 0 for none.
 * @property {'at least' | 'at most'} sense
 */

/**
 * The result of a comparison of speeds: the amount of work divided by the seconds measured.
 *
 * @param {string} name
 * @param {{ unit: string, amount: number, target?: number }} work
 * @param {import('./measure.mjs').Pair} pair
 * @returns {Result}
 */
export function speedResult(name, { unit, amount, target = 0 }, { subject, reference, ratio, low, high }) {
  const [ours, theirs] = [amount / subject.median, amount / reference.median];
  return { name, unit, subject: ours, reference: theirs, ratio, low, high, target, sense: 'at least' };
}

/** @param {Result} result */
export const meetsTarget = (result) =>
  result.target === 0 ||
  (result.sense === 'at least' ? result.ratio >= result.target : result.ratio <= result.target);

/** @param {readonly Result[]} results */
export function markdownTable(results) {
  const rows = results.map((result) => [
    result.name,
    `${figure(result.subject)} ${result.unit}`,
    `${figure(result.reference)} ${result.unit}`,
    `${result.ratio.toFixed(2)} (${result.low.toFixed(2)} to ${result.high.toFixed(2)})`,
    result.target === 0
      ? ''
      : `${result.sense} ${String(result.target)}${meetsTarget(result) ? '' : ', missed'}`,
  ]);
  return alignedTable(['comparison', 'sealstream', 'reference', 'ratio, median (range)', 'target'], rows);
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function alignedTable(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (/** @type {readonly string[]} */ row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** @param {number} value */
function figure(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/**
 * An SVG chart of all comparisons of speeds: a bar for each median, a line for the range, a mark for the target.
 *
 * @param {readonly Result[]} results
 * @returns {Promise<string>}
 */
export async function svgChart(results) {
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const values = results
    .filter(({ sense }) => sense === 'at least')
    .map((result) => ({ ...result, target: result.target || null, meets: meetsTarget(result) }));
  const y = /** @type {const} */ ({ field: 'name', type: 'nominal', sort: null, title: null });
  const { spec } = compile({
    title: 'Speed over the reference (bar: median; line: range; black mark: target)',
    background: 'white',
    width: 500,
    height: { step: 30 },
    data: { values },
    encoding: { y: { ...y, axis: { labelLimit: 400 } } },
    layer: [
      {
        mark: { type: 'bar', height: 18 },
        encoding: {
          x: { field: 'ratio', type: 'quantitative', title: 'ratio' },
          color: {
            field: 'meets',
            scale: { domain: [true, false], range: ['#2b7a4b', '#b3541e'] },
            legend: null,
          },
        },
      },
      {
        mark: { type: 'rule', color: '#999', strokeWidth: 2 },
        encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } },
      },
      {
        mark: { type: 'tick', color: 'black', thickness: 2, size: 26 },
        encoding: { x: { field: 'target', type: 'quantitative' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 8 },
        encoding: {
          x: { field: 'high', type: 'quantitative' },
          text: { field: 'ratio', type: 'quantitative', format: '.2f' },
        },
      },
    ],
  });
  return `${await new View(parse(spec), { renderer: 'none' }).toSVG()}\n`;
}
