// `sealstream header attach` and `detach`: a sealed file out of its header and its body, and back.

import { attachHeader, detachHeader } from '../../index';

import type { Arguments } from '../runner/arguments';
import { atWork } from '../runner/run-operation';
import type { CommandSpec } from '../runner/command-spec';
import { printable, STDOUT, writeAll } from '../terminal/console';
import { onlyOperand } from '../files/endpoints';
import { usageError } from '../errors/usage-error';
import { keptHeader } from '../files/detached-header';
import { force, help, json, noFlush, quiet } from '../runner/options';
import { checkApart } from '../keys/same-file-check';
import { inform } from '../terminal/messages';
import { formatCount } from '../../damage-page/units';
import { checkFree } from '../files/whole-file';

/** `sealstream header attach`. */
export const headerAttach: CommandSpec = {
  name: 'header attach',
  summary: 'make a sealed file out of its header and its body',
  usage: 'sealstream header attach [options] HEADER BODY -o OUT',
  options: [
    { name: 'output', short: 'o', value: 'OUT', help: ['the new file'] },
    force,
    noFlush,
    quiet,
    { ...json, help: ['the report as one JSON object on standard output'] },
    help,
  ],
  details: [
    [
      'Checks what can be seen without a key: that BODY starts and ends as HEADER’s stream does.',
      'sealstream verify with a key tells whether they belong together.',
    ],
  ],
  examples: [['sealstream header attach db.header db.body -o db.seal', 'make one file of both']],
  run: attachCommand,
};

/** `sealstream header detach`. */
export const headerDetach: CommandSpec = {
  name: 'header detach',
  summary: 'split a sealed file into its header and its body',
  usage: 'sealstream header detach [options] FILE -o BODY --header HEADER',
  options: [
    { name: 'output', short: 'o', value: 'BODY', help: ['a new file for what is behind the header'] },
    { name: 'header', value: 'HEADER', help: ['a new file for the header'] },
    force,
    noFlush,
    quiet,
    { ...json, help: ['the report as one JSON object on standard output'] },
    help,
  ],
  details: [
    [
      'FILE stays as it is. Without its header nobody can open BODY. A file that was sealed with a',
      'copy of its header has that copy in its end, and so in BODY; encrypt --detached-header makes',
      'a body without.',
    ],
  ],
  examples: [['sealstream header detach db.seal -o db.body --header db.header', 'keep them in two places']],
  run: detachCommand,
};

async function attachCommand(args: Arguments): Promise<void> {
  const { operands } = args;
  const [headerPath, body, third] = operands;
  if (headerPath === undefined || body === undefined || third !== undefined || operands.includes('-')) {
    throw usageError('HEADER and BODY are expected, two files', 'name both, and the new file with -o OUT');
  }
  const output = required(args, 'output', 'OUT', '-o OUT');
  checkApart(args, [{ path: output, option: '-o' }], [{ path: headerPath, what: 'the header' }]);
  const header = await keptHeader(headerPath);
  await atWork({ ...scene(body), header: headerPath }, false, ({ signal }) =>
    attachHeader(header, body, output, { ...placement(args), signal }),
  );
  tell(args, { command: 'header attach', source: body, header: headerPath, target: output }, header.length);
}

async function detachCommand(args: Arguments): Promise<void> {
  const path = onlyOperand(args, 'FILE');
  if (path === '-') throw usageError('header detach needs a file that it can look into', 'name one');
  const output = required(args, 'output', 'BODY', '-o BODY');
  const headerPath = required(args, 'header', 'HEADER', '--header HEADER');
  checkApart(
    args,
    [
      { path: output, option: '-o' },
      { path: headerPath, option: '--header' },
    ],
    [{ path, what: 'the input' }],
  );
  // An older header may be the only one left.
  checkFree(headerPath, '--header', false, 'name another with --header: no header is written over');
  const size = await atWork(scene(path), false, async ({ signal }) => {
    const header = await detachHeader(path, output, { ...placement(args), headerTo: headerPath, signal });
    return header.length;
  });
  tell(args, { command: 'header detach', source: path, header: headerPath, target: output }, size);
}

function required(args: Arguments, option: string, what: string, written: string): string {
  const value = args.value(option);
  if (value === undefined || value === '-') {
    throw usageError(`${what} is missing`, `name the file to write with ${written}`);
  }
  return value;
}

function placement(args: Arguments): { overwrite: boolean; flush: boolean } {
  return { overwrite: args.has('force'), flush: !args.has('no-flush') };
}

function scene(input: string) {
  return { command: 'header', input, isNamed: true, toStandardOutput: false } as const;
}

function tell(
  args: Arguments,
  report: { command: string; source: string; header: string; target: string },
  headerSize: number,
): void {
  if (args.has('json')) writeAll(STDOUT, `${JSON.stringify({ ...report, headerSize })}\n`);
  else if (!args.has('quiet')) {
    const { command, source, header, target } = report;
    const size = `${formatCount(headerSize)} bytes of header`;
    const text =
      command === 'header attach'
        ? `put ${header} and ${source} together -> ${target}: ${size}`
        : `split ${source} -> ${target} and ${header}: ${size}`;
    inform(printable(text));
  }
}
