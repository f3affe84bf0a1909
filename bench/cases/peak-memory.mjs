// @ts-check
/** Peak memory of a process that seals a large file, over that of one that only loads the package. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../lib/run-command.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {string} folder
 * @returns {Promise<Result>}
 */
export async function peakMemory(folder) {
  const source = join(folder, 'sparse');
  const target = join(folder, 'sealed');
  const file = await open(source, 'w');
  await file.truncate(4 * 2 ** 30);
  await file.close();
  const child = fileURLToPath(new URL('./peak-memory-child.mjs', import.meta.url));
  const mebibytes = async (/** @type {string[]} */ args) =>
    Number(await run(process.execPath, [child, ...args])) / 1024;
  const idle = await mebibytes([]);
  const busy = await mebibytes([source, target]);
  await Promise.all([source, target].map((path) => rm(path, { force: true })));
  const over = busy - idle;
  return {
    name: 'peak memory over idle, sealing 4 GiB',
    unit: 'MiB',
    subject: busy,
    reference: idle,
    ratio: over,
    low: over,
    high: over,
    target: 64,
    sense: 'at most',
  };
}
