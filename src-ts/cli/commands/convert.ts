// What encrypt and decrypt share: the same way in two directions.

import { statSync } from 'node:fs';

import type { FileOptions, OpenReport, OperationOptions, SealReport } from '../../index';

import type { Arguments } from '../runner/arguments';
import { atWork } from '../runner/run-operation';
import { isTerminal, STDERR, STDOUT, writeAll } from '../terminal/console';
import { disposeAll } from '../keys/dispose';
import { type Direction, type Endpoint, type Endpoints, nameOf } from '../files/endpoints';
import { usageError } from '../errors/usage-error';
import type { Scene } from '../errors/failure-place';
import { isKeyFromEnvironment, kindsNamed } from '../keys/named-keys';
import { MAX_THREADS } from '../runner/options';
import { wantsPassphrase } from '../keys/passphrase';
import { reportObject, reportText, resumeWarnings, warnings } from '../reports/report';
import { checkApart } from '../keys/same-file-check';
import { inform, warn } from '../terminal/messages';
import { checkFree } from '../files/whole-file';

/** Reads keys, then seals or opens with them. */
export interface Work<T extends object> {
  /** What the arguments name. */
  readonly keys: () => Promise<readonly T[]>;
  /** Does it. */
  readonly run: (
    keys: readonly T[],
    operation: OperationOptions & FileOptions,
  ) => Promise<SealReport | OpenReport>;
}

/** Does the work between two ends: reads the keys, shows progress, listens to signals, and tells how it went. */
export async function convert<T extends object>(
  direction: Direction,
  args: Arguments,
  ends: Endpoints,
  work: Work<T>,
): Promise<void> {
  const threads = args.count('threads', MAX_THREADS);
  const { target } = ends;
  refuseJsonOnTerminal(args, target);
  if ('path' in target) checkApart(args, [{ path: target.path, option: '-o' }]);
  if (wantsPassphrase(args)) checkBeforeAsking(args, ends);
  const keys = await work.keys();
  const place = {
    ...scene(direction, args, ends.source, 'fd' in target),
    resumable: args.has('resume'),
  };
  const showsProgress = !args.has('quiet') && !args.has('json') && !isOnTerminal(target);
  try {
    await atWork(place, showsProgress, async ({ signal, onProgress, clear }) => {
      const report = await work.run(keys, {
        threads,
        onProgress,
        signal,
        overwrite: args.has('force'),
        flush: !args.has('no-flush'),
        resume: args.has('resume'),
      });
      clear();
      tellReport(direction, args, ends, report);
    });
  } finally {
    disposeAll(keys);
  }
}

/** Nobody is to type a passphrase for what can't work. */
function checkBeforeAsking(args: Arguments, { source, target }: Endpoints): void {
  // Where it is missing, the system says it best.
  if ('path' in source) statSync(source.path);
  if ('path' in target) checkFree(target.path, '-o', args.has('force'));
}

/** What the command was doing, for what fails. */
export function scene(
  command: Direction,
  args: Arguments,
  source: Endpoint,
  toStandardOutput: boolean,
): Scene {
  return {
    command,
    input: nameOf(source),
    isNamed: 'path' in source,
    isKeyFromEnvironment: isKeyFromEnvironment(args),
    offered: kindsNamed(args),
    header: args.value('header'),
    toStandardOutput,
  };
}

/** Whether data goes to a terminal. */
export function isOnTerminal(end: Endpoint): boolean {
  return 'fd' in end && isTerminal(end.fd);
}

/** Refuses a report for programs in the middle of data for people. */
export function refuseJsonOnTerminal(args: Arguments, target: Endpoint): void {
  if (args.has('json') && isOnTerminal(target)) {
    throw usageError(
      '--json has no place of its own when data goes to a terminal',
      'name a file with -o OUT',
    );
  }
}

function tellReport(
  direction: Direction,
  args: Arguments,
  ends: Endpoints,
  report: SealReport | OpenReport,
): void {
  if (args.has('json')) {
    const text = `${JSON.stringify(reportObject(direction, ends, report))}\n`;
    writeAll('fd' in ends.target ? STDERR : STDOUT, text);
    return;
  }
  if (!args.has('quiet')) inform(reportText(direction, ends, report));
  for (const warning of resumeWarnings(report)) warn(warning);
  if (!('openedBy' in report)) return;
  for (const warning of warnings(nameOf(ends.source), report)) warn(warning);
}
