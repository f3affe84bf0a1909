#!/usr/bin/env node
// @ts-check
// Installs and builds what a clone lacks before it can run: the development tools, the native addon and the compiled façade.
// Skips what is up to date. Uses only Node's own modules, because it runs before anything is installed.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { buildNative } from './build-native.mjs';
import { atLeast, hasStamp, installedAsLocked, stateOf, writeStamp } from './lib/fresh.mjs';
import { runNpm } from './lib/npm.mjs';
import { run } from './lib/process.mjs';

/** An error that the user can fix; the message says how. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * Installs, builds and compiles what is missing or stale.
 *
 * @returns {Promise<void>}
 * @throws {SetupError} if a step fails. The output of the failing program has been printed.
 */
export async function setup() {
  checkNode();
  await installTools();
  await buildAddon();
  await compileFacade();
}

function checkNode() {
  const oldest = String(readJson('package.json').engines.node).replace('>=', '');
  const found = process.versions.node;
  if (!atLeast(found, oldest)) {
    throw new SetupError(
      `this is Node.js ${found}, and ${oldest} or newer is needed: install it, then try again`,
    );
  }
}

async function installTools() {
  const installed = 'node_modules/.package-lock.json';
  if (existsSync(path(installed)) && installedAsLocked(readJson('package-lock.json'), readJson(installed)))
    return;

  await step('installing the development tools (npm ci)', () =>
    runNpm(root, 'ci', '--no-audit', '--no-fund'),
  );
}

async function buildAddon() {
  const sources = ['Cargo.toml', 'Cargo.lock', '.cargo', 'src-rs', 'scripts/build-native.mjs'];
  // A quick check, so that an unchanged tree costs nothing. Cargo decides what it compiles.
  const made = from('native', sources);
  if (addonExists() && made.isCurrent) return;

  await checkRust();
  await step('building the native addon (cargo, release)', () => buildNative());
  made.remember();
}

async function checkRust() {
  const manifest = readFileSync(path('Cargo.toml'), 'utf8');
  const oldest = /^rust-version\s*=\s*"([\d.]+)"/m.exec(manifest)?.[1] ?? OLDEST_RUST;
  const [rustc, cargo] = [
    await run('rustc', ['--version'], { cwd: root }),
    await run('cargo', ['-V'], { cwd: root }),
  ];
  if (rustc.code !== 0 || cargo.code !== 0) {
    throw new SetupError(
      `Rust is missing, and ${oldest} or newer is needed: install it from https://rustup.rs`,
    );
  }
  const found = /\d+\.\d+\.\d+/.exec(rustc.stdout)?.[0] ?? 'unknown';
  if (!atLeast(found, oldest)) {
    throw new SetupError(
      `this is Rust ${found}, and ${oldest} or newer is needed: run \`rustup update stable\``,
    );
  }
}

async function compileFacade() {
  const sources = ['src-ts', 'tsconfig.json', 'tsconfig.build.json', 'native/binding.d.ts'];
  const made = from('dist', sources);
  if (existsSync(path('dist/index.js')) && made.isCurrent) return;

  const compile = () => {
    // dist must not keep the output of a removed source.
    rmSync(path('dist'), { recursive: true, force: true });
    const tsc = path('node_modules/typescript/bin/tsc');
    return run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root });
  };
  await step('compiling the façade (tsc)', compile);
  made.remember();
}

/**
 * Runs one step and prints a line with its duration; prints the program's output if it failed.
 *
 * @param {string} what
 * @param {() => Promise<import('./lib/process.mjs').Finished>} action
 */
async function step(what, action) {
  const began = Date.now();
  process.stdout.write(`setup: ${what} … `);
  const { code, output, error } = await action();
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  if (code !== 0) {
    process.stdout.write(`failed after ${seconds} s\n`);
    process.stderr.write(output);
    throw new SetupError(`${what} failed${error === undefined ? '' : `: ${error.message}`}`);
  }
  process.stdout.write(`${seconds} s\n`);
}

function addonExists() {
  const addon = `sealstream.${process.platform}-${process.arch}`;
  return (
    existsSync(path('native/binding.d.ts')) &&
    readdirSync(path('native')).some((name) => name.startsWith(addon) && name.endsWith('.node'))
  );
}

/**
 * Whether the build `name` is current with these sources, and a function that saves that it is.
 *
 * @param {string} name
 * @param {readonly string[]} sources
 */
function from(name, sources) {
  const stamp = join(stamps, name);
  const state = stateOf(sources.map(path));
  return { isCurrent: hasStamp(stamp, state), remember: () => writeStamp(stamp, state) };
}

/**
 * @param {string} name
 * @returns {any}
 */
function readJson(name) {
  return JSON.parse(readFileSync(path(name), 'utf8'));
}

/** @param {string} name */
function path(name) {
  return join(root, name);
}

const root = fileURLToPath(new URL('..', import.meta.url));
// Inside node_modules, so a fresh install rebuilds everything.
const stamps = path('node_modules/.cache/sealstream');
// Used if Cargo.toml names no version.
const OLDEST_RUST = '1.95';

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await setup();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`setup: ${error.message}\n`);
    process.exitCode = 1;
  }
}
