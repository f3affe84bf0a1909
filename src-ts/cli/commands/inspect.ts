// What anyone can see of a sealed file.

import { inspect as inspectStream, type SlotInfo, type StreamInfo } from '../../index';

import type { Arguments } from '../runner/arguments';
import type { CommandSpec } from '../runner/command-spec';
import { printable, STDOUT, writeAll } from '../terminal/console';
import { onlyOperand } from '../files/endpoints';
import { usageError } from '../errors/usage-error';
import { WorkFailure } from '../errors/failure-place';
import { isHeaderAlone } from '../errors/header-alone';
import { help, json } from '../runner/options';
import { counted, formatCount, formatSize } from '../../damage-page/units';

/** `sealstream inspect`. */
export const inspect: CommandSpec = {
  name: 'inspect',
  summary: 'show what can be seen of a sealed file without a key',
  usage: 'sealstream inspect [options] FILE',
  options: [{ ...json, help: ['one JSON object on standard output'] }, help],
  details: [
    [
      'Shows sizes, the digest and who can open the file. It needs no key, and so verifies nothing:',
      'whoever can write the file can change all of this. Decrypting tells.',
    ],
    [
      'Who can open it is numbered, each by its position: sealstream rewrap --remove takes that. FILE',
      'may also be a header alone, which header export or encrypt --detached-header made.',
    ],
  ],
  examples: [
    ['sealstream inspect report.pdf.seal', 'a table'],
    ['sealstream inspect --json report.pdf.seal', 'the same for a program'],
  ],
  run: inspectCommand,
};

async function inspectCommand(args: Arguments): Promise<void> {
  const path = onlyOperand(args, 'FILE');
  if (path === '-')
    throw usageError('inspect needs a file that it can look into', 'name one; - is not taken here');
  const info = await inspectStream(path).catch((cause: unknown) => {
    const scene = { command: 'inspect', input: path, isNamed: true, toStandardOutput: false } as const;
    throw new WorkFailure(cause, scene);
  });
  writeAll(STDOUT, args.has('json') ? `${JSON.stringify({ file: path, ...info })}\n` : infoText(path, info));
}

function infoText(path: string, info: StreamInfo): string {
  const rows: [name: string, value: string][] = [
    ['plaintext', info.plaintextSize === undefined ? 'of unknown size' : exactSize(info.plaintextSize)],
    ['sealed', isHeaderAlone(info) ? HEADER_ALONE : exactSize(info.streamSize)],
    ['segments', `${segments(info)}, in frames of ${formatSize(info.frameSize)}`],
    ['digest', info.digest === 'none' ? 'none: damage shows only when it is opened' : info.digest],
    ['header', headerText(info)],
    ['stream id', info.streamId],
    ...info.slots.map((slot, position): [string, string] => ['opens with', `${position}: ${slotText(slot)}`]),
    ['quantum', quantumText(info)],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(11)}${printable(value)}`);
  return [
    printable(path),
    ...lines,
    'Nothing of this is verified without the key: sealstream decrypt does that.',
    '',
  ].join('\n');
}

function segments({ segments: count, segmentSize }: StreamInfo): string {
  const known = count === undefined ? 'an unknown number' : counted(count, 'segment');
  return `${known} of up to ${formatSize(segmentSize)}`;
}

function headerText({ headerSize, headerRevision, hasHeaderCopy, headerFromCopy }: StreamInfo): string {
  const copy = headerFromCopy
    ? 'DAMAGED or outdated: this is its copy'
    : hasHeaderCopy
      ? 'with a copy at the end'
      : 'without a copy';
  const rewritten = headerRevision === 0 ? '' : `, rewritten ${counted(headerRevision, 'time')}`;
  return `${formatCount(headerSize)} bytes${rewritten}, ${copy}`;
}

function slotText({ type, keyId, passphraseCost, provider }: SlotInfo): string {
  switch (type) {
    case 'key':
      return keyId === undefined ? 'a key without a name' : `a key named ${JSON.stringify(keyId)}`;
    case 'passphrase': {
      if (passphraseCost === undefined) return 'a passphrase';
      const { memoryKiB, passes, lanes } = passphraseCost;
      const cost = [formatSize(memoryKiB * 1024), counted(passes, 'pass', 'passes'), counted(lanes, 'lane')];
      return `a passphrase; an attempt takes ${cost.join(', ')}`;
    }
    case 'x25519':
      return 'an X25519 key pair';
    case 'hybrid':
      return 'a post-quantum hybrid key pair';
    case 'provider':
      return `the key ${JSON.stringify(keyId ?? '')} of ${JSON.stringify(provider ?? '')}`;
    default:
      return `something newer than this release: ${type}`;
  }
}

function quantumText({ isPostQuantum, slots }: StreamInfo): string {
  if (isPostQuantum) return 'safe from quantum computers, as far as is known';
  return slots.some(({ type }) => type === 'x25519')
    ? 'not safe from quantum computers, because of the X25519 key pair'
    : 'not known to be safe from quantum computers';
}

function exactSize(bytes: number): string {
  return bytes < 1024 ? counted(bytes, 'byte') : `${formatSize(bytes)} (${formatCount(bytes)} bytes)`;
}

const HEADER_ALONE = 'not here: this is a header alone, of a stream that is in another file';
