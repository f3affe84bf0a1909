// `sealstream encrypt`: a file or a pipe in, a sealed one out.

import {
  type DigestName,
  encryptFile,
  type FileOptions,
  type OperationOptions,
  type SealOptions,
  type SealReport,
} from '../../index';
import { convertDescriptors } from '../files/descriptors';

import type { Arguments } from '../runner/arguments';
import type { CommandSpec } from '../runner/command-spec';
import { convert } from './convert';
import { type Endpoints, endpoints } from '../files/endpoints';
import { detachedHeader, sealApart } from './detached';
import { usageError } from '../errors/usage-error';
import { keyPlace, sealingKeys } from '../keys/key-options';
import { kindsNamed } from '../keys/named-keys';
import { allowReadableKey, force, help, json, noFlush, quiet, resume, threads } from '../runner/options';
import { sealingRecipients } from '../keys/recipients';

/** `sealstream encrypt`. */
export const encrypt: CommandSpec = {
  name: 'encrypt',
  summary: 'seal a file, or standard input',
  usage: 'sealstream encrypt [options] IN',
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'OUT',
      help: ['where to; IN.seal by default, IN.body with --detached-header, - for standard', 'output'],
    },
    ...sealingKeys,
    {
      name: 'context',
      value: 'TEXT',
      help: [
        'what the data belongs to, such as "tenant 7, backup 2024-05": it is not stored,',
        'and opening asks for the same text',
      ],
    },
    {
      name: 'digest',
      value: 'NAME',
      help: ['how damage is found without a key: crc64-nvme (default), sha256, sha512, blake3', 'or none'],
    },
    {
      name: 'detached-header',
      value: 'HEADER',
      help: [
        'keep the header out of OUT, in a file of its own: without it nobody can',
        'open OUT. IN and OUT must be files',
      ],
    },
    { name: 'frame-size', value: 'SIZE', help: ['bytes in a frame: 1K to 16M, 64K by default'] },
    {
      name: 'segment-size',
      value: 'SIZE',
      help: [
        'bytes in a segment, the unit of parallel work: a multiple of the frame size, up',
        'to 1G; 1M by default, more for over 64G. Over 64M, whoever opens it must',
        'allow it with --max-segment-size',
      ],
    },
    threads,
    force,
    noFlush,
    resume,
    allowReadableKey,
    quiet,
    json,
    help,
  ],
  details: [
    [
      'Seals IN, a file or - for standard input, so that only the keys and passphrases that are',
      'named open it, each on its own, and every change to it shows. OUT appears when it is complete,',
      'or not at all. Sealed data is not written to a terminal.',
    ],
    keyPlace,
  ],
  examples: [
    ['sealstream encrypt -k my.key report.pdf', 'make report.pdf.seal'],
    ['sealstream encrypt -p notes.txt', 'seal with a passphrase'],
    ['sealstream encrypt -R team.txt -k my.key db.dump', 'for several public keys and a key'],
    ['sealstream encrypt -k my.key -o /backup/r.seal report.pdf', 'choose the place'],
    ['tar c photos | sealstream encrypt -k my.key - > photos.seal', 'seal what a program writes'],
    ['sealstream encrypt -k my.key --resume disk.img', 'go on if it is interrupted: the same again'],
    ['sealstream encrypt -k my.key -- -odd-name', 'a name that begins with a dash'],
  ],
  run: encryptCommand,
};

async function encryptCommand(args: Arguments): Promise<void> {
  const options = {
    context: args.value('context'),
    digest: args.choice('digest', DIGESTS),
    frameSize: args.size('frame-size'),
    segmentSize: args.size('segment-size'),
  };
  const ends = endpoints('encrypt', args);
  const header = detachedHeader(args, ends);
  if (args.has('resume') && kindsNamed(args).length === 0) {
    throw usageError(
      '--resume needs a key or a passphrase: public keys open no journal',
      'add -k FILE or -p to the public keys, or leave --resume out',
    );
  }
  await convert('encrypt', args, ends, {
    keys: () => sealingRecipients(args),
    run: (recipients, operation) => {
      const settings = { ...options, ...operation, recipients };
      return header === undefined ? seal(ends, settings) : sealApart(header, settings);
    },
  });
}

function seal(ends: Endpoints, options: SealOptions & OperationOptions & FileOptions): Promise<SealReport> {
  const { source, target } = ends;
  return 'path' in source && 'path' in target
    ? encryptFile(source.path, target.path, options)
    : convertDescriptors('encrypt', ends, options);
}

const DIGESTS: readonly DigestName[] = ['crc64-nvme', 'sha256', 'sha512', 'blake3', 'none'];
