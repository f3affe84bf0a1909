// `sealstream decrypt`: a sealed file or pipe in, what it holds out.

import {
  decryptFile,
  type FileOptions,
  type OpeningOptions,
  type OpenOptions,
  type OpenReport,
  type OperationOptions,
} from '../../index';
import { convertDescriptors } from '../files/descriptors';

import type { Arguments } from '../runner/arguments';
import type { CommandSpec } from '../runner/command-spec';
import { STDOUT } from '../terminal/console';
import { convert, isOnTerminal, refuseJsonOnTerminal, scene } from './convert';
import { disposeAll } from '../keys/dispose';
import { type Endpoint, endpoints, type Endpoints, nameOf } from '../files/endpoints';
import { givenHeader } from './detached';
import { WorkFailure } from '../errors/failure-place';
import { sceneOfFailure } from '../errors/header-alone';
import { openingIdentities, openingLimits } from '../keys/identities';
import { keyPlace, openingKeys } from '../keys/key-options';
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
  resume,
  threads,
} from '../runner/options';
import { warnings } from '../reports/report';
import { showOnTerminal } from './show-plaintext';
import { warn } from '../terminal/messages';

/** `sealstream decrypt`. */
export const decrypt: CommandSpec = {
  name: 'decrypt',
  summary: 'open what was sealed',
  usage: 'sealstream decrypt [options] IN',
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'OUT',
      help: ['where to; IN without its .seal (or .body) by default, - for standard output'],
    },
    ...openingKeys,
    openingContext,
    {
      name: 'header',
      value: 'FILE',
      help: ['the header, where it was kept apart from IN; IN and OUT must be files'],
    },
    maxSegmentSize,
    threads,
    { ...force, help: [...force.help, 'and send anything to a terminal, binary data too'] },
    noFlush,
    resume,
    allowReadableKey,
    quiet,
    json,
    help,
  ],
  details: [
    [
      'Opens IN, a file or - for standard input. OUT appears when all of IN has been verified, or',
      'not at all. To standard output each segment goes as soon as it is verified: use it only',
      'when the exit code is 0, since a stream that is cut short shows at its end.',
    ],
    [
      'A terminal as standard output gets text of up to 1 MiB, once all of it is verified; binary',
      'data, control characters and longer text are refused, unless --force is given.',
    ],
    keyPlace,
  ],
  examples: [
    ['sealstream decrypt -k my.key report.pdf.seal', 'make report.pdf'],
    ['sealstream decrypt -k my.key -o - notes.seal', 'show a text on the terminal'],
    ['sealstream decrypt -i pair.key db.dump.seal', 'what was sealed for a public key'],
    ['sealstream decrypt -p notes.txt.seal', 'what was sealed with a passphrase'],
    ['sealstream decrypt -k my.key - < photos.seal | tar x', 'hand it to a program'],
    ['sealstream decrypt -k my.key -o - big.seal > /dev/null', 'verify without keeping'],
  ],
  run: decryptCommand,
};

async function decryptCommand(args: Arguments): Promise<void> {
  const options = {
    context: args.value('context'),
    maxSegmentSize: args.size('max-segment-size'),
    ...openingLimits(args),
  };
  const ends = endpoints('decrypt', args);
  const apart = await givenHeader(args, ends);
  if (apart !== undefined) {
    const { from, to, header } = apart;
    await convert('decrypt', args, ends, {
      keys: () => openingIdentities(args),
      run: (identities, operation) => decryptFile(from, to, { ...options, ...operation, identities, header }),
    });
  } else if (isOnTerminal(ends.target) && !args.has('force')) {
    await show(args, ends.source, options);
  } else {
    await convert('decrypt', args, ends, {
      keys: () => openingIdentities(args, pathOf(ends.source)),
      run: (identities, operation) => open(ends, { ...options, ...operation, identities }),
    });
  }
}

/** Signals have their default effect here: there is nothing to clean up, and a read from a pipe can't be stopped. */
async function show(args: Arguments, source: Endpoint, options: OpeningOptions): Promise<void> {
  const threads = args.count('threads', MAX_THREADS);
  refuseJsonOnTerminal(args, { fd: STDOUT });
  const identities = await openingIdentities(args, pathOf(source));
  try {
    const state = await showOnTerminal(source, { ...options, threads, identities });
    for (const warning of warnings(nameOf(source), state)) warn(warning);
  } catch (error) {
    // All was verified before anything is shown.
    throw new WorkFailure(error, await sceneOfFailure(error, scene('decrypt', args, source, false)));
  } finally {
    disposeAll(identities);
  }
}

function pathOf(end: Endpoint): string | undefined {
  return 'path' in end ? end.path : undefined;
}

function open(ends: Endpoints, options: OpenOptions & OperationOptions & FileOptions): Promise<OpenReport> {
  const { source, target } = ends;
  return 'path' in source && 'path' in target
    ? decryptFile(source.path, target.path, options)
    : convertDescriptors('decrypt', ends, options);
}
