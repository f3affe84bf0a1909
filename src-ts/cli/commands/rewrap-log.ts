// What a rewrap of many files has done, so that the next run goes on behind it: a line of JSON for each step.

import { resolve } from 'node:path';

import { inspect } from '../../index';

import type { LogFile } from '../files/log-file';

interface Line {
  readonly file: string;
  readonly streamId: string;
  /** The header's revision that the change makes, or made. */
  readonly revision: number;
  /** What is changed: a line of another change says nothing about this one. */
  readonly change: string;
  readonly done: boolean;
  /** The change that was begun was not made. */
  readonly failed?: true;
}

/** How far a change of a file has come. */
export type State = 'open' | 'interrupted' | 'done';

/** Whether the text is a line of a log. */
export function isLogLine(text: string): boolean {
  return lineOf(text) !== undefined;
}

/** The log of one change. */
export class RewrapLog {
  readonly #known = new Map<string, Line>();
  /** Lines of what is under way, which say how it is called where it fails. */
  readonly #begun = new Map<string, Omit<Line, 'change'>>();

  constructor(
    readonly log: LogFile,
    readonly change: string,
  ) {
    for (const text of log.lines()) this.#take(text);
  }

  /**
   * How far a file's change has come: it was made where the header is at least of the revision that a line of the log names, and
   * half-way where only the header's copy is. A file that was sealed anew since then has had none.
   */
  async stateOf(file: string): Promise<State> {
    const line = this.#known.get(resolve(file));
    if (line === undefined) return 'open';
    try {
      const { streamId, headerRevision, headerFromCopy } = await inspect(file);
      const isThere = streamId === line.streamId && headerRevision >= line.revision;
      if (!isThere) return 'open';
      return line.done || !headerFromCopy ? 'done' : 'interrupted';
    } catch {
      // Whoever works on it will tell.
      return 'open';
    }
  }

  /**
   * Notes that a file's change begins.
   *
   * @throws CommandError, as do the others, where the log can't be written.
   */
  async begin(file: string): Promise<void> {
    const info = await inspect(file).catch(() => undefined);
    // What can't be looked at fails by itself.
    if (info === undefined) return;
    const line = { file, streamId: info.streamId, revision: info.headerRevision + 1, done: false };
    this.#begun.set(file, line);
    this.#add(line);
  }

  /** Notes that a file's change is done. */
  done(file: string, { streamId, revision }: { streamId: string; revision: number }): void {
    this.#begun.delete(file);
    this.#add({ file, streamId, revision, done: true });
  }

  /** Notes that a file's change was not made: whatever raises its revision later, it was not this change. */
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

/** `undefined` for what is torn, or no line of a log. */
function lineOf(text: string): Line | undefined {
  let found: Partial<Record<keyof Line, unknown>> | null;
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    return undefined;
  }
  const { file, streamId, revision, change, done, failed } = found ?? {};
  const isWhole =
    typeof file === 'string' &&
    typeof streamId === 'string' &&
    typeof revision === 'number' &&
    typeof change === 'string' &&
    typeof done === 'boolean' &&
    (failed === undefined || failed === true);
  return isWhole ? { file, streamId, revision, change, done, ...(failed === true && { failed }) } : undefined;
}
