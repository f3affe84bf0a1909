#!/usr/bin/env node
// @ts-check
// Everything that CI checks before the tests, cheap checks first: `npm run check`. Stops at the first failure.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run } from './lib/process.mjs';
import { setup, SetupError } from './setup.mjs';

async function check() {
  await step('cargo', ['fmt', '--all', '--check']);
  // --locked: an outdated Cargo.lock must fail here, not be updated.
  await step('cargo', ['clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings']);
  await step('cargo', ['doc', '--package', 'sealstream', '--no-deps', '--locked', '--quiet'], {
    ...process.env,
    RUSTDOCFLAGS: '-D warnings',
  });
  await checkDependencies();
  await setup();
  await tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.');
  await tool('eslint/bin/eslint.js', '--max-warnings', '0', '.');
  await tool('typescript/bin/tsc', '-p', 'tsconfig.json');
  await tool('publint/src/cli.js', '--strict');
  await step(process.execPath, ['scripts/release-packages.mjs', '--check']);
}

/** Licences, crates and sources of the Rust dependencies, and known vulnerabilities if their database can be had. */
async function checkDependencies() {
  if ((await run('cargo', ['deny', '--version'], { cwd: root })).code !== 0) {
    notRun('cargo deny', 'it is not installed; `cargo install --locked cargo-deny` installs it');
    return;
  }
  await step('cargo', ['deny', 'check', 'licenses', 'bans', 'sources']);
  const fetched = await run('cargo', ['deny', 'fetch', 'db'], { cwd: root });
  if (fetched.code === 0) await step('cargo', ['deny', 'check', 'advisories']);
  else notRun('cargo deny check advisories', 'the advisory database cannot be fetched');
}

/**
 * Runs an installed tool by its own file: the commands in node_modules/.bin are shell scripts on Windows.
 *
 * @param {string} file  Below node_modules.
 * @param {...string} args
 */
function tool(file, ...args) {
  return step(process.execPath, [join(root, 'node_modules', file), ...args]);
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function step(program, args, env = process.env) {
  const command = [program === process.execPath ? 'node' : program, ...args].join(' ');
  print(`\n== ${command.replaceAll(root, '')}`);
  const { code, error } = await run(program, args, { cwd: root, show: true, env });
  if (code !== 0)
    throw new CheckError(`failed: ${command}${error === undefined ? '' : `: ${error.message}`}`);
}

/**
 * @param {string} what
 * @param {string} reason
 */
function notRun(what, reason) {
  print(`\n== ${what}\nNOT RUN: ${reason}`);
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}

class CheckError extends Error {}

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  await check();
} catch (error) {
  if (!(error instanceof CheckError || error instanceof SetupError)) throw error;
  process.stderr.write(`check: ${error.message}\n`);
  process.exitCode = 1;
}
