// `sealstream verify`: looks for damage in sealed files and in folders of them.

import { randomInt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { verify as verifyStream, type VerifyOptions } from '../../index';

import type { Arguments } from '../runner/arguments';
import type { CommandSpec } from '../runner/command-spec';
import { STDOUT, writeAll } from '../terminal/console';
import { disposeAll } from '../keys/dispose';
import { usageError } from '../errors/usage-error';
import { explain } from '../errors/explain';
import { type Scene, WorkFailure } from '../errors/failure-place';
import { interruptible, type Interruptible } from '../terminal/interrupt';
import { openingIdentities, openingLimits, type Opener } from '../keys/identities';
import { keyPlace, openingKeys } from '../keys/key-options';
import { isKeyFromEnvironment, kindsNamed, wantsKey } from '../keys/named-keys';
import { keptHeader } from '../files/detached-header';
import { inLanes } from '../runner/concurrency';
import {
  allowReadableKey,
  help,
  jsonLines,
  MAX_THREADS,
  maxSegmentSize,
  openingContext,
  quiet,
  threads,
} from '../runner/options';
import { commonBar } from '../terminal/progress';
import { type Found, sealedFiles } from '../files/sealed-files';
import { type Outcome, outcomeObject, outcomeText, statusOf, Summary } from '../reports/verify-report';
import { parseShare } from '../../damage-page/units';

/** The most files that are checked at once. */
const MAX_JOBS = 64;
// Enough to keep a disk busy with short files.
const DEFAULT_JOBS = 4;

/** `sealstream verify`. */
export const verify: CommandSpec = {
  name: 'verify',
  summary: 'look for damage in sealed files and folders, with a key or without',
  usage: 'sealstream verify [options] PATH...',
  options: [
    ...openingKeys,
    { name: 'no-key', help: ['check without a key, also where SEALSTREAM_KEY_FILE names one'] },
    { ...openingContext, help: ['the text that was given when sealing, the same for all'] },
    {
      name: 'header',
      value: 'FILE',
      help: ['the header, where it was kept apart; PATH is then one file, the body'],
    },
    { ...maxSegmentSize, help: ['with a key, accept segments up to this size, 64M by default'] },
    {
      name: 'sample',
      value: 'SHARE',
      help: ['check only this share of each file’s segments, such as 1% or 0.01'],
    },
    {
      name: 'seed',
      value: 'N',
      help: ['which segments a sample takes; another one each time by default, which', 'the report names'],
    },
    {
      name: 'rate',
      value: 'SIZE',
      help: ['read no more than this in a second, over all files together, such as 100M'],
    },
    {
      name: 'jobs',
      value: 'N',
      help: [`files at once, 1 to ${MAX_JOBS}; ${DEFAULT_JOBS} by default, and 1 with --rate`],
    },
    threads,
    allowReadableKey,
    { ...quiet, help: ['only what is damaged or could not be checked'] },
    jsonLines,
    help,
  ],
  details: [
    [
      'Checks every PATH that is a file, whatever its name, and in every PATH that is a folder all',
      'files at any depth whose names end in .seal. Symbolic links in a folder are not followed.',
      'It finds all damage there is, says where, and changes nothing.',
    ],
    [
      'Without a key it checks checksums, digests, counts and lengths: rot and cut files show, and',
      'what somebody changed on purpose may not. With a key it verifies everything, and still no',
      'plaintext leaves it. A file that was sealed with --digest none needs the key.',
    ],
    [
      'The exit code is 4 if any file is damaged, else that of the worst failure, and 0 only if',
      'every file is sound. A damaged file is best restored from another copy.',
    ],
    keyPlace,
  ],
  examples: [
    ['sealstream verify /backup', 'all sealed files in a folder, without a key'],
    ['sealstream verify -k my.key report.pdf.seal', 'everything in one file'],
    ['sealstream verify --header db.header db.body', 'a file whose header is kept apart'],
    ['sealstream verify --quiet --sample 1% --rate 50M /backup', 'a little every night'],
    ['sealstream verify --json /backup > report.jsonl', 'for a program'],
  ],
  run: verifyCommand,
};

/** How to check, the same for all files. */
interface Plan {
  readonly options: VerifyOptions;
  /** Files at once. */
  readonly jobs: number;
  /** Bytes in a second for each of them. */
  readonly rate: number | undefined;
}

async function verifyCommand(args: Arguments): Promise<number> {
  const plan = planOf(args);
  const paths = pathsOf(args);
  const headerPath = args.value('header');
  const header = headerPath === undefined ? undefined : await keptHeader(headerPath);
  const identities = wantsKey(args) ? await openingIdentities(args) : [];
  const interrupt = interruptible();
  try {
    return await verifyAll(
      args,
      paths,
      { ...plan, options: { ...plan.options, header } },
      identities,
      interrupt,
    );
  } finally {
    interrupt.dispose();
    disposeAll(identities);
  }
}

/** Returns the exit code. */
async function verifyAll(
  args: Arguments,
  paths: readonly string[],
  { options, jobs, rate }: Plan,
  identities: readonly Opener[],
  interrupt: Interruptible,
): Promise<number> {
  const { sample, seed } = options;
  const summary = new Summary({ hasKey: identities.length > 0, sample, seed, header: args.value('header') });
  const [isQuiet, isJson] = [args.has('quiet'), args.has('json')];
  const bar = commonBar(!isQuiet && !isJson);
  const stop = new AbortController();
  const signal = AbortSignal.any([interrupt.signal, stop.signal]);
  const paces = Array.from({ length: jobs }, () => new Pace(rate));
  const tell = (outcome: Outcome): void => {
    summary.add(outcome);
    if (isQuiet && statusOf(outcome) === 'ok') return;
    bar.clear();
    writeAll(STDOUT, isJson ? `${JSON.stringify(outcomeObject(outcome))}\n` : outcomeText(outcome));
  };
  const work = async (found: Found, lane: number): Promise<void> => {
    const how = {
      ...options,
      identities: identities.length > 0 ? identities : undefined,
      onProgress: bar.begin(paths.length === 1 && found.path === paths[0]),
      signal,
    };
    const outcome = await outcomeOf(found, how, {
      isKeyFromEnvironment: isKeyFromEnvironment(args),
      offered: kindsNamed(args),
      header: args.value('header'),
    });
    signal.throwIfAborted();
    tell(outcome);
    await paces[lane]?.keep(outcome, signal);
  };
  try {
    await inLanes(options.header === undefined ? sealedFiles(paths) : asNamed(paths), jobs, work, () => {
      stop.abort();
    });
  } catch (error) {
    throw interrupt.interruption() ?? error;
  } finally {
    bar.clear();
  }
  if (isJson) writeAll(STDOUT, `${JSON.stringify(summary.object())}\n`);
  else if (!isQuiet) writeAll(STDOUT, summary.text());
  return summary.exitCode;
}

/** A folder among them is refused by whoever opens it. */
async function* asNamed(paths: readonly string[]): AsyncGenerator<Found, void, undefined> {
  for (const path of paths) yield await Promise.resolve({ path });
}

async function outcomeOf(
  file: Found,
  options: VerifyOptions,
  given: Pick<Scene, 'isKeyFromEnvironment' | 'offered' | 'header'>,
): Promise<Outcome> {
  const { path } = file;
  try {
    if ('error' in file) throw file.error;
    const threads = options.threads ?? (await fittingThreads(path));
    return { path, found: await verifyStream(path, { ...options, threads }) };
  } catch (cause) {
    const scene: Scene = {
      command: 'verify',
      input: path,
      isNamed: true,
      ...given,
      toStandardOutput: false,
    };
    return { path, failure: explain(new WorkFailure(cause, scene)) };
  }
}

/** One for a short file: it is done before others have woken. */
async function fittingThreads(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size < MANY_THREADS_FROM ? 1 : undefined;
  } catch {
    // Checking it will tell why.
    return undefined;
  }
}

