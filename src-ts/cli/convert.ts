// encrypt and decrypt: the same way in two directions.

import {
  decryptFile,
  type DigestName,
  encryptFile,
  type FileOptions,
  type OpenOptions,
  type OpenReport,
  type OperationOptions,
  type SealOptions,
  type SealReport,
  type SecretKey,
} from '../index';
import { convertDescriptors } from '../streams-internal';

import type { Arguments } from './arguments';
import { MAX_THREADS } from './commands';
import { isTerminal, STDERR, STDOUT, writeAll } from './console';
import { type Direction, type Endpoint, endpoints, type Endpoints, nameOf } from './endpoints';
import { usageError } from './errors';
import { type Scene, WorkFailure } from './failures';
import { interruptible } from './interrupt';
import { readKeys } from './keys';
import { progressBar } from './progress';
import { reportObject, reportText, warnings } from './report';
import { showOnTerminal } from './show';
import { inform, warn } from './tell';

/** `sealstream encrypt`. */
export async function encryptCommand(args: Arguments): Promise<void> {
  const options = {
    keyId: args.value('key-id'),
    context: args.value('context'),
    digest: args.choice('digest', DIGESTS),
    frameSize: args.size('frame-size'),
    segmentSize: args.size('segment-size'),
  };
  const ends = endpoints('encrypt', args);
  await convert('encrypt', args, ends, async ([key], operation) => {
    if (key === undefined) throw new TypeError('encrypt was called without a key');
    return seal(ends, { ...options, ...operation, key });
  });
}

/** `sealstream decrypt`. */
export async function decryptCommand(args: Arguments): Promise<void> {
  const options = { context: args.value('context'), maxSegmentSize: args.size('max-segment-size') };
  const ends = endpoints('decrypt', args);
  if (isOnTerminal(ends.target) && !args.has('force')) {
    await show(args, ends.source, options);
  } else {
    await convert('decrypt', args, ends, (key, operation) => open(ends, { ...options, ...operation, key }));
  }
}

type Work = (
  keys: readonly SecretKey[],
  operation: OperationOptions & FileOptions,
) => Promise<SealReport | OpenReport>;

async function convert(direction: Direction, args: Arguments, ends: Endpoints, work: Work): Promise<void> {
  const threads = args.count('threads', MAX_THREADS);
  refuseJsonOnTerminal(args, ends.target);
  const keys = await readKeys(args);
  const interrupt = interruptible();
  const bar = progressBar(!args.has('quiet') && !args.has('json') && !isOnTerminal(ends.target));
  const operation = {
    threads,
    onProgress: bar.listener,
    signal: interrupt.signal,
    overwrite: args.has('force'),
    flush: !args.has('no-flush'),
  };
  try {
    const report = await work(keys, operation);
    bar.clear();
    tellReport(direction, args, ends, report);
  } catch (error) {
    // However the work put it, it ended because of the signal.
    const failure = interrupt.interruption() ?? error;
    throw new WorkFailure(failure, scene(direction, ends.source, 'fd' in ends.target));
  } finally {
    bar.clear();
    interrupt.dispose();
    for (const key of keys) key.dispose();
  }
}

/** Signals have their default effect here: there is nothing to clean up, and a read from a pipe can't be stopped. */
async function show(args: Arguments, source: Endpoint, options: Omit<OpenOptions, 'key'>): Promise<void> {
  const threads = args.count('threads', MAX_THREADS);
  refuseJsonOnTerminal(args, { fd: STDOUT });
  const keys = await readKeys(args);
  try {
    const state = await showOnTerminal(source, { ...options, threads, key: keys });
    for (const warning of warnings(nameOf(source), state)) warn(warning);
  } catch (error) {
    // All was verified before anything is shown.
    throw new WorkFailure(error, scene('decrypt', source, false));
  } finally {
    for (const key of keys) key.dispose();
  }
}

function scene(command: Direction, source: Endpoint, toStandardOutput: boolean): Scene {
  return { command, input: nameOf(source), isNamed: 'path' in source, toStandardOutput };
}

function isOnTerminal(end: Endpoint): boolean {
  return 'fd' in end && isTerminal(end.fd);
}

function refuseJsonOnTerminal(args: Arguments, target: Endpoint): void {
  if (args.has('json') && isOnTerminal(target)) {
    throw usageError(
      '--json has no place of its own when data goes to a terminal',
      'name a file with -o OUT',
    );
  }
}

function seal(ends: Endpoints, options: SealOptions & OperationOptions & FileOptions): Promise<SealReport> {
  const { source, target } = ends;
  return 'path' in source && 'path' in target
    ? encryptFile(source.path, target.path, options)
    : convertDescriptors('encrypt', ends, options);
}

function open(ends: Endpoints, options: OpenOptions & OperationOptions & FileOptions): Promise<OpenReport> {
  const { source, target } = ends;
  return 'path' in source && 'path' in target
    ? decryptFile(source.path, target.path, options)
    : convertDescriptors('decrypt', ends, options);
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
  if (!('openedBy' in report)) return;
  for (const warning of warnings(nameOf(ends.source), report)) warn(warning);
}

const DIGESTS: readonly DigestName[] = ['crc64-nvme', 'sha256', 'sha512', 'blake3', 'none'];
