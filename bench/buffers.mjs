// @ts-check
/**
 * Speed of `encrypt(bytes)` against another built checkout, and of 64 MiB against WebCrypto, in one run:
 * `node bench/buffers.mjs --before DIR [--save]`.
 *
 * Single calls alternate. Each figure is the ratio of the times that a tenth of the calls stay below: on a busy machine, only those show
 * the work itself.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { seconds } from './lib/measure.mjs';

const { values } = parseArgs({
  options: { before: { type: 'string' }, save: { type: 'boolean', default: false } },
});
if (values.before === undefined) throw new Error('name the other checkout: --before DIR');
const root = fileURLToPath(new URL('..', import.meta.url));
const [KIB, MIB] = [1024, 1024 * 1024];

/** @param {string} checkout */
async function sealing(checkout) {
  /** @type {typeof import('../src-ts/index.js')} */
  const { encrypt, SecretKey } = await import(pathToFileURL(join(checkout, 'dist', 'index.mjs')).href);
  const key = SecretKey.generate();
  return (/** @type {Uint8Array} */ bytes) => encrypt(bytes, { key });
}

const before = await sealing(resolve(values.before));
const after = await sealing(root);
const subtleKey = await webcrypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt']);

/** WebCrypto, with four calls of 1 MiB in flight. @param {Uint8Array} bytes */
async function subtle(bytes) {
  let next = 0;
  const lane = async () => {
    while (next < bytes.length) {
      const chunk = bytes.subarray(next, (next += MIB));
      await webcrypto.subtle.encrypt({ name: 'AES-GCM', iv: randomBytes(12) }, subtleKey, chunk);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
}

/** @type {[string, number, number, (bytes: Uint8Array) => Promise<unknown>][]} */
const cases = [
  ['1 KiB', KIB, 4000, before],
  ['64 KiB', 64 * KIB, 3000, before],
  ['1 MiB', MIB, 1500, before],
  ['64 MiB', 64 * MIB, 60, before],
  ['64 MiB, against WebCrypto', 64 * MIB, 60, subtle],
];
const rows = [
  '| `encrypt` | reference, µs | this checkout, µs | speed against the reference |',
  '|---|--:|--:|--:|',
];
for (const [name, size, calls, reference] of cases) {
  const bytes = randomBytes(size);
  /** @type {[number[], number[]]} */
  const times = [[], []];
  for (let call = 0; call < calls; call += 1) {
    const order = call % 2 === 0 ? [0, 1] : [1, 0];
    for (const side of order)
      times[side === 0 ? 0 : 1].push(await seconds(() => [reference, after][side]?.(bytes)));
  }
  const [referenceTime, ownTime] = times.map(lowTenth);
  if (referenceTime === undefined || ownTime === undefined) throw new Error('no times');
  const figures = [referenceTime * 1e6, ownTime * 1e6].map((time) => time.toFixed(0));
  rows.push(`| ${name} | ${figures.join(' | ')} | ${(referenceTime / ownTime).toFixed(2)} |`);
  console.log(rows.at(-1));
}
if (values.save) {
  const head = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.versions.node}`;
  await writeFile(join(root, 'bench', 'results', 'buffers.md'), `${head}\n\n${rows.join('\n')}\n`);
}

/** The time that a tenth of the calls stay below, after a tenth of warm-up. @param {number[]} times */
function lowTenth(times) {
  const sorted = times.slice(times.length / 10).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 10)];
}
