// @ts-check
/** Commands that the benchmarks compare with, and the engine's bare kernels. */
import { spawn } from 'node:child_process';

/**
 * Runs a command to its end and returns what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string>}
 */
export function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (output += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${String(code)}`));
    });
  });
}

/**
 * Builds the engine's kernels and returns a function that runs one and gives its bytes a second.
 *
 * @returns {Promise<(...args: string[]) => Promise<number>>}
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
