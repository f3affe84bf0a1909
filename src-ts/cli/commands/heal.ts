// `sealstream heal`: one whole sealed file out of several damaged copies.

import { exportHeader, heal as healCopies, type HealReport, type SealFailure } from '../../index';

import type { Arguments } from '../runner/arguments';
import { atWork } from '../runner/run-operation';
import type { CommandSpec } from '../runner/command-spec';
import { printable, STDOUT, writeAll } from '../terminal/console';
import { usageError } from '../errors/usage-error';
import { isSealError } from '../errors/explain-failure';
import { force, help, json, MAX_THREADS, maxSegmentSize, noFlush, quiet, threads } from '../runner/options';
import { checkApart, isSame } from '../keys/same-file-check';
import { inform, warn } from '../terminal/messages';
import { counted, formatCount, formatDuration, formatSize } from '../../damage-page/units';

/** `sealstream heal`. */
export const heal: CommandSpec = {
  name: 'heal',
  summary: 'make a whole sealed file out of damaged copies of it, without a key',
  usage: 'sealstream heal [options] DAMAGED REPLICA... -o OUT',
  options: [
    { name: 'output', short: 'o', value: 'OUT', help: ['where the whole file goes: none of the copies'] },
    maxSegmentSize,
    threads,
    force,
    noFlush,
    quiet,
    { ...json, help: ['the report as one JSON object on standard output, an error on standard error'] },
    help,
  ],
  details: [
    [
      'Takes every segment from DAMAGED if it is sound there, else from the first REPLICA that has',
      'it, else puts it together from what the copies have of it. Of a REPLICA no more is read than',
      'its ends and what is wanted. OUT appears when it is complete, or not at all, and no copy is',
      'changed. Copies may be cut short, or have something appended.',
    ],
    [
      'Digests tell rot, not tampering: whoever made a copy could have changed it. Decrypting tells,',
      'or sealstream verify with the key. A header that has to come from a REPLICA brings its keys',
      'along, those that have been taken out of DAMAGED since among them.',
    ],
  ],
  examples: [
    ['sealstream heal a.seal b.seal -o whole.seal', 'two copies make one'],
    ['sealstream heal a.seal /mnt/b.seal /mnt/c.seal -o a.new --json', 'which segments came from where'],
  ],
  run: healCommand,
};

interface Names {
  readonly damaged: string;
  readonly replicas: readonly string[];
  readonly output: string;
}

async function healCommand(args: Arguments): Promise<void> {
  const names = namesIn(args);
  const options = {
    threads: args.count('threads', MAX_THREADS),
    maxSegmentSize: args.size('max-segment-size'),
    overwrite: args.has('force'),
    flush: !args.has('no-flush'),
  };
  const { damaged: input, replicas, output } = names;
  const scene = { command: 'heal', input, replicas, isNamed: true, toStandardOutput: false } as const;
  const showsProgress = !args.has('quiet') && !args.has('json');
  await atWork(scene, showsProgress, async ({ signal, onProgress, clear }) => {
    try {
      const report = await healCopies(input, replicas, output, { ...options, onProgress, signal });
      clear();
      tellReport(args, names, report);
    } catch (error) {
      clear();
      if (!args.has('json')) await warnOfCopies(names, error);
      throw error;
    }
  });
}

function namesIn(args: Arguments): Names {
  const [damaged, ...replicas] = args.operands;
  if (damaged === undefined)
    throw usageError('DAMAGED is missing', 'name the file to heal, and other copies of it');
  if (replicas.length === 0) throw usageError('REPLICA is missing', `name another copy of ${damaged}`);
  const output = args.value('output');
  if (output === undefined) throw usageError('OUT is missing', 'name the file to write with -o OUT');
  if ([damaged, ...replicas].includes('-')) {
    throw usageError('heal needs files that it can look into', 'name them; - is not taken here');
  }
  if (output === '-') throw usageError('heal writes a file', 'name it with -o OUT; - is not taken here');
  checkDistinct([damaged, ...replicas]);
  checkApart(args, [{ path: output, option: '-o' }]);
  return { damaged, replicas, output };
}

