// @ts-check
/**
 * The benchmarks. `npm run bench -- [--folder DIR] [--size MiB] [--rounds N] [--only NAME] [--save]`
 *
 * Everything is measured in pairs in this one run; see docs/BENCHMARKS.md for what each figure means.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { plot, table } from './lib/report.mjs';
import { buildKernels } from './lib/run-command.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: join(here, '.work') },
    size: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
  },
});
const [size, rounds] = [Number(values.size) * 2 ** 20, Number(values.rounds)];
const folder = resolve(values.folder);
const threads = availableParallelism();
const wanted = (/** @type {string} */ name) => name.includes(values.only);

const { setup } = await import('../scripts/setup.mjs');
await setup();
const kernel = await buildKernels();
await mkdir(folder, { recursive: true });

/** @type {import('./lib/report.mjs').Result[]} */
const results = [];
const note = (/** @type {import('./lib/report.mjs').Result} */ result) => {
  results.push(result);
  console.log(`${result.name}: ${result.ratio.toFixed(2)}`);
};

const source = join(folder, 'source');
try {
  // Memory first: a file of 1 GiB leaves the system short of fresh pages for a while.
  if (wanted('memory')) {
    const { largeBuffer, smallRecords } = await import('./cases/memory.mjs');
    note(await largeBuffer(rounds));
    for await (const result of smallRecords(rounds)) note(result);
  }
  if (['files', 'journal', 'recovery', 'rewrap', 'streams', 'random-access'].some(wanted))
    await makeFile(source);
  if (wanted('files')) {
    const { fileCases } = await import('./cases/files.mjs');
    for await (const result of fileCases({ source, size, folder, threads, rounds, kernel })) note(result);
  }
  if (wanted('journal')) {
    const { journal } = await import('./cases/journal.mjs');
    note(await journal({ source, size, folder, threads, rounds }));
  }
  if (wanted('recovery')) {
    const { recoveryCases } = await import('./cases/recovery.mjs');
    for await (const result of recoveryCases({ source, size, folder, threads, rounds })) note(result);
  }
  if (wanted('rewrap')) {
    const { rewrapCases } = await import('./cases/rewrap.mjs');
    for await (const result of rewrapCases({ source, folder, threads, rounds })) note(result);
  }
  if (wanted('streams')) {
    const { streamCases } = await import('./cases/streams.mjs');
    for await (const result of streamCases({ source, size, folder, rounds })) note(result);
  }
  if (wanted('random-access')) {
    const { randomAccess } = await import('./cases/random-access.mjs');
    for await (const result of randomAccess({ source, size, folder, rounds })) note(result);
  }
  if (wanted('peak')) {
    const { peakMemory } = await import('./cases/peak-memory.mjs');
    for await (const result of peakMemory(folder)) note(result);
  }
} finally {
  await rm(source, { force: true });
}

const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${String(threads)} threads, ${process.platform} ${release()}, Node ${process.versions.node}`;
console.log(`\n${machine}; ${values.size} MiB, median of ${values.rounds} pairs\n\n${table(results)}`);
if (values.save) {
  const saved = join(here, 'results');
  await mkdir(saved, { recursive: true });
  const text = JSON.stringify({ machine, mebibytes: Number(values.size), pairs: rounds, results }, null, 2);
  await writeFile(join(saved, 'latest.json'), `${text}\n`);
  await writeFile(
    join(saved, 'latest.md'),
    `${machine}; ${values.size} MiB, ${values.rounds} pairs\n\n${table(results)}\n`,
  );
  await writeFile(join(saved, 'latest.svg'), plot(results));
}

/**
 * Random bytes, so that nothing on the way can compress them, and in the page cache from then on.
 *
 * @param {string} path
 */
async function makeFile(path) {
  const file = await open(path, 'w');
  const chunk = randomBytes(16 * 2 ** 20);
  for (let written = 0; written < size; written += chunk.length) {
    chunk.writeBigUInt64LE(BigInt(written));
    await file.write(chunk, 0, Math.min(chunk.length, size - written));
  }
  await file.sync();
  await file.close();
}
