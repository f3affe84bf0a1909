#!/usr/bin/env node
// @ts-check
// Runs the tests that use age's own commands: `npm run test:age`. Builds the commands from source, which needs Go and,
// the first time, the network.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { run } from './lib/process.mjs';
import { setup } from './setup.mjs';

/** Post-quantum keys need age 1.3 or newer. */
const VERSION = 'v1.3.2';
const COMMANDS = ['age', 'age-keygen'];

/**
 * Runs the tests that use age's commands. Call {@link setup} first.
 *
 * @returns {Promise<import('./lib/counts.mjs').Counts | string>} The reason, as text, if age could not be built.
 */
export async function testAge() {
  const commands = join(root, 'target/age', VERSION);
  const problem = await build(commands);
  if (problem !== undefined) return problem;
  // Uses an installed package, so it can be loaded only after setup.
  const { countTap } = await import('./lib/counts.mjs');
  const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs');
  const { code, stdout } = await run(process.execPath, [ava, '--tap', '__test__/age/**'], {
    cwd: root,
    show: true,
    env: { ...process.env, AGE_COMMANDS: commands },
  });
  return countTap(stdout, code);
}

/**
 * Builds age's commands unless `folder` already has them.
 *
 * @param {string} folder
 * @returns {Promise<string | undefined>} The reason if they could not be built.
 */
async function build(folder) {
  const ending = process.platform === 'win32' ? '.exe' : '';
  if (COMMANDS.every((name) => existsSync(join(folder, name + ending)))) return undefined;
  const go = await findGo();
  if (go === undefined) return 'building age needs Go, which is not installed';
  const packages = COMMANDS.map((name) => `filippo.io/age/cmd/${name}@${VERSION}`);
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' };
  const { code, output } = await run(go, ['install', ...packages], { cwd: root, env });
  return code === 0 ? undefined : `age could not be built: ${output.trim()}`;
}

/** @returns {Promise<string | undefined>} */
async function findGo() {
  const usual =
    process.platform === 'win32'
      ? [String.raw`C:\Program Files\Go\bin\go.exe`]
      : ['/usr/local/go/bin/go', '/opt/homebrew/bin/go', '/usr/lib/go/bin/go'];
  for (const go of ['go', ...usual]) {
    if ((await run(go, ['version'], { cwd: root })).code === 0) return go;
  }
  return undefined;
}

const root = fileURLToPath(new URL('..', import.meta.url));

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await setup();
  const counts = await testAge();
  if (typeof counts === 'string') process.stderr.write(`NOT RUN: ${counts}\n`);
  process.exitCode = typeof counts !== 'string' && counts.failed === 0 ? 0 : 1;
}
