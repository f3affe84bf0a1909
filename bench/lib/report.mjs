// @ts-check
/** Results as a table for people, JSON for machines and a plot. */

/**
 * @typedef {object} Result
 * @property {string} name what is compared
 * @property {string} unit of the two figures
 * @property {number} subject
 * @property {number} reference
 * @property {number} ratio
 * @property {number} low
 * @property {number} high
 * @property {number} target the ratio that the project sets itself; 0 for none
 * @property {'at least' | 'at most'} sense
 */

/** @param {Result} result */
export const meets = (result) =>
  result.target === 0 ||
  (result.sense === 'at least' ? result.ratio >= result.target : result.ratio <= result.target);

/** @param {Result[]} results */
export function table(results) {
  const rows = results.map((result) => [
    result.name,
    `${figure(result.subject)} ${result.unit}`,
    `${figure(result.reference)} ${result.unit}`,
    `${result.ratio.toFixed(2)} (${result.low.toFixed(2)} to ${result.high.toFixed(2)})`,
    result.target === 0 ? '' : `${result.sense} ${String(result.target)}${meets(result) ? '' : ', missed'}`,
  ]);
  const all = [['comparison', 'sealstream', 'reference', 'ratio, median (range)', 'target'], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (/** @type {string[]} */ row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(all[0] ?? []), rule, ...rows.map(line)].join('\n');
}

/** @param {number} value */
function figure(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/**
 * A bar for each ratio, a whisker for its range and a mark for its target, as one SVG that needs nothing else.
 *
 * @param {Result[]} all
 */
export function plot(all) {
  const results = all.filter((result) => result.sense === 'at least');
  const [rowHeight, left, width] = [34, 330, 860];
  const height = 64 + results.length * rowHeight;
  const largest = Math.max(...results.map((result) => Math.max(result.high, result.target))) * 1.08;
  const x = (/** @type {number} */ ratio) => left + (ratio / largest) * (width - left - 70);
  const bars = results.map((result, row) => {
    const y = 46 + row * rowHeight;
    const colour = meets(result) ? '#2b7a4b' : '#b3541e';
    const target = result.target
      ? `<path d="M${x(result.target)} ${y - 4}v26" stroke="#111" stroke-width="2"/>`
      : '';
    return `<text x="${left - 10}" y="${y + 13}" text-anchor="end">${escape(result.name)}</text>
<rect x="${left}" y="${y}" width="${x(result.ratio) - left}" height="18" fill="${colour}"/>
<path d="M${x(result.low)} ${y + 9}H${x(result.high)}" stroke="#999" stroke-width="2"/>${target}
<text x="${x(Math.max(result.high, result.target)) + 8}" y="${y + 13}">${result.ratio.toFixed(2)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="12" y="24" font-weight="bold">How many times as fast as the reference (bar: median; line: range; black mark: target)</text>
${bars.join('\n')}
</svg>
`;
}

/** @param {string} text */
const escape = (text) => text.replace(/[&<>]/g, (character) => `&#${String(character.charCodeAt(0))};`);
