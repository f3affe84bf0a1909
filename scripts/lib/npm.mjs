// @ts-check
// Runs npm, which is not the same everywhere.

import { run } from './process.mjs';

/**
 * Runs npm to its end.
 *
 * @param {string} cwd
 * @param {...string} args
 * @returns {Promise<import('./process.mjs').Finished>}
 */
export function runNpm(cwd, ...args) {
  // npm's own file where npm runs this and names it, since Windows starts `npm` only through a shell.
  const file = process.env['npm_execpath'];
  if (file?.endsWith('.js') === true) return run(process.execPath, [file, ...args], { cwd });
  if (process.platform === 'win32') return run('cmd.exe', ['/d', '/c', 'npm', ...args], { cwd });
  return run('npm', args, { cwd });
}

/**
 * The same, for whoever has no answer to a failure.
 *
 * @param {string} cwd
 * @param {...string} args
 * @returns {Promise<void>}
 * @throws Error with what npm said, if it fails.
 */
export async function npm(cwd, ...args) {
  const { code, output, error } = await runNpm(cwd, ...args);
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? output}`);
}