/** A copy has nothing to give to itself. */
function checkDistinct(copies: readonly string[]): void {
  for (const [index, copy] of copies.entries()) {
    const same = copies.slice(0, index).find((earlier) => isSame(earlier, copy));
    if (same === undefined) continue;
    const said = same === copy ? `${copy} is named twice` : `${same} and ${copy} are one file`;
    throw usageError(said, 'name copies that are files of their own');
  }
}

/** Where the copies did not suffice, one that is no sealed file may have been named by mistake. */
async function warnOfCopies({ replicas }: Names, error: unknown): Promise<void> {
  if (!isSealError(error) || !BEYOND_HELP.has(error.failure.kind)) return;
  for (const replica of replicas) {
    try {
      await exportHeader(replica);
    } catch (cause) {
      if (isSealError(cause) && cause.failure.kind !== 'Io') {
        warn(printable(`no header is left in ${replica}: it may be no sealed file`));
      }
    }
  }
}

function tellReport(args: Arguments, names: Names, report: HealReport): void {
  const { damaged: source, replicas: replicaFiles, output: target } = names;
  if (args.has('json')) {
    writeAll(STDOUT, `${JSON.stringify({ command: 'heal', source, replicaFiles, target, ...report })}\n`);
    return;
  }
  if (!args.has('quiet')) for (const line of reportLines(names, report)) inform(printable(line));
  for (const warning of warnings(names, report)) warn(printable(warning));
}

function reportLines(names: Names, report: HealReport): string[] {
  const { damaged, output } = names;
  const { segments, healed, elapsedMs, plaintextSize, trailingBytes } = report;
  const mended = healed.reduce((sum, { count }) => sum + count, 0);
  const what =
    mended === 0
      ? 'no segment was damaged'
      : `mended ${formatCount(mended)} of ${counted(segments, 'segment')}`;
  const size = formatSize(plaintextSize);
  const lines = [`healed ${damaged} -> ${output}: ${what}, ${size} in ${formatDuration(elapsedMs)}`];
  for (const { first, count, replica } of healed.slice(0, LISTED)) {
    const which = count === 1 ? `segment ${first}` : `segments ${first} to ${first + count - 1}`;
    lines.push(
      `  ${which}: ${replica === undefined ? 'put together from several copies' : nameOf(names, replica)}`,
    );
  }
  if (healed.length > LISTED) lines.push('  and more: --json lists them all');
  const { headerFrom, endFrom } = report;
  if (headerFrom !== undefined) lines.push(`  header: ${nameOf(names, headerFrom)}`);
  else if (report.damaged.header === 'copy') lines.push('  header: the copy at the end');
  if (endFrom !== undefined) lines.push(`  end: ${nameOf(names, endFrom)}`);
  if (trailingBytes > 0)
    lines.push(`  left out: ${counted(trailingBytes, 'byte')} that are not of the stream`);
  return lines;
}

function warnings(names: Names, report: HealReport): string[] {
  const found: string[] = [];
  const copies = [
    { name: names.damaged, ...report.damaged },
    ...report.replicas.map((replica, index) => ({ name: nameOf(names, index), ...replica })),
  ];
  if (report.damaged.segments === 0 && report.damaged.header === 'lost') {
    found.push(`nothing of ${names.damaged} was of use: all came from the others`);
  }
  for (const { name, end } of copies) {
    if (end === 'differs')
      found.push(`${name} describes its segments otherwise than the copy that was believed`);
  }
  for (const { name, header, end } of copies.slice(1)) {
    if (header === 'lost' && end === 'lost')
      found.push(`neither the header nor the end of ${name} is left: it may be no sealed file`);
    else if (header !== 'sound') found.push(`the header of ${name} is damaged`);
  }
  return found;
}

function nameOf(names: Names, replica: number): string {
  return names.replicas[replica] ?? `copy ${replica}`;
}

// What more copies could have helped against.
const BEYOND_HELP: ReadonlySet<string> = new Set<SealFailure['kind']>([
  'NotHealed',
  'EndDamaged',
  'HeaderError',
  'HeaderDamaged',
]);
// Lines that a person still reads.
const LISTED = 20;
