#!/usr/bin/env node
// @ts-check
// Builds the binding into native/: the addon, named after its platform, and binding.d.ts with the types of its exports.
// Arguments are passed to `napi build`, as in `npm run build:native -- --target aarch64-apple-darwin`.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { run } from './lib/process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {{ args?: readonly string[], show?: boolean }} [options]  `show` passes the compiler's output through.
 * @returns {Promise<import('./lib/process.mjs').Finished>}
 */
export async function buildNative({ args = [], show = false } = {}) {
  const finished = await run(process.execPath, [NAPI, 'build', ...ARGUMENTS, ...args], { cwd: root, show });
  if (finished.code === 0) unquoteComments(join(root, 'native', 'binding.d.ts'));
  return finished;
}

/**
 * Mends doc comments: a Rust macro passes its comments on as raw strings, and napi-derive copies their `r"` into the types.
 *
 * @param {string} file
 */
function unquoteComments(file) {
  const types = readFileSync(file, 'utf8');
  writeFileSync(file, types.replaceAll(/^( *(?:\/\*\*|\*) )r(#*)" ?(.*?)(?:"\2)?( \*\/)?$/gm, '$1$3$4'));
}

// The command's own file: node_modules/.bin has shell scripts on Windows.
const NAPI = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js');

const ARGUMENTS = [
  '--release',
  '--platform',
  '--manifest-path',
  'src-rs/node/Cargo.toml',
  '--output-dir',
  'native',
  '--dts',
  'binding.d.ts',
  // The façade has its own loader, with its own error for a missing binary.
  '--no-js',
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { code } = await buildNative({ args: process.argv.slice(2), show: true });
  process.exitCode = code ?? 1;
}
