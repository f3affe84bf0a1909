// @ts-check
/**
 * The benchmarks: `npm run bench -- [--folder DIR] [--size MiB] [--rounds N] [--only GROUP | --save]`.
 *
 * Each figure is measured in pairs in this one run. docs/BENCHMARKS.md explains the figures.
 */
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism, cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setup } from '../scripts/setup.mjs';
import { makeSourceFile } from './lib/source-file.mjs';
import { markdownTable } from './lib/report.mjs';
import { buildKernels } from './lib/run-command.mjs';
import { saveResults } from './lib/save.mjs';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: fileURLToPath(new URL('.work', import.meta.url)) },
    size: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
  },
});
if (values.save && values.only !== '') {
  throw new Error('--save keeps whole runs only, so it cannot be combined with --only');
}
const [size, rounds] = [Number(values.size) * 2 ** 20, Number(values.rounds)];
const folder = resolve(values.folder);
const threads = availableParallelism();
const source = join(folder, 'source');

await setup();
const kernel = await buildKernels();
await mkdir(folder, { recursive: true });
const setting = { source, size, folder, threads, rounds, kernel };

// The cases load the package, so they can be imported only after setup. Memory comes first: after files of 1 GiB the system
// is short of fresh pages for a while.
/** @type {Record<string, () => Promise<AsyncIterable<import('./lib/report.mjs').Result>>>} */
const groups = {
  memory: async () => (await import('./cases/memory.mjs')).memoryCases(rounds),
  files: async () => (await import('./cases/files.mjs')).fileCases(setting),
  journal: async () => (await import('./cases/journal.mjs')).journalCases(setting),
  recovery: async () => (await import('./cases/recovery.mjs')).recoveryCases(setting),
  rewrap: async () => (await import('./cases/rewrap.mjs')).rewrapCases(setting),
  streams: async () => (await import('./cases/streams.mjs')).streamCases(setting),
  'random-access': async () => (await import('./cases/random-access.mjs')).randomAccessCases(setting),
  peak: async () => (await import('./cases/peak-memory.mjs')).peakMemoryCases(folder),
};
const wanted = Object.keys(groups).filter((name) => name.includes(values.only));
if (wanted.length === 0) throw new Error(`--only takes one of ${Object.keys(groups).join(', ')}`);

/** @type {import('./lib/report.mjs').Result[]} */
const results = [];
let hasSource = false;
try {
  for (const name of wanted) {
    if (!hasSource && !['memory', 'peak'].includes(name)) {
      await makeSourceFile(source, size);
      hasSource = true;
    }
    for await (const result of await /** @type {() => Promise<AsyncIterable<any>>} */ (groups[name])()) {
      results.push(result);
      console.log(`${result.name}: ${result.ratio.toFixed(2)}`);
    }
  }
} finally {
  await rm(source, { force: true });
}

const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${threads} threads, ${process.platform} ${release()}, Node ${process.versions.node}`;
console.log(
  `\n${machine}; ${values.size} MiB, median of ${values.rounds} pairs\n\n${markdownTable(results)}`,
);
if (values.save) await saveResults({ machine, mebibytes: Number(values.size), pairs: rounds, results });
