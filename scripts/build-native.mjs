#!/usr/bin/env node
// @ts-check
// Builds the binding crate into native/: the addon, named for its platform, and binding.d.ts, the types of what
// it exports. Arguments go on to `napi build`, as in `npm run build:native -- --target aarch64-apple-darwin`.

import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { run } from './lib/process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {{ args?: readonly string[], show?: boolean }} [options]  `show` passes the compiler's output through.
 * @returns {Promise<import('./lib/process.mjs').Finished>}
 */
export function buildNative({ args = [], show = false } = {}) {
  return run(process.execPath, [NAPI, 'build', ...ARGUMENTS, ...args], { cwd: root, show });
}

// The command's own file, not node_modules/.bin: that is a shell script on Windows.
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
  // The façade has its own loader, which says what to do when there is no binary.
  '--no-js',
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { code } = await buildNative({ args: process.argv.slice(2), show: true });
  process.exitCode = code ?? 1;
}
