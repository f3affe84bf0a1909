// What is left of a damaged sealed file.

import { type DamageMap, damagePage, salvage as salvageFile } from '../../index';
import { damageHeadline } from '../../damage-page/page';

import type { Arguments } from '../runner/arguments';
import { atWork } from '../runner/run-operation';
import type { CommandSpec } from '../runner/command-spec';
import { printable, STDOUT, writeAll } from '../terminal/console';
import { disposeAll } from '../keys/dispose';
import { onlyOperand } from '../files/endpoints';
import { CommandError, usageError } from '../errors/usage-error';
import { exitCodes } from '../errors/exit-codes';
import { openingIdentities, openingLimits } from '../keys/identities';
import { keptHeader } from '../files/detached-header';
import { keyPlace, openingKeys } from '../keys/key-options';
import { isKeyFromEnvironment, kindsNamed } from '../keys/named-keys';
import {
  allowReadableKey,
  force,
  help,
  json,
  MAX_THREADS,
  maxSegmentSize,
  noFlush,
  openingContext,
  quiet,
  threads,
} from '../runner/options';
import { checkApart, type OutputFile } from '../keys/same-file-check';
import { inform } from '../terminal/messages';
import { bytesText, counted, formatCount, formatSize } from '../../damage-page/units';
import { checkFree, writeWhole } from '../files/whole-file';

/** `sealstream salvage`. */
export const salvage: CommandSpec = {
  name: 'salvage',
  summary: 'get back what is left of a damaged sealed file',
  usage: 'sealstream salvage [options] IN -o OUT',
  options: [
    { name: 'output', short: 'o', value: 'OUT', help: ['where to'] },
    ...openingKeys,
    openingContext,
    {
      name: 'header',
      value: 'FILE',
      help: ['the header of FILE: what header export made, or another copy of the sealed file'],
    },
    {
      name: 'omit-lost',
      help: ['leave out what is lost; by default zeros stand for it, to keep all else in place'],
    },
    { name: 'map', value: 'FILE', help: ['write the damage map as JSON, - for standard output'] },
    { name: 'report', value: 'PAGE', help: ['write the damage map as a page for a browser'] },
    maxSegmentSize,
    threads,
    { ...force, help: [...force.help, 'and the files of --map and --report too'] },
    noFlush,
    allowReadableKey,
    quiet,
    {
      ...json,
      help: [
        'the damage map as one JSON object on standard output; an error as JSON on standard error:',
        ...json.help.slice(2),
      ],
    },
    help,
  ],
  details: [
    [
      'Looks through all of IN for what belongs to the stream and writes every frame that verifies',
      'to OUT: whatever was overwritten, cut out, doubled, moved or can’t be read. Nothing comes',
      'out that was not verified with the key. IN is never changed.',
    ],
    [
      'First look: sealstream verify -k FILE IN. If there is another copy, sealstream heal makes a',
      'whole one of both. The exit code is 0 if everything came back, 6 if a part did, and 4 if',
      'nothing did; there is no OUT then, but what --map and --report name is written.',
    ],
    keyPlace,
  ],
  examples: [
    ['sealstream salvage -k my.key db.seal -o db.part --report damage.html', 'and a picture of what is lost'],
    ['sealstream salvage -k my.key db.seal -o db.part --header other.seal', 'with another copy’s header'],
  ],
  run: salvageCommand,
};

async function salvageCommand(args: Arguments): Promise<number> {
  const ends = places(args);
  const header = args.value('header');
  const options = {
    context: args.value('context'),
    maxSegmentSize: args.size('max-segment-size'),
    ...openingLimits(args),
    header: header === undefined ? undefined : await keptHeader(header),
    lost: args.has('omit-lost') ? ('omit' as const) : ('zeros' as const),
    threads: args.count('threads', MAX_THREADS),
    overwrite: args.has('force'),
    flush: !args.has('no-flush'),
  };
  const identities = await openingIdentities(args, ends.from);
  const scene = {
    command: 'salvage',
    input: ends.from,
    isNamed: true,
    isKeyFromEnvironment: isKeyFromEnvironment(args),
    offered: kindsNamed(args),
    toStandardOutput: false,
  } as const;
  const showsProgress = !args.has('quiet') && !args.has('json') && ends.map !== '-';
  try {
    return await atWork(scene, showsProgress, async ({ signal, onProgress, clear }) => {
      const map = await salvageFile(ends.from, ends.to, { ...options, identities, signal, onProgress });
      clear();
      return tell(args, ends, map);
    });
  } finally {
    disposeAll(identities);
  }
}

