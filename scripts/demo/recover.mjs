// @ts-check
// A damaged file, checked without the key, and what can be had of it.

import { rm } from 'node:fs/promises';

import { counted, duration, grouped, heading, rate, row, size } from './text.mjs';

/**
 * @param {import('../demo.mjs').Sealstream} sealstream
 * @param {string} sealed  It has one damaged frame.
 * @param {string} output  A path where nothing is, and nothing will be.
 * @param {import('../../src-ts/index.js').SecretKey} key
 */
export async function showRecovery({ verify, salvage }, sealed, output, key) {
  heading('Check the file without the key, and get back what is not hit');
  const { problems, streamSize, elapsedMs } = await verify(sealed);
  row('verify', `${counted(problems.length, 'problem')}, found at ${rate(streamSize, elapsedMs)}`);
  for (const { index, plaintextRange } of problems) {
    row('', `segment ${index}: plaintext bytes ${rangeText(plaintextRange)}`);
  }
  const map = await salvage(sealed, output, { key, flush: false });
  await rm(output);
  const { recovered, lost, lostBytes } = map;
  row(
    'salvage',
    `${size(recovered.bytes)} came back, ${size(lostBytes)} did not, in ${duration(map.elapsedMs)}`,
  );
  for (const { plaintextRange, cause } of lost)
    row('', `${cause}: plaintext bytes ${rangeText(plaintextRange)}`);
}

/** @param {{ start: number, end: number } | undefined} range */
function rangeText(range) {
  return range === undefined ? 'none' : `${grouped(range.start)} to ${grouped(range.end)}`;
}
