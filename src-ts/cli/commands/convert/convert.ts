// Encrypts or decrypts between two endpoints: the common part of encrypt and decrypt.

import { statSync } from 'node:fs';

import type { DecryptReport, EncryptReport, OperationOptions } from '../../../index';
import type { ResumeOptions, TargetOptions } from '../../../api/types';

import type { Arguments } from '../../runner/arguments';
import type { FailureContext } from '../../errors/failure-context';
import { type Direction, type Endpoint, type Endpoints, nameOf } from '../../files/endpoints';
import { checkMissing, checkOutputs } from '../../files/outputs';
import { disposeAll } from '../../keys/dispose';
import { wantsPassphrase } from '../../keys/key-arguments';
import { conversionText, printWarnings } from '../../reports/conversion-report';
import { printReport } from '../../reports/print-report';
import { outputOptions, threadCount } from '../../runner/options';
import { failureContext, runOperation } from '../../runner/run-operation';
import { isTerminal } from '../../terminal/console';

/** How to convert. */
export interface Conversion<Key extends object> {
  /** Reads the keys that the arguments name. */
  readonly readKeys: () => Promise<readonly Key[]>;
  /** Encrypts or decrypts. */
  readonly run: (
    keys: readonly Key[],
    options: OperationOptions & TargetOptions & ResumeOptions,
  ) => Promise<EncryptReport | DecryptReport>;
}

/** Reads the keys, converts, and prints the report. */
export async function convert<Key extends object>(
  direction: Direction,
  args: Arguments,
  ends: Endpoints,
  { readKeys, run }: Conversion<Key>,
): Promise<void> {
  const { source, target } = ends;
  const threads = threadCount(args);
  if ('path' in target) checkOutputs(args, [{ path: target.path, option: '-o' }]);
  if (wantsPassphrase(args)) checkBeforeAsking(args, ends);
  const keys = await readKeys();
  const showsProgress = !args.has('quiet') && !args.has('json') && !isOnTerminal(target);
  try {
    await runOperation(endpointContext(args, ends), showsProgress, async ({ signal, onProgress, clear }) => {
      const options = { threads, onProgress, signal, ...outputOptions(args), resume: args.has('resume') };
      const report = await run(keys, options);
      clear();
      printReport(args, report, () => [conversionText(direction, ends, report)]);
      if (args.has('json')) return;
      printWarnings(source, report.warnings);
    });
  } finally {
    disposeAll(keys);
  }
}

/** The context of a conversion that fails. */
export function endpointContext(args: Arguments, { source, target }: Endpoints): FailureContext {
  return failureContext(args, nameOf(source), {
    isNamed: 'path' in source,
    toStandardOutput: 'fd' in target,
  });
}

/** Whether data goes to a terminal. */
export function isOnTerminal(end: Endpoint): boolean {
  return 'fd' in end && isTerminal(end.fd);
}

/** Finds, before a passphrase is typed, a missing input and an output that exists. */
function checkBeforeAsking(args: Arguments, { source, target }: Endpoints): void {
  // The system's error names the missing file.
  if ('path' in source) statSync(source.path);
  if ('path' in target) checkMissing({ path: target.path, option: '-o' }, args.has('force'));
}
