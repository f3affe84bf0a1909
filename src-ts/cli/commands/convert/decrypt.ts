// `sealstream decrypt`: decrypts a sealed file or standard input.

import { decryptFile, type DecryptReport } from '../../../index';
import type { DecryptOptions } from '../../../index';
import { convertDescriptors } from '../../files/descriptors';

import { type Arguments, exclusive } from '../../runner/arguments';
import type { Command } from '../../runner/command';
import { convert, endpointContext, isOnTerminal } from './convert';
import { conversionSubject, type Endpoint, endpoints, filePaths } from '../../files/endpoints';
import { readHeader } from '../../files/detached-header';
import { disposeAll } from '../../keys/dispose';
import { openingIdentities, openingOptions } from '../../keys/identities';
import { sendersIn } from '../../keys/senders';
import { warnOfHeader } from '../../reports/conversion-report';
import * as common from '../../runner/options';
import { inContext } from '../../runner/run-operation';
import { STDOUT } from '../../terminal/console';
import { showOnTerminal } from './show-plaintext';

/** `sealstream decrypt`. */
export const decrypt: Command = {
  name: 'decrypt',
  summary: 'decrypt a sealed file or standard input',
  usage: '[options] IN',
  description: `
    Decrypts IN, a file or - for standard input. OUT appears when all of IN is verified, or not at all. Standard output gets each
    segment as soon as it is verified: use that data only if the exit code is 0, because only the end shows whether the
    stream was cut short.

    On a terminal, standard output gets text of up to 1 MiB, after all of it is verified. Binary data, control characters and
    longer text are refused without --tty.

    ${common.keySources}`,
  options: [
    ['-o, --output OUT', 'the output: IN without its .seal (or .body) by default; - for standard output'],
    ...common.openingKeys,
    common.senders,
    [common.header[0], `${common.header[1]}; IN and OUT must be files`],
    [
      '--metadata',
      "restore IN's time of modification and, of a new OUT, the owner's permission bits. IN and OUT must be files",
    ],
    common.maxSegmentSize,
    common.threads,
    ...common.output,
    common.tty,
    common.resume,
    common.allowReadableKey,
    ...common.printing,
  ],
  examples: [
    ['sealstream decrypt -k my.key report.pdf.seal', 'write report.pdf'],
    ['sealstream decrypt -k my.key -o - notes.seal', 'show a text on the terminal'],
    ['sealstream decrypt -i pair.key db.dump.seal', 'decrypt what was encrypted for a public key'],
    ['sealstream decrypt -p notes.txt.seal', 'decrypt with a passphrase'],
    ['sealstream decrypt -k my.key - < photos.seal | tar x', 'pass the data to a program'],
    ['sealstream decrypt -k my.key -o - big.seal > /dev/null', 'verify without keeping the data'],
  ],
  subject: (args) => conversionSubject('decrypt', args),
  sendsData: (args) => conversionSubject('decrypt', args).target === '-',
  run: decryptCommand,
};

async function decryptCommand(args: Arguments): Promise<void> {
  const options = { ...openingOptions(args), senders: await sendersIn(args) };
  const ends = endpoints('decrypt', args);
  const { source, target } = ends;
  const headerPath = args.value('header');
  if (headerPath !== undefined) {
    filePaths('--header', ends);
    if (args.has('resume')) throw exclusive('--header', '--resume');
  }
  const metadata = args.has('metadata');
  if (metadata) filePaths('--metadata', ends);
  const header = headerPath === undefined ? undefined : await readHeader(headerPath);
  if (isOnTerminal(target) && !args.has('tty')) {
    await show(args, source, options);
    return;
  }
  await convert('decrypt', args, ends, {
    readKeys: () => openingIdentities(args, header === undefined ? pathOf(source) : headerPath),
    run: (identities, how): Promise<DecryptReport> => {
      const settings = { ...options, ...how, identities };
      return 'path' in source && 'path' in target
        ? decryptFile(source.path, target.path, { ...settings, header, metadata })
        : convertDescriptors('decrypt', ends, settings);
    },
  });
}

/** Signals keep their default effect here: nothing has to be cleaned up, and a read from a pipe can't be cancelled. */
async function show(args: Arguments, source: Endpoint, options: DecryptOptions): Promise<void> {
  const threads = common.threadCount(args);
  const target = { fd: STDOUT } as const;
  const identities = await openingIdentities(args, pathOf(source));
  try {
    const { headerFromCopy } = await showOnTerminal(source, { ...options, threads, identities });
    if (headerFromCopy) warnOfHeader(source);
  } catch (error) {
    const context = endpointContext(args, { source, target });
    // Nothing is shown before all of it is verified.
    throw await inContext(error, { ...context, toStandardOutput: false });
  } finally {
    disposeAll(identities);
  }
}

function pathOf(end: Endpoint): string | undefined {
  return 'path' in end ? end.path : undefined;
}
