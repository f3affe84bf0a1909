// `sealstream cat`: prints a part of a sealed file, of which it decrypts only the frames that hold it.

import { openReader, type SealedReader } from '../../../index';

import type { Arguments } from '../../runner/arguments';
import type { Command } from '../../runner/command';
import { usageError } from '../../errors/command-error';
import { readHeader } from '../../files/detached-header';
import { checkStandardOutput, onlyOperand } from '../../files/endpoints';
import { checkMissing, checkOutputs, writeStream } from '../../files/outputs';
import { disposeAll } from '../../keys/dispose';
import { openingIdentities, openingOptions } from '../../keys/identities';
import { sendersIn } from '../../keys/senders';
import { printReport } from '../../reports/print-report';
import * as common from '../../runner/options';
import { failureContext, inContext, runOperation, type Running } from '../../runner/run-operation';
import { isTerminal, STDOUT, writeAll } from '../../terminal/console';
import { checkText, checkTextSize, printText } from './show-plaintext';
import { bytesText, formatCount, formatSize, parseSize } from '../../../damage-page/units';

/** `sealstream cat`. */
export const cat: Command = {
  name: 'cat',
  summary: 'print a sealed file or a part of it, at any offset',
  usage: '[options] FILE',
  description: `
    Prints the plaintext of FILE, or the part of --range. Only the frames that hold that part are read and decrypted, so that a
    part of a large file comes at once, and damage elsewhere does not matter. The end of FILE is verified first: a file that was
    cut short is refused. Every byte is verified before it is printed.

    On a terminal, it prints text of up to 1 MiB. Binary data, control characters and longer text are refused without --tty.

    ${common.keySources}`,
  options: [
    [
      '--range OFFSET:LENGTH',
      `the bytes to print: LENGTH of them from OFFSET on, from 0. Both are sizes, such as 64K:1M. Without LENGTH, all up to the
      end; without OFFSET, from the start`,
    ],
    ['-o, --output OUT', 'the output: standard output by default, which is also -'],
    ...common.openingKeys,
    common.senders,
    common.header,
    common.maxSegmentSize,
    ...common.output,
    common.tty,
    common.allowReadableKey,
    ...common.printing,
  ],
  examples: [
    ['sealstream cat -k my.key notes.seal', 'show a text on the terminal'],
    ['sealstream cat -k my.key --range 0:512 disk.img.seal | xxd', 'look at the first sector'],
    ['sealstream cat -k my.key --range 1G:64M db.seal -o db.part', 'write a part to a file'],
    ['sealstream cat -k my.key app.log.seal | grep -m 1 ERROR', 'stop at the first match'],
  ],
  subject: (args) => ({ source: args.operands[0], target: outputOf(args) ?? '-' }),
  sendsData: (args) => outputOf(args) === undefined,
  run: catCommand,
};

/** A part of the plaintext. Without a length, it extends to the end. */
interface Range {
  readonly offset: number;
  readonly length: number | undefined;
}

async function catCommand(args: Arguments): Promise<void> {
  const path = onlyOperand(args, 'FILE');
  const range = rangeIn(args);
  const options = { ...openingOptions(args), senders: await sendersIn(args) };
  const output = outputOf(args);
  const headerPath = args.value('header');
  if (output === undefined) checkStandardOutput(undefined, 'OUT');
  else {
    const headers = headerPath === undefined ? [] : [{ path: headerPath, role: 'the header' }];
    checkOutputs(args, [{ path: output, option: '-o' }], [{ path, role: 'the input' }, ...headers]);
    checkMissing({ path: output, option: '-o' }, args.has('force'));
  }
  const header = headerPath === undefined ? undefined : await readHeader(headerPath);
  const identities = await openingIdentities(args, headerPath ?? path);
  const context = failureContext(args, path);
  const read = async (signal: AbortSignal | undefined, use: (reader: SealedReader) => Promise<void>) => {
    const reader = await openReader(path, { ...options, identities, header, signal });
    try {
      await use(reader);
    } finally {
      await reader.close();
    }
  };
  try {
    if (output !== undefined) {
      const showsProgress = !args.has('quiet') && !args.has('json');
      await runOperation(context, showsProgress, (running) =>
        read(running.signal, (reader) => save(args, reader, range, output, running)),
      );
      return;
    }
    // Signals keep their default effect here: nothing has to be cleaned up.
    let hasOutput = false;
    try {
      await read(undefined, (reader) =>
        print(args, reader, range, () => {
          hasOutput = true;
        }),
      );
    } catch (error) {
      throw await inContext(error, { ...context, toStandardOutput: hasOutput });
    }
  } finally {
    disposeAll(identities);
  }
}

/** Prints a part on standard output. */
async function print(
  args: Arguments,
  reader: SealedReader,
  wanted: Range,
  beforeOutput: () => void,
): Promise<void> {
  const part = partOf(reader, wanted);
  if (isTerminal(STDOUT) && !args.has('tty')) {
    checkTextSize(part.length);
    const plaintext = await reader.read(part.offset, part.length);
    try {
      checkText(plaintext, part.offset > 0);
      printText(plaintext);
    } finally {
      plaintext.fill(0);
    }
    return;
  }
  for await (const piece of reader.stream(part)) {
    beforeOutput();
    writeAll(STDOUT, piece);
  }
  if (args.has('json')) printReport(args, reportOf(reader, part), () => []);
}

/** Writes a part to a file. */
async function save(
  args: Arguments,
  reader: SealedReader,
  wanted: Range,
  output: string,
  { signal, onProgress, clear }: Running,
): Promise<void> {
  const part = partOf(reader, wanted);
  let bytesDone = 0;
  const pieces = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of reader.stream(part)) {
      signal.throwIfAborted();
      yield piece;
      bytesDone += piece.length;
      onProgress?.({ bytesDone, bytesTotal: part.length });
    }
  };
  await writeStream(output, pieces(), common.outputOptions(args));
  clear();
  printReport(args, reportOf(reader, part), () => [
    `decrypted a part of ${args.operands[0] ?? ''} -> ${output}: ${formatSize(part.length)} of ${formatSize(reader.size)}` +
      (part.length === 0 ? '' : `, ${bytesText(part)}`),
  ]);
}

function reportOf({ size, streamId }: SealedReader, plaintextRange: object): object {
  return { plaintextSize: size, plaintextRange, streamId };
}

/** The bytes of the plaintext that a range selects: none past its end. */
function partOf({ size }: SealedReader, { offset, length }: Range): { offset: number; length: number } {
  if (offset > size) {
    throw usageError(
      `--range begins at byte ${formatCount(offset)}, and the plaintext has ${formatCount(size)} bytes`,
      'give an offset in it; sealstream inspect shows the size',
    );
  }
  return { offset, length: Math.min(length ?? Infinity, size - offset) };
}

function rangeIn(args: Arguments): Range {
  const text = args.value('range') ?? '0:';
  const [first = '', last = '', ...more] = text.split(':');
  const offset = first === '' ? 0 : parseSize(first);
  const length = last === '' ? undefined : parseSize(last);
  const isWrong = offset === undefined || (last !== '' && length === undefined);
  if (isWrong || more.length > 0 || !text.includes(':') || text === ':') {
    throw usageError(
      `--range is not OFFSET:LENGTH: ${text}`,
      'for example: --range 0:512, or --range 1M: for all from there on',
    );
  }
  return { offset, length };
}

/** The path of -o; `undefined` for standard output. */
function outputOf(args: Arguments): string | undefined {
  const output = args.value('output');
  return output === '-' ? undefined : output;
}
