// The log of a rewrap of many files, by which the next run skips what is done: a line of JSON for each step.

import { resolve } from 'node:path';

import { inspect } from '../../../index';

import type { LogFile } from '../../files/log-file';

interface Line {
  readonly file: string;
  readonly streamId: string;
  /** The header's revision after the change. */
  readonly revision: number;
  /** The change's fingerprint. Lines of other changes are ignored. */
  readonly change: string;
  readonly done: boolean;
  /** The change failed. */
  readonly failed?: true;
}

/** State of a file's change. */
export type ChangeState = 'open' | 'interrupted' | 'done';

/** Whether a text is a line of a log. */
export function isLogLine(text: string): boolean {
  return lineOf(text) !== undefined;
}

/** The log of one change. */
export class RewrapLog {
  readonly #known = new Map<string, Line>();
  /** Lines of changes that have begun, for the line of one that fails. */
  readonly #begun = new Map<string, Omit<Line, 'change'>>();

  constructor(
    readonly log: LogFile,
    readonly change: string,
  ) {
    for (const text of log.lines()) this.#take(text);
  }

  /**
   * The state of a file's change: done if the header has at least the revision that the log names, interrupted if only the
   * header's copy has it. A file that was encrypted again since has another stream id, and is open.
   */
  async stateOf(file: string): Promise<ChangeState> {
    const line = this.#known.get(resolve(file));
    if (line === undefined) return 'open';
    // If it can't be inspected, rewrapping it will tell why.
    const info = await inspect(file).catch(() => undefined);
    const isMade = info?.streamId === line.streamId && info.headerRevision >= line.revision;
    if (!isMade) return 'open';
    return line.done || !info.headerFromCopy ? 'done' : 'interrupted';
  }

  /**
   * Logs that a file's change begins.
   *
   * @throws CommandError if the log can't be written, as do `done` and `failed`.
   */
  async begin(file: string): Promise<void> {
    const info = await inspect(file).catch(() => undefined);
    // Rewrapping it will fail.
    if (info === undefined) return;
    const line = { file, streamId: info.streamId, revision: info.headerRevision + 1, done: false };
    this.#begun.set(file, line);
    this.#add(line);
  }

  /** Logs that a file's change is done. */
  done(file: string, { streamId, revision }: { streamId: string; revision: number }): void {
    this.#begun.delete(file);
    this.#add({ file, streamId, revision, done: true });
  }

  /** Logs that a file's change failed: if its revision rises later, another change did it. */
  failed(file: string): void {
    const line = this.#begun.get(file);
    this.#begun.delete(file);
    if (line) this.#add({ ...line, failed: true });
  }

  #add({ file, ...rest }: Omit<Line, 'change'>): void {
    const line = { file: resolve(file), ...rest, change: this.change, at: new Date().toISOString() };
    this.log.add(JSON.stringify(line));
  }

  #take(text: string): void {
    const line = lineOf(text);
    if (line?.change !== this.change) return;
    if (line.failed === true) this.#known.delete(line.file);
    else this.#known.set(line.file, line);
  }
}

/** The line in a text; `undefined` if it is incomplete, or not a log line. */
function lineOf(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Line | null;
    if (line === null || ![undefined, true].includes(line.failed)) return undefined;
    return LINE_TYPES.every(([name, type]) => typeof line[name] === type) ? line : undefined;
  } catch {
    return undefined;
  }
}

const LINE_TYPES = [
  ['file', 'string'],
  ['streamId', 'string'],
  ['revision', 'number'],
  ['change', 'string'],
  ['done', 'boolean'],
] as const;
