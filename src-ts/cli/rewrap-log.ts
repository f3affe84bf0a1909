// What a rewrap of many files has done, so that the next run goes on behind it: a line of JSON for each step.

import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync } from 'node:fs';
import { resolve } from 'node:path';

import { inspect } from '../index';

import { writeAll } from './console';

interface Line {
  readonly file: string;
  readonly streamId: string;
  /** The header's revision that the change makes, or made. */
  readonly revision: number;
  /** What is changed: a line of another change says nothing about this one. */
  readonly change: string;
  readonly done: boolean;
}

/** The log of one change. */
export class RewrapLog {
  readonly #known = new Map<string, Line>();
  readonly #fd: number;

  /** Reads what the file says, if it is there, and opens it to be added to. */
  constructor(
    path: string,
    readonly change: string,
  ) {
    this.#fd = openSync(path, 'a+', 0o600);
    for (const text of readFileSync(path, 'utf8').split('\n')) this.#take(text);
    // The last line may be torn.
    const { size } = fstatSync(this.#fd);
    const last = Buffer.alloc(1);
    if (size > 0 && readSync(this.#fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) {
      writeAll(this.#fd, '\n');
    }
  }

  /**
   * Whether a file has had its change: its header is at least of the revision that a line of the log names, of a change that was
   * done, or that was begun and not interrupted within. A file that was sealed anew since then has not.
   */
  async has(file: string): Promise<boolean> {
    const line = this.#known.get(resolve(file));
    if (line === undefined) return false;
    try {
      const { streamId, headerRevision, headerFromCopy } = await inspect(file);
      const isThere = streamId === line.streamId && headerRevision >= line.revision;
      return isThere && (line.done || !headerFromCopy);
    } catch {
      // Whoever works on it will tell.
      return false;
    }
  }

  /** Notes that a file's change begins. */
  async begin(file: string): Promise<void> {
    const info = await inspect(file).catch(() => undefined);
    // What can't be looked at fails by itself.
    if (info) this.#add({ file, streamId: info.streamId, revision: info.headerRevision + 1, done: false });
  }

  /** Notes that a file's change is done. */
  done(file: string, { streamId, revision }: { streamId: string; revision: number }): void {
    this.#add({ file, streamId, revision, done: true });
  }

  close(): void {
    closeSync(this.#fd);
  }

  #add({ file, ...rest }: Omit<Line, 'change'>): void {
    const line = { file: resolve(file), ...rest, change: this.change, at: new Date().toISOString() };
    writeAll(this.#fd, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#fd);
  }

  #take(text: string): void {
    try {
      const line = JSON.parse(text) as Partial<Line> | null;
      if (
        typeof line?.file === 'string' &&
        typeof line.revision === 'number' &&
        line.change === this.change
      ) {
        this.#known.set(line.file, line as Line);
      }
    } catch {
      // Torn, or empty.
    }
  }
}

const NEWLINE = 0x0a;
