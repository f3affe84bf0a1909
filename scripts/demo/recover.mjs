// @ts-check
// Checks a damaged file without the key, and salvages it.

import { rm } from 'node:fs/promises';

import { counted, duration, grouped, heading, rate, row, size } from './text.mjs';

/**
 * @param {import('../demo.mjs').Sealstream} sealstream
 * @param {string} sealed  A file with one damaged frame.
 * @param {string} output  An unused path; removed again.
 * @param {import('../../src-ts/index.js').SecretKey} key
 */
export async function showRecovery({ verify, salvage }, sealed, output, key) {
  heading('Check the file without the key, and salvage the intact frames');
  const { problems, sealedSize, stats } = await verify(sealed);
  row('verify', `${counted(problems.length, 'problem')}, found at ${rate(sealedSize, stats.elapsedMs)}`);
  for (const { segment, plaintextRange } of problems) {
    row('', `segment ${segment}: plaintext bytes ${rangeText(plaintextRange)}`);
  }
  const map = await salvage(sealed, output, { key, flush: false });
  // There is no output if nothing could be salvaged.
  await rm(output, { force: true });
  const { recovered, lost, lostBytes } = map;
  row(
    'salvage',
    `${size(recovered.bytes)} came back, ${size(lostBytes)} did not, in ${duration(map.stats.elapsedMs)}`,
  );
  for (const { plaintextRange, cause } of lost)
    row('', `${cause}: plaintext bytes ${rangeText(plaintextRange)}`);
}

/** @param {import('sealstream').ByteRange | undefined} range */
function rangeText(range) {
  return range === undefined
    ? 'none'
    : `${grouped(range.offset)} to ${grouped(range.offset + range.length - 1)}`;
}
