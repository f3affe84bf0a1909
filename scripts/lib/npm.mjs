// @ts-check
// Runs npm on every platform.

import { run } from './process.mjs';

/**
 * Runs npm.
 *
 * @param {string} cwd
 * @param {...string} args
 * @returns {Promise<import('./process.mjs').Finished>}
 */
export function runNpm(cwd, ...args) {
  // If npm started this script, it names its own file. Windows would start `npm` only through a shell.
  const file = process.env['npm_execpath'];
  if (file?.endsWith('.js') === true) return run(process.execPath, [file, ...args], { cwd });
  if (process.platform === 'win32') return run('cmd.exe', ['/d', '/c', 'npm', ...args], { cwd });
  return run('npm', args, { cwd });
}

/**
 * Runs npm and throws if it fails.
 *
 * @param {string} cwd
 * @param {...string} args
 * @returns {Promise<void>}
 * @throws Error with npm's output.
 */
export async function npm(cwd, ...args) {
  const { code, output, error } = await runNpm(cwd, ...args);
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? output}`);
}
