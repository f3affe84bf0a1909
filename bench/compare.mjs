// @ts-check
/**
 * Compares this checkout with another built checkout of the project, in one run and in pairs:
 * `npm run bench:compare -- --before DIR [--pairs N] [--size MiB] [--only NAME] [--folder DIR]`.
 *
 * Prints, for each path, how many times as fast this checkout is: the median of the pairs' ratios, and their range.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setup } from '../scripts/setup.mjs';
import { compareCases, prepare } from './cases/compare.mjs';
import { inPairs } from './lib/measure.mjs';
import { alignedTable } from './lib/report.mjs';

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    pairs: { type: 'string', default: '11' },
    size: { type: 'string', default: '512' },
    only: { type: 'string', default: '' },
    folder: { type: 'string', default: fileURLToPath(new URL('.work', import.meta.url)) },
  },
});
if (values.before === undefined) throw new Error('name the other checkout: --before DIR');
const [size, pairs] = [Number(values.size) * 2 ** 20, Number(values.pairs)];

await setup();
/** @param {string} checkout */
const load = (checkout) =>
  /** @type {Promise<import('./cases/compare.mjs').Sealstream>} */ (
    import(pathToFileURL(join(checkout, 'dist', 'index.mjs')).href)
  );
const before = await load(resolve(values.before));
const after = await load(fileURLToPath(new URL('..', import.meta.url)));

await mkdir(values.folder, { recursive: true });
const folder = await mkdtemp(join(values.folder, 'compare-'));
/** @type {string[][]} */
const rows = [];
try {
  // Both sides read the same input files, which the other checkout has sealed.
  const inputs = await prepare(before, { folder, size, threads: availableParallelism() });
  const [old, own] = await Promise.all([compareCases(before, inputs), compareCases(after, inputs)]);
  for (const [name, measureBefore] of Object.entries(old.cases)) {
    const measureAfter = own.cases[name];
    if (!name.includes(values.only) || measureAfter === undefined) continue;
    const { subject, reference, ratio, low, high } = await inPairs(measureAfter, measureBefore, pairs);
    const milliseconds = [reference, subject].map(({ median }) => (median * 1000).toFixed(2));
    rows.push([name, ...milliseconds, ratio.toFixed(3), `${low.toFixed(2)} to ${high.toFixed(2)}`]);
    console.log(`${name}: ${ratio.toFixed(3)} (${low.toFixed(2)} to ${high.toFixed(2)})`);
  }
  await Promise.all([old.close(), own.close()]);
} finally {
  await rm(folder, { recursive: true, force: true });
}
const head = ['path', 'before, ms', 'after, ms', 'speed after / before', 'range'];
console.log(`\n${values.size} MiB, ${pairs} pairs\n\n${alignedTable(head, rows)}`);
