// `sealstream salvage`: recovers what is left of a damaged sealed file.

import { damagePage } from '../../damage-page/page';
import { type DamageMap, salvage as salvageFile, SealError } from '../../index';
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
import { printJson, statusOf } from '../reports/envelope';
import { printReport } from '../reports/print-report';
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
    and --html are written.

    ${common.keySources}`,
  options: [
    ['-o, --output OUT', 'the output'],
    ...common.openingKeys,
    [
      '--fallback-header FILE',
      'the header to use if IN has none: the output of header export, or another copy of the sealed file',
    ],
    [
      '--lost HOW',
      'what to write in the place of lost data: zero (default), so that all other data keeps its offset, or skip for nothing',
    ],
    ['--map FILE', 'write the damage map as JSON; - for standard output'],
    ['--html PAGE', 'write the damage map as a page for a browser'],
    common.maxSegmentSize,
    common.threads,
    [common.force[0], `${common.force[1]}; the files of --map and --html too`],
    common.noFlush,
    common.allowReadableKey,
    ...common.printing,
  ],
  examples: [
    [
      'sealstream salvage -k my.key db.seal -o db.part --html damage.html',
      'write what is left, and a picture of what is lost',
    ],
    [
      'sealstream salvage -k my.key db.seal -o db.part --fallback-header other.seal',
      "use another copy's header",
    ],
  ],
  subject: (args) => ({ source: args.operands[0], target: args.value('output') }),
  sendsData: (args) => args.value('map') === '-',
  run: salvageCommand,
};

interface Files {
  readonly from: string;
  readonly to: string;
  readonly map: string | undefined;
  readonly html: string | undefined;
}

async function salvageCommand(args: Arguments): Promise<number> {
  const files = filesIn(args);
  const { from, to } = files;
  const headerPath = args.value('fallback-header');
  const options = {
    ...openingOptions(args),
    ...common.outputOptions(args),
    fallbackHeader: headerPath === undefined ? undefined : await readHeader(headerPath),
    lost: args.choice('lost', ['zero', 'skip']),
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
          writeMaps(args, files, map);
          const exitCode = map.outcome === 'whole' ? exitCodes.success : exitCodes.partial;
          const isHeaderGiven = headerPath !== undefined;
          printReport(args, map, () => reportLines(files, map, isHeaderGiven), statusOf(exitCode));
          return exitCode;
        } catch (error) {
          clear();
          // The map also shows what is lost if that is everything.
          if (SealError.is(error) && error.map) writeMaps(args, files, error.map);
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
  const [map, html, header] = ['map', 'html', 'fallback-header'].map((option) => args.value(option));
  if (html === '-') throw usageError('--html writes a file, and - is not accepted', 'name a new file');
  const headers = header === undefined ? [] : [{ path: header, role: 'the file of --fallback-header' }];
  const maps = [
    { option: '--map', path: map },
    { option: '--html', path: html },
  ].flatMap(({ option, path }) => (path === undefined || path === '-' ? [] : [{ option, path }]));
  checkOutputs(args, maps, [{ path: from, role: 'the input' }, ...headers]);
  checkOutputs(args, [{ path: to, option: '-o' }, ...maps], headers);
  for (const output of maps) checkMissing(output, args.has('force'));
  return { from, to, map, html };
}

/** Writes the damage map and its page. */
function writeMaps(args: Arguments, files: Files, map: DamageMap): void {
  const overwrite = args.has('force');
  if (files.map === '-') printJson(map);
  else if (files.map !== undefined) writeWhole(files.map, `${JSON.stringify(map)}\n`, overwrite);
  if (files.html !== undefined) writeWhole(files.html, damagePage(map, files.from), overwrite);
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
    ...(more > 0 ? [`  and ${counted(more, 'more range')}: see --map or --html`] : []),
    ...(conflictCount > 0
      ? [`  ${counted(conflictCount, 'segment')} sealed more than once: see --map or --html`]
      : []),
    ...(otherStreams.length > 0
      ? [
          `  the file also has headers of ${counted(otherStreams.length, 'other stream')}: to recover one of them, give its header with --fallback-header`,
        ]
      : []),
    ...(files.map === undefined || files.map === '-' ? [] : [`  map: ${files.map}`]),
    ...(files.html === undefined ? [] : [`  page: ${files.html}`]),
  ];
}

const HEADERS = {
  copy: 'damaged; its copy at the end was used',
  given: 'the given header was used',
  scan: 'found inside the file, not at its start',
} as const;
const SHOWN_RANGES = 5;
