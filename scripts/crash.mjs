#!/usr/bin/env node
// @ts-check
// The long tests of killed operations and damaged streams:
// `npm run test:crash -- [--kills N] [--seed N]`

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { run } from './lib/process.mjs';
import { setup } from './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];

await setup();
// These modules load the package, so they can be loaded only after setup.
const part = (/** @type {string} */ name) => import(pathToFileURL(join(root, 'scripts/crash', name)).href);
const { killAtRandom } = await part('kill.mjs');
const { killRewrapping } = await part('rewrap.mjs');
const folder = await mkdtemp(join(tmpdir(), 'sealstream-crash-'));
process.stdout.write(`seed ${seed}; repeat with --seed ${seed}\n`);
try {
  for (const direction of ['encrypt', 'decrypt']) {
    const outcome = await killAtRandom({ direction, kills, seed, folder: join(folder, direction) });
    const { finished, resumed, startedOver } = outcome;
    process.stdout.write(
      `${direction}File: ${outcome.kills} kills, ${finished} operations finished, ` +
        `${resumed} segments resumed, ${startedOver} started over\n`,
    );
    if (resumed === 0) throw new Error('no segment was resumed, so the test tested nothing');
  }
  for (const place of ['in place', 'new file']) {
    const outcome = await killRewrapping({ place, kills, seed, folder: join(folder, place) });
    const { done, between, left } = outcome;
    if (kills >= 100 && between + left === 0) throw new Error('no kill hit a running rewrap');
    process.stdout.write(
      `rewrap, ${place}: ${outcome.kills} kills, ${done} rewraps done, ` +
        (place === 'in place'
          ? `${between} ended between copy and header\n`
          : `${left} left an unfinished file\n`),
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const env = { ...process.env, SEALSTREAM_SALVAGE_CASES: '500' };
const salvage = await run('cargo', ['test', '-p', 'sealstream', 'salvage'], { cwd: root, show: true, env });
process.exitCode = salvage.code === 0 ? 0 : 1;
