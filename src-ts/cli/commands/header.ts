// `sealstream header …`: a sealed file's header by itself.

import { exportHeader } from '../../index';

import type { Arguments } from '../runner/arguments';
import type { CommandSpec } from '../runner/command-spec';
import { isTerminal, printable, STDERR, STDOUT, wasClosed, writeAll } from '../terminal/console';
import { onlyOperand } from '../files/endpoints';
import { refusal, usageError } from '../errors/usage-error';
import { WorkFailure } from '../errors/failure-place';
import { help, json, quiet } from '../runner/options';
import { inform } from '../terminal/messages';
import { formatCount } from '../../damage-page/units';
import { checkFree, writeWhole } from '../files/whole-file';

/** `sealstream header export`. */
export const headerExport: CommandSpec = {
  name: 'header export',
  summary: 'keep a copy of a sealed file’s header, for the day when it is lost',
  usage: 'sealstream header export [options] FILE -o HEADER',
  options: [
    { name: 'output', short: 'o', value: 'HEADER', help: ['a new file, or - for standard output'] },
    quiet,
    {
      ...json,
      help: ['the report as one JSON object on standard output, or on standard error with', '-o -'],
    },
    help,
  ],
  details: [
    [
      'Writes the bytes of the header as they stand in FILE, or in the copy at its end where the',
      'header itself is damaged. Without a header no key opens a file; with this one, salvage can.',
    ],
    [
      'Nothing in a header is secret: it opens nothing without the key. But whoever has an old one',
      'can put it back, and a key that was removed since then works again. Only sealing anew',
      'takes a key’s power away.',
    ],
  ],
  examples: [
    ['sealstream header export photos.seal -o photos.header', 'keep it somewhere else'],
    ['sealstream header export photos.seal -o - | sha256sum', 'see whether it changed'],
  ],
  run: exportCommand,
};

async function exportCommand(args: Arguments): Promise<void> {
  const path = onlyOperand(args, 'FILE');
  const output = args.value('output');
  if (path === '-')
    throw usageError('header export needs a file that it can look into', 'name one; - is not taken here');
  if (output === undefined) throw usageError('HEADER is missing', 'name the file to write with -o HEADER');
  if (output === '-') checkOutput();
  // An older header may be the only one left.
  else checkFree(output, '-o', false, 'name another with -o HEADER: no header is written over');
  const header = await exportHeader(path).catch((cause: unknown) => {
    const scene = { command: 'header', input: path, isNamed: true, toStandardOutput: false } as const;
    throw new WorkFailure(cause, scene);
  });
  if (output === '-') writeAll(STDOUT, header);
  else writeWhole(output, header, false);
  if (args.has('json')) {
    const report = { command: 'header export', source: path, target: output, headerSize: header.length };
    writeAll(output === '-' ? STDERR : STDOUT, `${JSON.stringify(report)}\n`);
  } else if (!args.has('quiet')) {
    const to = output === '-' ? 'standard output' : output;
    inform(printable(`wrote the header of ${path} to ${to}: ${formatCount(header.length)} bytes`));
  }
}

function checkOutput(): void {
  if (wasClosed(STDOUT))
    throw refusal('standard output is closed, so the header would be lost', 'use -o HEADER');
  if (isTerminal(STDOUT)) {
    throw refusal('a header is binary, and standard output is a terminal', 'name a file with -o HEADER');
  }
}
