// Runs a command over many files: several at once, with a line for each and a summary.

import type { Arguments } from './arguments';
import { failureContext, inContext } from './run-operation';
import { CommandError } from '../errors/command-error';
import { explain } from '../errors/explain';
import type { FoundFile } from '../files/sealed-files';
import type { FileResult, FilesReport } from '../reports/files-report';
import { printJson } from '../reports/envelope';
import { STDOUT, writeAll } from '../terminal/console';
import { interruptible, Interruption } from '../terminal/interrupt';
import { type ProgressBar, progressBar, summed } from '../terminal/progress';

/** What to do with files. */
export interface FilesTask<T> {
  readonly files: AsyncGenerator<FoundFile, void, undefined>;
  /** How many files are processed at once. */
  readonly concurrency: number;
  /** The path, if there is only one file: the progress bar then shows how much of it is done. */
  readonly onlyPath?: string | undefined;
  readonly report: FilesReport<T>;
  readonly process: (
    path: string,
    run: { signal: AbortSignal; onProgress: ProgressBar['listener'] },
  ) => Promise<T>;
  /** Called after the file's result was printed. */
  readonly afterFile?: (result: FileResult<T>, signal: AbortSignal) => Promise<void> | void;
  /** Advice for a command that a signal stopped. With it, the summary is printed too. */
  readonly adviceAfterSignal?: string;
}

/**
 * Processes the files and prints their results. A failure of a file is a result; the others go on.
 *
 * @returns The exit code.
 * @throws Interruption for a signal; CommandError if the log can't be written; the system's errors of standard output.
 */
export async function processFiles<T>(args: Arguments, task: FilesTask<T>): Promise<number> {
  const { report, onlyPath, process, afterFile, adviceAfterSignal } = task;
  const { command } = args;
  const [isQuiet, isJson] = [args.has('quiet'), args.has('json')];
  const bar = progressBar(!isQuiet && !isJson);
  const nextListener = summed(bar.listener);
  const stop = new AbortController();
  const interrupt = interruptible();
  const signal = AbortSignal.any([interrupt.signal, stop.signal]);
  const printSummary = (exitCode = report.exitCode): void => {
    if (isJson) printJson({ command, ...report.summaryObject(exitCode) });
    else if (!isQuiet) writeAll(STDOUT, report.summaryText());
  };
  const resultOf = async (file: FoundFile): Promise<FileResult<T>> => {
    const { path } = file;
    try {
      if ('error' in file) throw file.error;
      const onProgress = path === onlyPath ? bar.listener : nextListener();
      return { path, report: await process(path, { signal, onProgress }) };
    } catch (error) {
      // After a signal, the error is a consequence of it. Without its log, a command must not go on.
      signal.throwIfAborted();
      if (error instanceof CommandError && error.kind === 'LogUnwritable') throw error;
      return { path, failure: explain(await inContext(error, failureContext(args, path))) };
    }
  };
  try {
    await forEach(task.files, task.concurrency, stop, async (file) => {
      signal.throwIfAborted();
      const result = await resultOf(file);
      report.add(result);
      if (!isQuiet || !report.isGood(result)) {
        bar.clear();
        if (isJson) printJson({ command, ...report.object(result) });
        else writeAll(STDOUT, report.text(result));
      }
      await afterFile?.(result, signal);
    });
  } catch (error) {
    const interruption = interrupt.interruption();
    if (interruption === undefined || adviceAfterSignal === undefined) throw interruption ?? error;
    bar.clear();
    printSummary(interruption.exitCode);
    throw new Interruption(interruption.signalName, adviceAfterSignal);
  } finally {
    bar.clear();
    interrupt.dispose();
  }
  printSummary();
  return report.exitCode;
}

/**
 * Calls `work` for every item, for at most `concurrency` items at once. The first error aborts `stop`, and is thrown when all
 * calls have ended.
 */
async function forEach<T>(
  items: AsyncGenerator<T, void, undefined>,
  concurrency: number,
  stop: AbortController,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  const workUntilDone = async (): Promise<void> => {
    try {
      while (errors.length === 0) {
        const next = await items.next();
        if (next.done === true) return;
        await work(next.value);
      }
    } catch (error) {
      errors.push(error);
      stop.abort();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, workUntilDone));
  await items.return();
  if (errors.length > 0) throw errors[0];
}
