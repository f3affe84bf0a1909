// Runs the command, for tests.

import { type ChildProcess, spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

/** The command's file, as `bin` in package.json names it. */
export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The result of a run. */
export interface RunResult {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

/** The surroundings of a run. */
export interface Run {
  cwd?: string;
  env?: Record<string, string>;
  input?: Buffer | string;
  stdio?: StdioOptions;
  /** Run in a new session, which has no terminal. */
  detached?: boolean;
}

/** Runs `sealstream` with these arguments to its end, and fails if it prints a stack. */
export async function sealstream(
  args: readonly string[],
  { input = '', ...run }: Run = {},
): Promise<RunResult> {
  const child = start(args, run);
  child.stdin?.end(input);
  return end(child);
}

/** Starts `sealstream`, for a test that acts on the running process. */
export function start(args: readonly string[], run: Run = {}): ChildProcess {
  const child = program(process.execPath, [main, ...args], run);
  // A command that ends early closes its input: not a failure of the test.
  child.stdin?.on('error', () => undefined);
  return child;
}

/** Starts any program. */
export function program(
  file: string,
  args: readonly string[],
  { cwd, env = {}, stdio = 'pipe', detached = false }: Run = {},
) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SEALSTREAM_'));
  return spawn(file, args, { cwd, stdio, detached, env: { ...Object.fromEntries(inherited), ...env } });
}

/** Waits for a program's end, and collects its output. */
export function end(child: ChildProcess): Promise<RunResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const text = Buffer.concat(stderr).toString();
      if (STACK.test(text)) reject(new Error(`it showed a stack:\n${text}`));
      else resolve({ code, stdout: Buffer.concat(stdout), stderr: text });
    });
  });
}

/** An empty folder for one test. */
export function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealstream-cli-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** A folder with a key in `my.key`. */
export async function folderWithKey(t: ExecutionContext): Promise<string> {
  const cwd = folder(t);
  const { code, stderr } = await sealstream(['keygen', '-o', 'my.key'], { cwd });
  if (code !== 0) throw new Error(stderr);
  return cwd;
}

/** The names in a folder, in order. */
export function names(path: string): string[] {
  return readdirSync(path).sort();
}

/** A text as a JSON object. */
export function parsed(text: Buffer | string): Record<string, unknown> {
  return JSON.parse(text.toString()) as Record<string, unknown>;
}

/** The error in the last line that a command with --json printed: on standard output, unless that is for data. */
export function jsonError({ stdout, stderr }: Pick<RunResult, 'stdout' | 'stderr'>): JsonError {
  const [line = ''] = (stdout.toString().trimEnd() || stderr.trimEnd()).split('\n').reverse();
  return parsed(line)['error'] as JsonError;
}

/** An error in JSON. */
export interface JsonError {
  code: string;
  message: string;
  advice?: string;
  exitCode: number;
  failure?: { kind: string };
  map?: object;
}

/** The report in a line that a command with --json printed. */
export function jsonReport(text: Buffer | string): Record<string, unknown> {
  return parsed(text)['report'] as Record<string, unknown>;
}

/** Keys to type as soon as the terminal shows a new text. */
export type Keys = readonly [shown: string, keys: string];

/** Runs a shell command line, in which `sealstream` is defined, on a terminal, and returns the screen. */
export async function onTerminal(
  commandLine: string,
  run: Run = {},
  typed: readonly Keys[] = [],
): Promise<{ code: number | null; screen: string }> {
  const [file, ...args] = terminalProgram?.(`sealstream() { "$NODE" "$MAIN" "$@"; }; ${commandLine}`) ?? [];
  if (file === undefined) throw new Error('there is no program here that makes a terminal');
  const env = { NODE: process.execPath, MAIN: main, TERM: 'xterm', ...run.env };
  const input = typed.length === 0 ? 'ignore' : 'pipe';
  const child = program(file, args, { ...run, env, stdio: [input, 'pipe', 'pipe'] });
  type(child, typed);
  const { code, stdout } = await end(child);
  const screen = stdout.toString();
  if (STACK.test(screen)) throw new Error(`it showed a stack:\n${screen}`);
  return { code, screen };
}

/** Types the keys as soon as their texts appear. */
function type(child: ChildProcess, typed: readonly Keys[]): void {
  const rest = [...typed];
  let [screen, seen] = ['', 0];
  child.stdin?.on('error', () => undefined);
  child.stdout?.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    for (let [next] = rest; next !== undefined; [next] = rest) {
      const place = screen.indexOf(next[0], seen);
      if (place === -1) return;
      seen = place + next[0].length;
      child.stdin?.write(next[1]);
      rest.shift();
    }
  });
  child.on('exit', () => child.stdin?.end());
}

function findTerminalProgram(): ((commandLine: string) => string[]) | undefined {
  const script = spawnSync('script', ['--version'], { encoding: 'utf8' });
  if (!script.error && script.stdout.includes('util-linux')) {
    return (commandLine) => ['script', '-qec', commandLine, '/dev/null'];
  }
  if (spawnSync('python3', ['-c', 'import pty']).status === 0) {
    return (commandLine) => ['python3', '-c', PYTHON, 'sh', '-c', commandLine];
  }
  return undefined;
}

/** The start of a terminal's control sequence. */
export const ESCAPE = '\x1b';

const PYTHON = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
const STACK = /^\s+at .+:\d+:\d+/m;
const terminalProgram = findTerminalProgram();

/** Whether tests can use a terminal here: with `script` of util-linux, or with Python. */
export const hasTerminal = terminalProgram !== undefined;