/** Keeps the rate over the files of a lane; within a file the library does. */
class Pace {
  readonly #began = Date.now();
  #bytes = 0;

  constructor(readonly rate: number | undefined) {}

  async keep(outcome: Outcome, signal: AbortSignal): Promise<void> {
    if (this.rate === undefined || 'failure' in outcome) return;
    const { sample, streamSize, bytesChecked } = outcome.found;
    this.#bytes += sample === undefined ? streamSize : bytesChecked;
    const left = this.#began + (this.#bytes / this.rate) * 1000 - Date.now();
    if (left > 0) await delay(Math.min(left, LONGEST_TIMER), undefined, { signal });
  }
}

function planOf(args: Arguments): Plan {
  const total = args.size('rate');
  if (total === 0)
    throw usageError('--rate must be at least 1 byte in a second', 'write it like --rate 100M');
  const jobs = args.count('jobs', MAX_JOBS) ?? (total === undefined ? DEFAULT_JOBS : 1);
  const rate = total === undefined ? undefined : Math.max(1, Math.floor(total / jobs));
  const sample = shareOf(args);
  return {
    options: {
      context: args.value('context'),
      maxSegmentSize: args.size('max-segment-size'),
      ...openingLimits(args),
      threads: args.count('threads', MAX_THREADS),
      maxBytesPerSecond: rate,
      sample,
      seed: seedOf(args, sample),
    },
    jobs,
    rate,
  };
}

function shareOf(args: Arguments): number | undefined {
  const text = args.value('sample');
  if (text === undefined) return undefined;
  const share = parseShare(text);
  if (share === undefined || share <= 0 || share > 1) {
    throw usageError(`--sample is not a share: ${text}`, 'write it like 1% or 0.01, up to 100%');
  }
  return share;
}

function seedOf(args: Arguments, sample: number | undefined): number | undefined {
  const text = args.value('seed');
  if (text === undefined) return sample === undefined ? undefined : randomInt(2 ** 32);
  if (sample === undefined) throw usageError('--seed is for a sample', 'give --sample SHARE too');
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw usageError(`--seed is not a whole number: ${text}`, 'write the one that a report named');
  }
  return Number(text);
}

function pathsOf(args: Arguments): readonly string[] {
  const { operands } = args;
  if (operands.length === 0 || operands.includes('')) {
    throw usageError('PATH is missing', 'name the files or folders to verify');
  }
  if (operands.includes('-')) {
    throw usageError('verify needs files that it can look into', 'name them; - is not taken here');
  }
  if (args.has('header') && operands.length > 1) {
    throw usageError('--header is for one file', 'name the body that it belongs to, and nothing else');
  }
  if (!wantsKey(args)) {
    const idle = ['context', 'max-segment-size', 'accept-slots', 'max-passphrase-cost'].find((option) =>
      args.has(option),
    );
    if (idle !== undefined) throw usageError(`--${idle} counts only with a key`, 'name the key with -k FILE');
  }
  return operands;
}

// From here on a file has segments enough for several threads.
const MANY_THREADS_FROM = 8 * 2 ** 20;
// setTimeout takes no more.
const LONGEST_TIMER = 2 ** 31 - 1;