interface Places {
  readonly from: string;
  readonly to: string;
  readonly map: string | undefined;
  readonly report: string | undefined;
}

function places(args: Arguments): Places {
  const from = onlyOperand(args, 'IN');
  const [to, map, report] = ['output', 'map', 'report'].map((option) => args.value(option));
  if (to === undefined) throw usageError('OUT is missing', 'name the file to write with -o OUT');
  if (from === '-' || to === '-' || report === '-') {
    throw usageError('salvage works on files', 'name them; - is only taken behind --map');
  }
  if (map === '-' && args.has('json')) {
    throw usageError('--json and --map - both need standard output', 'give one of them');
  }
  const header = args.value('header');
  const kept = header === undefined ? [] : [{ path: header, what: 'the file of --header' }];
  const maps: OutputFile[] = [];
  for (const [option, path] of [
    ['--map', map],
    ['--report', report],
  ] as const) {
    if (path === undefined || path === '-') continue;
    maps.push({ path, option });
  }
  checkApart(args, maps, [{ path: from, what: 'the input' }, ...kept]);
  checkApart(args, [{ path: to, option: '-o' }, ...maps], kept);
  for (const { path, option } of maps) checkFree(path, option, args.has('force'));
  return { from, to, map, report };
}

/** Tells how it went, and gives the exit code. */
function tell(args: Arguments, ends: Places, map: DamageMap): number {
  const isForced = args.has('force');
  const text = `${JSON.stringify(map)}\n`;
  if (ends.map === '-') writeAll(STDOUT, text);
  else if (ends.map !== undefined) writeWhole(ends.map, text, isForced);
  if (ends.report !== undefined) writeWhole(ends.report, damagePage(map, ends.from), isForced);
  if (args.has('json')) {
    writeAll(
      STDOUT,
      `${JSON.stringify({ command: 'salvage', source: ends.from, target: ends.to, ...map })}\n`,
    );
  }
  if (map.outcome === 'nothing') {
    throw new CommandError(
      'NothingSalvaged',
      `nothing came back of ${ends.from}: not one frame verifies, so ${ends.to} was not written`,
      'look for another copy of it; this one has none of its contents left',
    );
  }
  if (!args.has('quiet') && !args.has('json'))
    inform(summary(ends, map, args.has('header')).map(printable).join('\n'));
  return map.outcome === 'whole' ? exitCodes.done : exitCodes.partial;
}

function summary(
  { from, to, map: mapFile, report }: Places,
  map: DamageMap,
  isHeaderGiven: boolean,
): string[] {
  const { lost, recovered, segments } = map;
  const shown = lost.slice(0, SHOWN).map(({ plaintextRange: { start, end }, cause, message }) => {
    return `  lost: ${bytesText({ start, end })} (${formatSize(end - start)}), ${cause}: ${message}`;
  });
  const more = lost.length - shown.length;
  return [
    `salvaged ${from} -> ${to}: ${damageHeadline(map)}`,
    `  ${formatCount(recovered.segments)} of ${counted(segments, 'segment')} whole; end of the stream: ${map.end}`,
    ...headerLines(map, isHeaderGiven),
    ...shown,
    ...(more > 0 ? [`  and ${counted(more, 'more range')}: see --map or --report`] : []),
    ...(map.conflictCount > 0
      ? [`  ${counted(map.conflictCount, 'segment')} sealed more than once: see --map or --report`]
      : []),
    ...(map.otherStreams.length > 0
      ? [
          `  it holds headers of ${counted(map.otherStreams.length, 'other stream')} too: give the header of one with --header to get that one instead`,
        ]
      : []),
    ...(mapFile === undefined || mapFile === '-' ? [] : [`  map: ${mapFile}`]),
    ...(report === undefined ? [] : [`  page: ${report}`]),
  ];
}

function headerLines({ header: { origin } }: DamageMap, isGiven: boolean): string[] {
  const unused = isGiven && origin !== 'given' ? ['  the header that was given is not of this file'] : [];
  return origin === 'start' ? unused : [...unused, `  header: ${HEADERS[origin]}`];
}

const HEADERS = {
  copy: 'its own is damaged; the copy at the end served',
  given: 'the one that was given served',
  scan: 'found inside the file, not at its start',
} as const;
const SHOWN = 5;
