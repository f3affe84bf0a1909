// `sealstream heal`: makes one intact sealed file of several damaged copies.

import { exportHeader } from '../../api/header';
import { heal as healCopies, type HealReport, type SealFailure } from '../../index';

import type { Arguments } from '../runner/arguments';
import type { Command } from '../runner/command';
import { usageError } from '../errors/command-error';
import { isSealError } from '../errors/failure-context';
import { refuseStandardStreams } from '../files/endpoints';
import { checkOutputs, isSameFile, requiredOutput } from '../files/outputs';
import { sendersIn } from '../keys/senders';
import { printReport } from '../reports/print-report';
import * as common from '../runner/options';
import { failureContext, runOperation } from '../runner/run-operation';
import { warn } from '../terminal/messages';
import { counted, formatCount, formatDuration, formatSize } from '../../damage-page/units';

/** `sealstream heal`. */
export const heal: Command = {
  name: 'heal',
  summary: 'make an intact sealed file of damaged copies, without a key',
  usage: '[options] DAMAGED REPLICA... -o OUT',
  description: `
    Takes every segment from DAMAGED if it is intact there, else from the first REPLICA that has it, else joins intact parts of
    it from several copies. Of a REPLICA, only its ends and the needed segments are read. OUT appears when it is complete, or
    not at all, and no copy is changed. Copies may be cut short or have data appended.

    Digests detect damage, not tampering: anyone could have changed a copy and its digests. Decrypting detects tampering, and so
    does sealstream verify with the key. A header that is taken from a REPLICA brings its key slots, even those that were
    removed from DAMAGED since.`,
  options: [
    ['-o, --output OUT', 'the healed file; none of the copies'],
    common.senders,
    common.maxSegmentSize,
    common.threads,
    ...common.output,
    ...common.printing,
  ],
  examples: [
    ['sealstream heal a.seal b.seal -o whole.seal', 'make one intact file of two copies'],
    ['sealstream heal a.seal /mnt/b.seal /mnt/c.seal -o a.new --json', 'list the origin of each segment'],
  ],
  subject: (args) => ({ source: args.operands[0], target: args.value('output') }),
  run: healCommand,
};

interface Copies {
  readonly damaged: string;
  readonly replicas: readonly string[];
}

async function healCommand(args: Arguments): Promise<void> {
  const copies = copiesIn(args);
  const { damaged, replicas } = copies;
  const output = requiredOutput(args, 'output', '-o OUT');
  checkOutputs(args, [{ path: output, option: '-o' }]);
  const options = {
    threads: common.threadCount(args),
    maxSegmentSize: args.size('max-segment-size'),
    senders: await sendersIn(args),
    ...common.outputOptions(args),
  };
  const context = failureContext(args, damaged, { replicas });
  const showsProgress = !args.has('quiet') && !args.has('json');
  await runOperation(context, showsProgress, async ({ signal, onProgress, clear }) => {
    try {
      const report = await healCopies(damaged, replicas, output, { ...options, onProgress, signal });
      clear();
      const named = report.replicas.map((state, index) => ({ file: nameOf(copies, index), ...state }));
      printReport(args, { ...report, replicas: named }, () => reportLines(copies, output, report));
      if (!args.has('json')) for (const warning of warnings(copies, report)) warn(warning);
    } catch (error) {
      clear();
      if (!args.has('json')) await warnOfReplicas(replicas, error);
      throw error;
    }
  });
}

function copiesIn(args: Arguments): Copies {
  const [damaged, ...replicas] = args.operands;
  if (damaged === undefined) {
    throw usageError('DAMAGED is missing', 'name the file to heal, and other copies of it');
  }
  if (replicas.length === 0) throw usageError('REPLICA is missing', `name another copy of ${damaged}`);
  refuseStandardStreams(args.command, args.operands);
  for (const [index, copy] of args.operands.entries()) {
    const same = args.operands.slice(0, index).find((earlier) => isSameFile(earlier, copy));
    if (same === undefined) continue;
    const message = same === copy ? `${copy} is named twice` : `${same} and ${copy} are the same file`;
    throw usageError(message, 'name different files');
  }
  return { damaged, replicas };
}

/** If the copies did not suffice, one that is no sealed file may have been named by mistake. */
async function warnOfReplicas(replicas: readonly string[], error: unknown): Promise<void> {
  if (!isSealError(error) || !MORE_COPIES_HELP.has(error.failure.kind)) return;
  for (const replica of replicas) {
    try {
      await exportHeader(replica);
    } catch (cause) {
      if (isSealError(cause) && cause.failure.kind !== 'Io') {
        warn(`${replica} has no intact header: it may not be a sealed file`);
      }
    }
  }
}

function reportLines(copies: Copies, output: string, report: HealReport): string[] {
  const { segments, healed, stats, plaintextSize, trailingBytes, headerFrom, endFrom } = report;
  const count = healed.reduce((sum, run) => sum + run.segmentCount, 0);
  const what =
    count === 0
      ? 'no segment was damaged'
      : `healed ${formatCount(count)} of ${counted(segments, 'segment')}`;
  const header =
    headerFrom === undefined
      ? report.damaged.header === 'copy' && 'the copy at the end'
      : nameOf(copies, headerFrom);
  return [
    `healed ${copies.damaged} -> ${output}: ${what}, ${formatSize(plaintextSize)} in ${formatDuration(stats.elapsedMs)}`,
    ...healed.slice(0, SHOWN_RUNS).map(({ segment, segmentCount, replica }) => {
      const last = segment + segmentCount - 1;
      const which = segmentCount === 1 ? `segment ${segment}` : `segments ${segment} to ${last}`;
      return `  ${which}: ${replica === undefined ? 'joined from several copies' : nameOf(copies, replica)}`;
    }),
    ...(healed.length > SHOWN_RUNS ? ['  and more: --json lists them all'] : []),
    ...(header === false ? [] : [`  header: ${header}`]),
    ...(endFrom === undefined ? [] : [`  end: ${nameOf(copies, endFrom)}`]),
    ...(trailingBytes > 0
      ? [`  left out: ${counted(trailingBytes, 'byte')} after the end of the stream`]
      : []),
  ];
}

function warnings(copies: Copies, report: HealReport): string[] {
  const replicas = report.replicas.map((state, index) => ({ name: nameOf(copies, index), ...state }));
  const all = [{ name: copies.damaged, ...report.damaged }, ...replicas];
  return [
    ...(report.damaged.segments === 0 && report.damaged.header === 'lost'
      ? [`nothing of ${copies.damaged} was usable: all data came from the other copies`]
      : []),
    ...all
      .filter(({ end }) => end === 'differs')
      .map(({ name }) => `the end of ${name} describes other segments than the end that was used`),
    ...replicas.flatMap(({ name, header, end }) => {
      if (header === 'lost' && end === 'lost') {
        return [`${name} has neither an intact header nor an intact end: it may not be a sealed file`];
      }
      return header === 'sound' ? [] : [`the header of ${name} is damaged`];
    }),
  ];
}

function nameOf({ replicas }: Copies, replica: number): string {
  return replicas[replica] ?? `copy ${replica}`;
}

const MORE_COPIES_HELP: ReadonlySet<string> = new Set<SealFailure['kind']>([
  'NotHealed',
  'EndDamaged',
  'NotSealed',
  'HeaderError',
  'HeaderDamaged',
]);
// More lines would not be read.
const SHOWN_RUNS = 20;
