// `sealstream verify`: finds damage in sealed files and in folders of them.

import { randomInt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { type VerifyReport, verify as verifyStream, type VerifyOptions } from '../../index';

import { type Arguments, exclusive } from '../runner/arguments';
import type { Command } from '../runner/command';
import { usageError } from '../errors/command-error';
import { readHeader } from '../files/detached-header';
import { namedPaths, sealedFiles } from '../files/sealed-files';
import { disposeAll } from '../keys/dispose';
import { openingIdentities, openingOptions } from '../keys/identities';
import { wantsKey } from '../keys/key-arguments';
import { sendersIn } from '../keys/senders';
import type { FileResult } from '../reports/files-report';
import { VerifyFilesReport } from '../reports/verify-report';
import { processFiles } from '../runner/many-files';
import * as common from '../runner/options';
import { parseShare } from '../../damage-page/units';

/** `sealstream verify`. */
export const verify: Command = {
  name: 'verify',
  summary: 'find damage in sealed files and folders, with or without a key',
  usage: '[options] PATH...',
  description: `
    Checks every PATH that is a file, whatever its name, and with --recursive all files in a PATH that is a folder. All damage
    is found and located, and nothing is changed.

    Without a key, checksums, digests, counts and lengths are checked. That finds damaged and incomplete files, but not every
    deliberate change. With a key everything is verified, and no plaintext is written. A file that was encrypted with
    --digest none can only be checked with the key. With --sender, a signed file is proven to be what its sender sealed, record
    by record, without any key.

    The exit code is 4 if any file is damaged, else that of the worst failure, and 0 only if every file is intact. Restore a
    damaged file from another copy, if there is one.

    ${common.keySources}`,
  options: [
    ...common.openingKeys,
    [common.senders[0], `${common.senders[1]}. It needs no key, and proves every record`],
    ['--no-key', 'check without a key, even if SEALSTREAM_KEY_FILE names one'],
    common.recursive,
    [common.header[0], `${common.header[1]}; PATH is then that body`],
    [common.maxSegmentSize[0], `with a key, ${common.maxSegmentSize[1]}`],
    ['--sample SHARE', 'check only this share of the segments of each file, such as 1% or 0.01'],
    [
      '--seed N',
      'selects the segments of a sample. Random by default; the report names it, to repeat the same sample',
    ],
    ['--rate SIZE', 'read at most this many bytes in a second, over all files, such as 100M'],
    [common.jobs[0], `${common.jobs[1]}, with --rate 1`],
    common.threads,
    common.allowReadableKey,
    [common.quiet[0], 'print only files that are damaged or could not be checked'],
    common.jsonLines,
  ],
  examples: [
    ['sealstream verify --recursive /backup', 'check all sealed files in a folder, without a key'],
    ['sealstream verify -k my.key report.pdf.seal', 'verify everything in one file'],
    ['sealstream verify --header db.header db.body', 'check a file with a detached header'],
    ['sealstream verify --quiet --sample 1% --rate 50M --recursive /backup', 'check a sample every night'],
    ['sealstream verify --json --recursive /backup > report.jsonl', 'write a report for a program'],
  ],
  run: verifyCommand,
};

async function verifyCommand(args: Arguments): Promise<number> {
  const rate = args.size('rate');
  if (rate === 0) throw usageError('--rate must be at least 1 byte in a second', 'for example: --rate 100M');
  const concurrency = common.jobCount(args, rate === undefined ? undefined : 1);
  const sample = sampleIn(args);
  const seed = seedIn(args, sample);
  const options: VerifyOptions = {
    ...openingOptions(args),
    senders: await sendersIn(args),
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
      files: sealedFiles(paths),
      concurrency,
      onlyPath: paths.length === 1 ? paths[0] : undefined,
      report: new VerifyFilesReport({
        hasKey,
        hasSenders: args.has('sender'),
        sample,
        seed,
        header: headerPath,
      }),
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
  const paths = namedPaths(args);
  if (args.has('header') && paths.length > 1) {
    throw usageError('--header is for one file', 'name only the body that it belongs to');
  }
  if (args.has('header') && args.has('recursive')) throw exclusive('--header', '--recursive');
  if (!wantsKey(args)) {
    const unused = ['context', 'max-segment-size', 'accept-slots', 'max-passphrase-memory', 'max-passphrase-cost'].find((option) =>
      args.has(option),
    );
    if (unused !== undefined) throw usageError(`--${unused} needs a key`, 'name the key with -k FILE');
  }
  return paths;
}

// Files of this size have enough segments for several threads.
const MANY_THREADS_FROM = 8 * 2 ** 20;
// The longest delay of setTimeout.
const LONGEST_TIMER = 2 ** 31 - 1;
