// The report of a command that processes many files: a line or an object for each, and a summary.

import { printable } from '../terminal/console';
import { exitCodes, worstOf } from '../errors/exit-codes';
import type { Explanation } from '../errors/explanation';
import { jsonError, type Status, statusOf } from './envelope';

/** What a command found or did in one file, or why it failed. */
export type FileResult<T> =
  { readonly path: string; readonly report: T } | { readonly path: string; readonly failure: Explanation };

/** The report of one command. */
export abstract class FilesReport<T> {
  readonly #began = Date.now();
  readonly #exitCodes = new Set<number>();

  /** Files by their status. */
  protected readonly counts: Record<Status, number> = {
    ok: 0,
    skipped: 0,
    partial: 0,
    damaged: 0,
    failed: 0,
  };

  /** The exit code for what was found in a file, if that is not 0. */
  protected abstract exitCodeOf(report: T): number | undefined;

  /** The status of a file for which nothing was done; `undefined` for all others. */
  protected statusWithoutReport(_report: T): Status | undefined {
    return undefined;
  }

  /** Text about a file: the rest of its first line, and further lines. */
  protected abstract describe(report: T): readonly [first: string, ...below: string[]];

  /** The report in a file's object; `undefined` if there is none. */
  protected abstract properties(report: T): object | undefined;

  /** One line about all files, and advice below it. */
  protected abstract total(): readonly string[];

  /** Properties of the summary. */
  protected abstract sums(): object;

  /** Counts a file. */
  add(result: FileResult<T>): void {
    const { status, exitCode } = this.#assess(result);
    this.counts[status] += 1;
    if (exitCode !== undefined) this.#exitCodes.add(exitCode);
  }

  #assess(result: FileResult<T>): { status: Status; exitCode: number | undefined } {
    const exitCode = 'report' in result ? this.exitCodeOf(result.report) : result.failure.exitCode;
    const skipped = 'report' in result ? this.statusWithoutReport(result.report) : undefined;
    return { status: skipped ?? statusOf(exitCode ?? exitCodes.success), exitCode };
  }

  /** Whether --quiet leaves the file out. */
  isGood(result: FileResult<T>): boolean {
    return this.#assess(result).exitCode === undefined;
  }

  /** Lines about a file. */
  text(result: FileResult<T>): string {
    const { status, exitCode } = this.#assess(result);
    const head = (exitCode === undefined ? status : status.toUpperCase()).padEnd(STATUS_WIDTH);
    const { path } = result;
    if ('report' in result) {
      const [first, ...below] = this.describe(result.report);
      return lines([`${head}${path}: ${first}`, ...below.map(indented)]);
    }
    const { message, advice } = result.failure;
    const text = message.includes(path) ? message : `${path}: ${message}`;
    return lines([`${head}${text}`, ...(advice === '' ? [] : [indented(advice)])]);
  }

  /** The same as an object. */
  object(result: FileResult<T>): object {
    const { status } = this.#assess(result);
    const file = result.path;
    if ('failure' in result) return { file, status, error: jsonError(result.failure) };
    return { file, status, report: this.properties(result.report) };
  }

  summaryText(): string {
    return lines(this.total());
  }

  summaryObject(exitCode: number = this.exitCode): object {
    const { elapsedMs } = this;
    return { status: statusOf(exitCode), summary: { ...this.sums(), elapsedMs, exitCode } };
  }

  /** The worst exit code of the files. */
  get exitCode(): number {
    return worstOf(this.#exitCodes);
  }

  /** Milliseconds since the command began. */
  protected get elapsedMs(): number {
    return Date.now() - this.#began;
  }
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${printable(line)}\n`).join('');
}

function indented(line: string): string {
  return `  ${line}`;
}

const STATUS_WIDTH = 9;
