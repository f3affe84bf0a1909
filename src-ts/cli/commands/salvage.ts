// `sealstream salvage`: recovers what is left of a damaged sealed file.

import { type DamageMap, damagePage, salvage as salvageFile, SealError } from '../../index';
import { damageHeadline } from '../../damage-page/page';

import type { Arguments } from '../runner/arguments';
import type { Command } from '../runner/command';
import { usageError } from '../errors/command-error';
import { exitCodes } from '../errors/exit-codes';
import { readHeader } from '../files/detached-header';
import { onlyOperand } from '../files/endpoints';
import { checkMissing, checkOutputs, requiredOutput, writeWhole } from '../files/outputs';
import { disposeAll } from '../keys/dispose';
import { openingIdentities, openingOptions } from '../keys/identities';
import { printJson, printReport } from '../reports/print-report';
import * as common from '../runner/options';
import { failureContext, runOperation } from '../runner/run-operation';
import { bytesText, counted, formatCount, formatSize } from '../../damage-page/units';

/** `sealstream salvage`. */
export const salvage: Command = {
  name: 'salvage',
  summary: 'recover what is left of a damaged sealed file',
  usage: '[options] IN -o OUT',
  description: `
    Searches all of IN for parts of the stream and writes every frame that verifies to OUT, even if parts of IN were
    overwritten, removed, duplicated or moved, or can't be read. Only data that was verified with the key is written. IN is
    never changed.

    First run sealstream verify -k FILE IN. If there is another copy, sealstream heal makes an intact file of both. The exit
    code is 0 if everything was recovered, 6 if a part was, and 4 if nothing was. With 4 there is no OUT, but the files of --map
    and --report are written.

    ${common.keySources}`,
  options: [
    ['-o, --output OUT', 'the output'],
    ...common.openingKeys,
    ['--header FILE', 'the header of IN: the output of header export, or another copy of the sealed file'],
    [
      '--omit-lost',
      'leave lost data out; by default zeros take its place, so that all other data keeps its position',
    ],
    ['--map FILE', 'write the damage map as JSON; - for standard output'],
    ['--report PAGE', 'write the damage map as a page for a browser'],
    common.maxSegmentSize,
    common.threads,
    [common.force[0], `${common.force[1]}; the files of --map and --report too`],
    common.noFlush,
    common.allowReadableKey,
    common.quiet,
    [common.json[0], common.json[1].replace('the report', 'the damage map')],
  ],
  examples: [
    [
      'sealstream salvage -k my.key db.seal -o db.part --report damage.html',
      'write what is left, and a picture of what is lost',
    ],
    ['sealstream salvage -k my.key db.seal -o db.part --header other.seal', "use another copy's header"],
  ],
  run: salvageCommand,
};

interface Files {
  readonly from: string;
  readonly to: string;
  readonly map: string | undefined;
  readonly report: string | undefined;
}

async function salvageCommand(args: Arguments): Promise<number> {
  const files = filesIn(args);
  const { from, to } = files;
  const headerPath = args.value('header');
  const options = {
    ...openingOptions(args),
    ...common.outputOptions(args),
    fallbackHeader: headerPath === undefined ? undefined : await readHeader(headerPath),
    lost: args.has('omit-lost') ? ('skip' as const) : ('zero' as const),
    threads: common.threadCount(args),
  };
  const identities = await openingIdentities(args, from);
  const showsProgress = !args.has('quiet') && !args.has('json') && files.map !== '-';
  try {
    return await runOperation(
      failureContext(args, from),
      showsProgress,
      async ({ signal, onProgress, clear }) => {
        try {
          const map = await salvageFile(from, to, { ...options, identities, signal, onProgress });
          clear();
          finish(args, files, map);
          return map.outcome === 'whole' ? exitCodes.success : exitCodes.partial;
        } catch (error) {
          clear();
          // The map also shows what is lost if that is everything.
          if (SealError.is(error) && error.map) finish(args, files, error.map);
          throw error;
        }
      },
    );
  } finally {
    disposeAll(identities);
  }
}

function filesIn(args: Arguments): Files {
  const from = onlyOperand(args, 'IN');
  const to = requiredOutput(args, 'output', '-o OUT');
  const [map, report, header] = ['map', 'report', 'header'].map((option) => args.value(option));
  if (report === '-') throw usageError('--report writes a file, and - is not accepted', 'name a new file');
  if (map === '-' && args.has('json')) {
    throw usageError('--json and --map - both need standard output', 'give one of them');
  }
  const headers = header === undefined ? [] : [{ path: header, role: 'the file of --header' }];
  const maps = [
    { option: '--map', path: map },
    { option: '--report', path: report },
  ].flatMap(({ option, path }) => (path === undefined || path === '-' ? [] : [{ option, path }]));
  checkOutputs(args, maps, [{ path: from, role: 'the input' }, ...headers]);
  checkOutputs(args, [{ path: to, option: '-o' }, ...maps], headers);
  for (const output of maps) checkMissing(output, args.has('force'));
  return { from, to, map, report };
}

/** Writes the damage map, and prints the report. */
function finish(args: Arguments, files: Files, map: DamageMap): void {
  const { from: source, to: target } = files;
  const overwrite = args.has('force');
  if (files.map === '-') printJson(map);
  else if (files.map !== undefined) writeWhole(files.map, `${JSON.stringify(map)}\n`, overwrite);
  if (files.report !== undefined) writeWhole(files.report, damagePage(map, source), overwrite);
  printReport(args, { source, target, ...map }, () =>
    map.outcome === 'nothing' ? [] : reportLines(files, map, args.has('header')),
  );
}

function reportLines(files: Files, map: DamageMap, isHeaderGiven: boolean): string[] {
  const { lost, recovered, segments, conflictCount, otherStreams, header } = map;
  const more = lost.length - SHOWN_RANGES;
  return [
    `salvaged ${files.from} -> ${files.to}: ${damageHeadline(map)}`,
    `  ${formatCount(recovered.segments)} of ${counted(segments, 'segment')} intact; end of the stream: ${map.end}`,
    ...(isHeaderGiven && header.origin !== 'given'
      ? ['  the given header does not belong to this file']
      : []),
    ...(header.origin === 'start' ? [] : [`  header: ${HEADERS[header.origin]}`]),
    ...lost
      .slice(0, SHOWN_RANGES)
      .map(
        ({ plaintextRange: range, cause, message }) =>
          `  lost: ${bytesText(range)} (${formatSize(range.length)}), ${cause}: ${message}`,
      ),
    ...(more > 0 ? [`  and ${counted(more, 'more range')}: see --map or --report`] : []),
    ...(conflictCount > 0
      ? [`  ${counted(conflictCount, 'segment')} sealed more than once: see --map or --report`]
      : []),
    ...(otherStreams.length > 0
      ? [
          `  the file also has headers of ${counted(otherStreams.length, 'other stream')}: to recover one of them, give its header with --header`,
        ]
      : []),
    ...(files.map === undefined || files.map === '-' ? [] : [`  map: ${files.map}`]),
    ...(files.report === undefined ? [] : [`  page: ${files.report}`]),
  ];
}

const HEADERS = {
  copy: 'damaged; its copy at the end was used',
  given: 'the given header was used',
  scan: 'found inside the file, not at its start',
} as const;
const SHOWN_RANGES = 5;
