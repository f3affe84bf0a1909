// `sealstream inspect`: shows what a sealed file tells without a key.

import { inspect as inspectStream, type SlotInfo, type StreamInfo } from '../../index';

import type { Arguments } from '../runner/arguments';
import type { Command } from '../runner/command';
import { onlyOperand } from '../files/endpoints';
import { printJsonReport } from '../reports/envelope';
import * as common from '../runner/options';
import { failureContext, inContext, isHeaderAlone } from '../runner/run-operation';
import { printable, STDOUT, writeAll } from '../terminal/console';
import { counted, formatCount, formatSize } from '../../damage-page/units';

/** `sealstream inspect`. */
export const inspect: Command = {
  name: 'inspect',
  summary: 'show what a sealed file tells without a key',
  usage: '[options] FILE',
  description: `
    Shows sizes, the digest and the key slots of a sealed file. It needs no key, and so verifies nothing: anyone who can write
    the file can change all of this. Decrypting verifies it.

    Key slots are shown with their slot index, which sealstream rewrap --remove slot:N accepts. FILE can also be a header alone,
    from header export or encrypt --header-out.`,
  options: [common.json],
  subject: (args) => ({ file: args.operands[0] }),
  examples: [
    ['sealstream inspect report.pdf.seal', 'print a table'],
    ['sealstream inspect --json report.pdf.seal', 'print the same for a program'],
  ],
  run: inspectCommand,
};

async function inspectCommand(args: Arguments): Promise<void> {
  const path = onlyOperand(args, 'FILE');
  const info = await inspectStream(path).catch(async (error: unknown) => {
    throw await inContext(error, failureContext(args, path));
  });
  if (args.has('json')) printJsonReport(args, info);
  else writeAll(STDOUT, infoText(path, info));
}

function infoText(path: string, info: StreamInfo): string {
  const rows: [name: string, value: string][] = [
    ['plaintext', info.plaintextSize === undefined ? 'of unknown size' : exactSize(info.plaintextSize)],
    ['sealed', isHeaderAlone(info) ? HEADER_ALONE : exactSize(info.sealedSize)],
    ['segments', `${segments(info)}, in frames of ${formatSize(info.frameSize)}`],
    ['digest', info.digest === 'none' ? 'none: only opening it finds damage' : info.digest],
    ['header', headerText(info)],
    ...(info.claimedSender === undefined
      ? []
      : [['sender', `${info.claimedSender}, as it claims`] as [string, string]]),
    ['stream id', info.streamId],
    ...info.slots.map((slot, row): [string, string] => [
      row === 0 ? 'key slots' : '',
      `slot:${slot.slotIndex}  ${slotText(slot)}`,
    ]),
    ['quantum', quantumText(info)],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(11)}${printable(value)}`);
  return [
    printable(path),
    ...lines,
    'Nothing of this is verified: sealstream decrypt or verify with a key does that.',
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
      return `a passphrase; a guess costs ${cost.join(', ')}`;
    }
    case 'x25519':
      return 'an X25519 key pair';
    case 'hybrid':
      return 'a post-quantum hybrid key pair';
    case 'provider':
      return `the key ${JSON.stringify(keyId ?? '')} of ${JSON.stringify(provider ?? '')}`;
    default:
      return `a type that is newer than this release: ${type}`;
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

const HEADER_ALONE = 'unknown: this is a header alone, without the rest of its stream';
