// `sealstream header …`: exports, attaches and detaches the header of a sealed file.

import { attachHeader, detachHeader, exportHeader } from '../../api/header';

import type { Arguments, OptionSpec, Subject } from '../runner/arguments';
import type { Command } from '../runner/command';
import { usageError } from '../errors/command-error';
import { readHeader } from '../files/detached-header';
import { checkStandardOutput, onlyOperand, refuseStandardStreams } from '../files/endpoints';
import { checkHeaderMissing, checkOutputs, requiredOutput, writeWhole } from '../files/outputs';
import { printReport } from '../reports/print-report';
import * as common from '../runner/options';
import { failureContext, inContext, runOperation } from '../runner/run-operation';
import { STDOUT, writeAll } from '../terminal/console';
import { counted } from '../../damage-page/units';

const outputs: readonly OptionSpec[] = [...common.output, ...common.printing];

/** `sealstream header export`. */
export const headerExport: Command = {
  name: 'header export',
  summary: 'save a copy of the header of a sealed file',
  usage: '[options] FILE -o HEADER',
  description: `
    Writes the header of FILE, or its copy at the end if the header is damaged. Without a header no key opens a file; with this
    copy, salvage can.

    A header holds no secret and opens nothing without the key. But anyone who has an old header can put it back, and then a
    key that was removed since opens the file again. Only encrypting the data again revokes a key.`,
  options: [['-o, --output HEADER', 'a new file, or - for standard output'], common.tty, ...common.printing],
  examples: [
    ['sealstream header export photos.seal -o photos.header', 'keep it in another place'],
    ['sealstream header export photos.seal -o - | sha256sum', 'find out whether it changed'],
  ],
  subject: inputAndOutput,
  sendsData: (args) => args.value('output') === '-',
  run: exportCommand,
};

/** `sealstream header attach`. */
export const headerAttach: Command = {
  name: 'header attach',
  summary: 'join a header and a body to a sealed file',
  usage: '[options] HEADER BODY -o OUT',
  description: `
    Checks what can be checked without a key: that BODY starts and ends like the stream of HEADER. sealstream verify with a key
    shows whether they belong together.`,
  options: [['-o, --output OUT', 'the new file'], ...outputs],
  examples: [['sealstream header attach db.header db.body -o db.seal', 'make one file of both']],
  subject: (args) => ({ source: args.operands[1], target: args.value('output') }),
  run: attachCommand,
};

/** `sealstream header detach`. */
export const headerDetach: Command = {
  name: 'header detach',
  summary: 'split a sealed file into a header and a body',
  usage: '[options] FILE -o BODY --header-out HEADER',
  description: `
    FILE stays as it is. BODY can only be decrypted with its header. A file that encrypt wrote has a copy of its header at its
    end, and so has BODY; encrypt --header-out makes a body without one.`,
  options: [
    ['-o, --output BODY', 'a new file for everything after the header'],
    common.headerOut,
    ...outputs,
  ],
  examples: [
    ['sealstream header detach db.seal -o db.body --header-out db.header', 'keep them in two places'],
  ],
  subject: inputAndOutput,
  run: detachCommand,
};

function inputAndOutput(args: Arguments): Subject {
  return { source: args.operands[0], target: args.value('output') };
}

async function exportCommand(args: Arguments): Promise<void> {
  const source = onlyOperand(args, 'FILE');
  const target = requiredOutput(args, 'output', '-o HEADER', true);
  if (target === '-') checkStandardOutput(args.has('tty') ? undefined : 'a header', 'HEADER');
  else checkHeaderMissing({ path: target, option: '-o' });
  const header = await exportHeader(source).catch(async (error: unknown) => {
    throw await inContext(error, failureContext(args, source));
  });
  if (target === '-') writeAll(STDOUT, header);
  else writeWhole(target, header, false);
  printReport(args, { headerSize: header.length }, () => [
    `wrote the header of ${source} to ${target === '-' ? 'standard output' : target}: ${counted(header.length, 'byte')}`,
  ]);
}

async function attachCommand(args: Arguments): Promise<void> {
  const [header, source, third] = args.operands;
  refuseStandardStreams(args.command, args.operands);
  if (header === undefined || source === undefined || third !== undefined) {
    throw usageError('two files are expected, HEADER and BODY', 'name both, and the new file with -o OUT');
  }
  const target = requiredOutput(args, 'output', '-o OUT');
  checkOutputs(args, [{ path: target, option: '-o' }], [{ path: header, role: 'the header' }]);
  const bytes = await readHeader(header);
  await runOperation(failureContext(args, source, { header }), false, ({ signal }) =>
    attachHeader(bytes, source, target, { ...common.outputOptions(args), signal }),
  );
  printReport(args, { header, headerSize: bytes.length }, () => [
    `joined ${header} and ${source} -> ${target}: ${counted(bytes.length, 'byte')} of header`,
  ]);
}

async function detachCommand(args: Arguments): Promise<void> {
  const source = onlyOperand(args, 'FILE');
  const target = requiredOutput(args, 'output', '-o BODY');
  const header = requiredOutput(args, 'header-out', '--header-out HEADER');
  const headerFile = { path: header, option: '--header-out' };
  checkOutputs(args, [{ path: target, option: '-o' }, headerFile], [{ path: source, role: 'the input' }]);
  checkHeaderMissing(headerFile);
  const context = failureContext(args, source, { header: undefined });
  const { length } = await runOperation(context, false, ({ signal }) =>
    detachHeader(source, target, { ...common.outputOptions(args), headerTo: header, signal }),
  );
  printReport(args, { header, headerSize: length }, () => [
    `split ${source} -> ${target} and ${header}: ${counted(length, 'byte')} of header`,
  ]);
}
