// Programs that run for themselves.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Runs a program to its end; flags and code are of the tests' own making. The code is `SIGTERM` where it does not end. */
export async function node(
  flags: string[],
  program: string,
  timeout = 60_000,
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const args = [...flags, '--input-type=module', '--eval', program];
  try {
    return {
      code: 0,
      ...(await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout })),
    };
  } catch (error) {
    const { code, signal, stdout, stderr } = error as Record<
      'code' | 'signal' | 'stdout' | 'stderr',
      unknown
    >;
    return { code: code ?? signal, stdout: String(stdout), stderr: String(stderr) };
  }
}
