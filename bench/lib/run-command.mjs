// @ts-check
/** Runs the commands that the benchmarks compare with, and the engine's bare kernels. */
import { run as runProgram } from '../../scripts/lib/process.mjs';

/**
 * Runs a command and returns its standard output.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string>}
 * @throws Error if the command fails.
 */
export async function run(command, args) {
  const { code, stdout, output, error } = await runProgram(command, args, { cwd: process.cwd() });
  if (code !== 0) throw error ?? new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
  return stdout;
}

/**
 * Builds the engine's kernels.
 *
 * @returns {Promise<(...args: string[]) => Promise<number>>} Runs one kernel and gives its bytes per second.
 */
export async function buildKernels() {
  const messages = await run('cargo', [
    'build', '--release', '--quiet', '-p', 'sealstream', '--bench', 'kernels', '--message-format=json',
  ]); // prettier-ignore
  const built = messages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => /** @type {{ executable?: string, target?: { name: string } }} */ (JSON.parse(line)))
    .find((message) => message.executable && message.target?.name === 'kernels');
  const executable = built?.executable;
  if (!executable) throw new Error('cargo built no kernels');
  return async (...args) => Number(await run(executable, args));
}
