// `sealstream verify`: finds damage in sealed files and in folders of them.

import { randomInt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { type VerifyReport, verify as verifyStream, type VerifyOptions } from '../../index';

import type { Arguments } from '../runner/arguments';
import type { Command } from '../runner/command';
import { usageError } from '../errors/command-error';
import { readHeader } from '../files/detached-header';
import { refuseStandardStreams } from '../files/endpoints';
import { type FoundFile, sealedFiles } from '../files/sealed-files';
import { disposeAll } from '../keys/dispose';
import { openingIdentities, openingOptions } from '../keys/identities';
import { wantsKey } from '../keys/key-arguments';
import type { FileResult } from '../reports/files-report';
import { VerifyFilesReport } from '../reports/verify-report';
import { processFiles } from '../runner/many-files';
import * as common from '../runner/options';
import { parseShare } from '../../damage-page/units';

const MAX_JOBS = 64;
// Enough to keep a disk busy with short files.
const DEFAULT_JOBS = 4;

/** `sealstream verify`. */
export const verify: Command = {
  name: 'verify',
  summary: 'find damage in sealed files and folders, with or without a key',
  usage: '[options] PATH...',
  description: `
    Checks every PATH that is a file, whatever its name, and all files in a PATH that is a folder whose names end in .seal, at
    any depth. Symbolic links in a folder are not followed. All damage is found and located, and nothing is changed.

    Without a key, checksums, digests, counts and lengths are checked. That finds damaged and incomplete files, but not every
    deliberate change. With a key everything is verified, and no plaintext is written. A file that was sealed with --digest none
    can only be checked with the key.

    The exit code is 4 if any file is damaged, else that of the worst failure, and 0 only if every file is intact. Restore a
    damaged file from another copy, if there is one.

    ${common.keySources}`,
  options: [
    ...common.openingKeys,
    ['--no-key', 'check without a key, even if SEALSTREAM_KEY_FILE names one'],
    ['--header FILE', 'the header, if it is detached; PATH is then one file, the body'],
    [common.maxSegmentSize[0], `with a key, ${common.maxSegmentSize[1]}`],
    ['--sample SHARE', 'check only this share of the segments of each file, such as 1% or 0.01'],
    [
      '--seed N',
      'selects the segments of a sample. Random by default; the report names it, to repeat the same sample',
    ],
    ['--rate SIZE', 'read at most this many bytes in a second, over all files, such as 100M'],
    [
      '--jobs N',
      `check this many files at once, 1 to ${MAX_JOBS}; ${DEFAULT_JOBS} by default, 1 with --rate`,
    ],
    common.threads,
    common.allowReadableKey,
    [common.quiet[0], 'print only files that are damaged or could not be checked'],
    common.jsonLines,
  ],
  examples: [
    ['sealstream verify /backup', 'check all sealed files in a folder, without a key'],
    ['sealstream verify -k my.key report.pdf.seal', 'verify everything in one file'],
    ['sealstream verify --header db.header db.body', 'check a file with a detached header'],
    ['sealstream verify --quiet --sample 1% --rate 50M /backup', 'check a sample every night'],
    ['sealstream verify --json /backup > report.jsonl', 'write a report for a program'],
  ],
  run: verifyCommand,
};

async function verifyCommand(args: Arguments): Promise<number> {
  const rate = args.size('rate');
  if (rate === 0) throw usageError('--rate must be at least 1 byte in a second', 'for example: --rate 100M');
  const concurrency = args.count('jobs', MAX_JOBS) ?? (rate === undefined ? DEFAULT_JOBS : 1);
  const sample = sampleIn(args);
  const seed = seedIn(args, sample);
  const options: VerifyOptions = {
    ...openingOptions(args),
    threads: common.threadCount(args),
    maxBytesPerSecond: rate === undefined ? undefined : Math.max(1, Math.floor(rate / concurrency)),
    sample,
    seed,
  };
  const paths = pathsIn(args);
  const headerPath = args.value('header');
  const header = headerPath === undefined ? undefined : await readHeader(headerPath);
  const hasKey = wantsKey(args);
  const identities = hasKey ? await openingIdentities(args) : undefined;
  const pace = new Pace(rate);
  try {
    return await processFiles<VerifyReport>(args, {
      files: header === undefined ? sealedFiles(paths) : asNamed(paths),
      concurrency,
      onlyPath: paths.length === 1 ? paths[0] : undefined,
      report: new VerifyFilesReport({ hasKey, sample, seed, header: headerPath }),
      process: async (path, { signal, onProgress }) => {
        const threads = options.threads ?? (await threadsFor(path));
        return verifyStream(path, { ...options, header, identities, threads, onProgress, signal });
      },
      afterFile: (result, signal) => pace.keep(result, signal),
    });
  } finally {
    disposeAll(identities ?? []);
  }
}

/** Opening one of them that is a folder fails. */
async function* asNamed(paths: readonly string[]): AsyncGenerator<FoundFile, void, undefined> {
  for (const path of paths) yield await Promise.resolve({ path });
}

/** One thread for a short file: it is done before others have started. */
async function threadsFor(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.size < MANY_THREADS_FROM ? 1 : undefined;
}

/** Keeps the rate between files; within a file the library does. */
class Pace {
  readonly #began = Date.now();
  #bytes = 0;

  constructor(readonly bytesPerSecond: number | undefined) {}

  async keep(result: FileResult<VerifyReport>, signal: AbortSignal): Promise<void> {
    if (this.bytesPerSecond === undefined || 'failure' in result) return;
    const { sample, sealedSize, bytesChecked } = result.report;
    this.#bytes += sample === undefined ? sealedSize : bytesChecked;
    const left = this.#began + (this.#bytes / this.bytesPerSecond) * 1000 - Date.now();
    if (left > 0) await delay(Math.min(left, LONGEST_TIMER), undefined, { signal });
  }
}

function sampleIn(args: Arguments): number | undefined {
  const text = args.value('sample');
  if (text === undefined) return undefined;
  const share = parseShare(text);
  if (share === undefined || share <= 0 || share > 1) {
    throw usageError(`--sample is not a share: ${text}`, 'write it like 1% or 0.01, up to 100%');
  }
  return share;
}

function seedIn(args: Arguments, sample: number | undefined): number | undefined {
  const text = args.value('seed');
  if (text === undefined) return sample === undefined ? undefined : randomInt(2 ** 32);
  if (sample === undefined) throw usageError('--seed needs --sample', 'give --sample SHARE too');
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw usageError(`--seed is not a whole number: ${text}`, 'write the number that a report named');
  }
  return Number(text);
}

function pathsIn(args: Arguments): readonly string[] {
  const { operands } = args;
  if (operands.length === 0) throw usageError('PATH is missing', 'name the files or folders to verify');
  refuseStandardStreams(args.command, operands);
  if (args.has('header') && operands.length > 1) {
    throw usageError('--header is for one file', 'name only the body that it belongs to');
  }
  if (!wantsKey(args)) {
    const unused = ['context', 'max-segment-size', 'accept-slots', 'max-passphrase-cost'].find((option) =>
      args.has(option),
    );
    if (unused !== undefined) throw usageError(`--${unused} needs a key`, 'name the key with -k FILE');
  }
  return operands;
}

// Files of this size have enough segments for several threads.
const MANY_THREADS_FROM = 8 * 2 ** 20;
// The longest delay of setTimeout.
const LONGEST_TIMER = 2 ** 31 - 1;
