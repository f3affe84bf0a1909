#!/usr/bin/env node
// @ts-check
// Tries every capability of the installed package on every runtime, and prints a table.
// `npm run matrix -- [--only RUNTIME] [--save]`; `--save` writes the table into docs/RUNTIMES.md. The exit code is 1 if a
// capability fails without a reason listed below, or works although one is listed.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { replaceSection } from './lib/marked-section.mjs';
import { run } from './lib/process.mjs';
import { installRuntimes, makeApplication, runtimes } from './matrix/runtimes.mjs';
import { surprises, table } from './matrix/table.mjs';
import { setup } from './setup.mjs';

/** @type {import('./matrix/table.mjs').Gap[]} */
const GAPS = ['`using`', '`await using`'].map((capability) => ({
  runtimes: ['node-20', 'node-22'],
  capability,
  note: 'No `using` and `await using` in the language yet; call `dispose()` and `close()`.',
}));

/** @type {Record<string, string>} */
const REMARKS = {
  deno:
    'With a `node_modules` folder and the flags `--allow-ffi --allow-read=node_modules`. `httpSource` also needs ' +
    '`--allow-net`, and the AWS SDK `--allow-env`. Deno’s permissions do not limit native code, which reads and writes files.',
};

/** Milliseconds allowed for one trial, far more than any needs. */
const TIMEOUT = 60_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, save: { type: 'boolean', default: false } },
});

await setup();
const wanted = runtimes().filter(({ id }) => id.includes(values.only));
const folder = join(root, '.matrix');
say('installing runtimes and the package');
const binaries = await installRuntimes(join(folder, 'runtimes'), runtimes());
const application = join(folder, 'application');
await makeApplication(root, application);
const capabilities = await names();

/** @type {import('./matrix/table.mjs').Column[]} */
const columns = [];
for (const runtime of wanted) {
  say(runtime.title);
  /** @type {Record<string, string | undefined>} */
  const failures = {};
  const left = [...capabilities];
  const lane = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      failures[name] = await attempt(runtime, name);
      if (failures[name] !== undefined) say(`  ${name}: ${failures[name]}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  columns.push({ id: runtime.id, title: runtime.title, failures });
}

const result = table(capabilities, columns, { gaps: GAPS, remarks: REMARKS });
process.stdout.write(`${result}\n`);
if (values.save) {
  if (wanted.length < runtimes().length)
    throw new Error('--save writes the whole table, so it cannot be combined with --only');
  const page = join(root, 'docs', 'RUNTIMES.md');
  writeFileSync(page, replaceSection(readFileSync(page, 'utf8'), 'matrix', result));
}
const unexpected = surprises(columns, GAPS);
for (const surprise of unexpected) say(`not as expected: ${surprise}`);
process.exitCode = unexpected.length === 0 ? 0 : 1;

/**
 * Runs one trial in a process of its own, so that a crash fails that trial alone.
 *
 * @param {import('./matrix/runtimes.mjs').Runtime} runtime
 * @param {string} name
 * @returns {Promise<string | undefined>} What went wrong, if anything.
 */
async function attempt(runtime, name) {
  const place = mkdtempSync(join(tmpdir(), 'sealstream-matrix-'));
  const program = binaries.get(runtime.id) ?? '';
  const flags = [...runtime.flags, ...(runtime.more?.[name] ?? [])];
  const env = { ...process.env, NO_COLOR: '1', SEALSTREAM_MATRIX_RUN: JSON.stringify([program, ...flags]) };
  try {
    const args = [...flags, 'main.mjs', name, place];
    const { code, signal, stdout, output } = await run(program, args, {
      cwd: application,
      env,
      timeout: TIMEOUT,
    });
    const isDone = stdout.trimEnd().endsWith('ok');
    if (code === 0 && isDone) return undefined;
    if (signal === 'SIGKILL') return isDone ? 'the process does not end' : 'it hangs';
    if (signal !== null) return `the process crashes (${signal})`;
    return isDone ? `the process ends with ${code}` : firstError(output) || `the process ends with ${code}`;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** @returns {Promise<string[]>} */
async function names() {
  const { code, stdout, output } = await run(process.execPath, ['main.mjs'], { cwd: application });
  if (code !== 0) throw new Error(`the list of trials cannot be read: ${output}`);
  return JSON.parse(stdout);
}

/**
 * The line of an uncaught error with its message.
 *
 * @param {string} output
 */
function firstError(output) {
  const lines = output.split(/\r?\n/).map((line) => line.trim());
  return lines.find((line) => /error\b.*:/i.test(line)) ?? lines.find((line) => line !== '');
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`matrix: ${text}\n`);
}
