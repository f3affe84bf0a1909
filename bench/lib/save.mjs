// @ts-check
/** Keeps the results of a whole run, and the figures that the README takes from them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replaceSection } from '../../scripts/lib/marked-section.mjs';
import { alignedTable, markdownTable, svgChart } from './report.mjs';

/** @typedef {{ machine: string, mebibytes: number, pairs: number, results: import('./report.mjs').Result[] }} Run */

/**
 * Writes bench/results and the README's section "bench".
 *
 * @param {Run} run  A whole run.
 */
export async function saveResults(run) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'latest.json'), `${JSON.stringify(run, null, 2)}\n`);
  await writeSaved();
}

/** Writes everything that follows from bench/results/latest.json. */
export async function writeSaved() {
  /** @type {Run} */
  const run = JSON.parse(await readFile(join(folder, 'latest.json'), 'utf8'));
  const { machine, mebibytes, pairs, results } = run;
  const head = `${machine}; ${mebibytes} MiB, ${pairs} pairs`;
  await writeFile(join(folder, 'latest.md'), `${head}\n\n${markdownTable(results)}\n`);
  await writeFile(join(folder, 'latest.svg'), await svgChart(results));
  const text = await readFile(readme, 'utf8');
  await writeFile(readme, replaceSection(text, 'bench', readmeFigures(run)));
}

/**
 * The README's figures: speeds of the main functions. Empty unless the run has all of them.
 *
 * @param {Run} run
 */
export function readmeFigures({ machine, mebibytes, pairs, results }) {
  const rows = Object.entries(README_ROWS).map(([name, text]) => {
    const result = results.find((candidate) => candidate.name === name);
    return (
      result && [text, `${result.ratio.toFixed(2)} (${result.low.toFixed(2)} to ${result.high.toFixed(2)})`]
    );
  });
  const found = rows.filter((row) => row !== undefined);
  if (found.length < rows.length) return '';
  const table = alignedTable(['comparison', 'speed ratio, median (range)'], found);
  return `${table}\n\nA ratio above 1 means that sealstream is faster. Measured on ${machine}; a file of ${mebibytes} MiB in the page cache, ${pairs} pairs.`;
}

/** The comparisons in the README, by their names in the results. */
const README_ROWS = {
  'encryptFile / cp': '`encryptFile` over `cp`',
  'decryptFile / cp': '`decryptFile` over `cp`',
  'encryptFile / createCipheriv pipeline': '`encryptFile` over a `createCipheriv` pipeline',
  'createEncryptStream, 64 KiB / createCipheriv':
    '`createEncryptStream` over `createCipheriv`, chunks of 64 KiB',
  'createDecryptStream, 64 KiB / createDecipheriv':
    '`createDecryptStream` over `createDecipheriv`, chunks of 64 KiB',
  'encrypt, 64 MiB / crypto.subtle': '`encrypt` of 64 MiB over `crypto.subtle`',
  'encryptSync, 1 KiB / createCipheriv': '`encryptSync` of 1 KiB over `createCipheriv`',
};

const folder = fileURLToPath(new URL('../results', import.meta.url));
const readme = fileURLToPath(new URL('../../README.md', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeSaved();
