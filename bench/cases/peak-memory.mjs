// @ts-check
/** Peak memory of processes that seal or open a large file, less that of a process that only loads the package. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../lib/run-command.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {string} folder
 * @returns {AsyncGenerator<Result>}
 */
export async function* peakMemoryCases(folder) {
  const [source, sealed, target] = ['sparse', 'sealed', 'output'].map((name) => join(folder, name));
  if (!source || !sealed || !target) throw new Error('no names');
  const file = await open(source, 'w');
  await file.truncate(4 * 2 ** 30);
  await file.close();
  const child = fileURLToPath(new URL('./peak-memory-child.mjs', import.meta.url));
  const mebibytes = async (/** @type {string[]} */ ...args) =>
    Number(await run(process.execPath, [child, ...args])) / 1024;
  try {
    const idle = await mebibytes();
    yield overIdle('sealing 4 GiB', idle, await mebibytes('encryptFile', source, sealed), TARGET);
    await rm(sealed);
    yield overIdle('copying 4 GiB by streams', idle, await mebibytes('copy', source, target), 0);
    await rm(target);
    yield overIdle('sealing 4 GiB by streams', idle, await mebibytes('encrypt', source, sealed), TARGET);
    yield overIdle('opening 4 GiB by streams', idle, await mebibytes('decrypt', sealed, target), TARGET);
  } finally {
    await Promise.all([source, sealed, target].map((path) => rm(path, { force: true })));
  }
}

/**
 * @param {string} work
 * @param {number} idle
 * @param {number} busy
 * @param {number} target
 * @returns {Result}
 */
function overIdle(work, idle, busy, target) {
  const ratio = busy - idle;
  return {
    name: `peak memory over idle, ${work}`,
    unit: 'MiB',
    subject: busy,
    reference: idle,
    ratio,
    low: ratio,
    high: ratio,
    target,
    sense: 'at most',
  };
}

/** MiB. */
const TARGET = 64;
