// `sealstream encrypt`: encrypts a file or standard input.

import { type DigestName, encryptFile, encryptFileDetached, type EncryptReport } from '../../../index';
import { convertDescriptors } from '../../files/descriptors';

import { type Arguments, exclusive } from '../../runner/arguments';
import type { Command } from '../../runner/command';
import { convert } from './convert';
import { usageError } from '../../errors/command-error';
import { conversionSubject, type Endpoints, endpoints, filePaths } from '../../files/endpoints';
import { checkHeaderMissing, checkOutputs } from '../../files/outputs';
import { offeredSlotTypes } from '../../keys/key-arguments';
import { sealingRecipients } from '../../keys/recipients';
import { senderKeyIn } from '../../keys/senders';
import * as common from '../../runner/options';

/** `sealstream encrypt`. */
export const encrypt: Command = {
  name: 'encrypt',
  summary: 'encrypt a file or standard input',
  usage: '[options] IN',
  description: `
    Encrypts IN, a file or - for standard input. Each of the named keys and passphrases decrypts it alone, and any change to the
    encrypted data is detected. OUT appears when it is complete, or not at all.

    ${common.keySources}`,
  options: [
    ['-o, --output OUT', 'the output: IN.seal by default, IN.body with --header-out; - for standard output'],
    ...common.sealingKeys,
    [
      '--context TEXT',
      'what the data belongs to, such as "tenant 7, backup 2024-05". It is not stored: decrypting needs the same text',
    ],
    [
      '--digest NAME',
      'the digest by which damage is found without a key: crc64-nvme (default), sha256, sha512, blake3 or none',
    ],
    [
      '--sender-key FILE',
      `sign it, so that readers can tell who sealed it: with the OpenSSH private key of Ed25519 in FILE. agent:KEY signs through
      the SSH agent, where KEY is a public key or its file; agent: alone takes the agent's only key. The digest is then blake3
      by default`,
    ],
    [
      common.headerOut[0],
      `write the header to ${common.headerOut[1]}. OUT then has no header, and is only decrypted with it. IN and OUT must be files`,
    ],
    ['--frame-size SIZE', 'bytes in a frame: 1K to 16M, 64K by default'],
    [
      '--segment-size SIZE',
      `bytes in a segment, the unit of parallel work: a multiple of the frame size, up to 1G; 1M by default, more for
      files over 64G. Over 64M, decrypting takes --max-segment-size`,
    ],
    [
      '--header-size SIZE',
      `bytes of the header, which leave room to change the recipients in place: 4K by default, no padding for files below 64K;
      0 for no padding`,
    ],
    [
      '--metadata',
      'keep the time of modification, the permission bits and the name of IN, encrypted. IN and OUT must be files',
    ],
    common.threads,
    ...common.output,
    common.tty,
    common.resume,
    common.allowReadableKey,
    ...common.printing,
  ],
  examples: [
    ['sealstream encrypt -k my.key report.pdf', 'write report.pdf.seal'],
    ['sealstream encrypt -p notes.txt', 'encrypt with a passphrase'],
    ['sealstream encrypt -R team.txt -k my.key db.dump', 'encrypt for public keys and a key file'],
    ['sealstream encrypt -k my.key -o /backup/r.seal report.pdf', 'name the output'],
    ['tar c photos | sealstream encrypt -k my.key - > photos.seal', 'encrypt the output of a program'],
    ['sealstream encrypt -k my.key --resume disk.img', 'run it again to continue after an interruption'],
    ['sealstream encrypt -k my.key -- -odd-name', 'a file name that begins with a dash'],
  ],
  subject: (args) => conversionSubject('encrypt', args),
  sendsData: (args) => conversionSubject('encrypt', args).target === '-',
  run: encryptCommand,
};

async function encryptCommand(args: Arguments): Promise<void> {
  const options = {
    context: args.value('context'),
    digest: args.choice('digest', DIGESTS),
    frameSize: args.size('frame-size'),
    segmentSize: args.size('segment-size'),
    headerSize: args.size('header-size'),
  };
  const ends = endpoints('encrypt', args);
  const headerTo = args.value('header-out');
  const detached = headerTo === undefined ? undefined : detachedPaths(args, ends, headerTo);
  const metadata = args.has('metadata');
  if (metadata) filePaths('--metadata', ends);
  if (args.has('resume') && offeredSlotTypes(args).length === 0) {
    throw usageError(
      '--resume needs a key or a passphrase: public keys open no journal',
      'add -k FILE or -p, or leave --resume out',
    );
  }
  if (args.has('resume') && args.has('sender-key')) throw exclusive('--resume', '--sender-key');
  // Found before any work begins, and before a passphrase is typed.
  const senderKey = await senderKeyIn(args);
  try {
    await convert('encrypt', args, ends, {
      readKeys: () => sealingRecipients(args),
      run: async (recipients, how): Promise<EncryptReport> => {
        const settings = { ...options, ...how, recipients, senderKey };
        if (detached !== undefined && headerTo !== undefined) {
          const { from, to } = detached;
          const { resume: _, ...others } = settings;
          const { header: __, ...report } = await encryptFileDetached(from, to, {
            ...others,
            headerTo,
            metadata,
          });
          return report;
        }
        const { source, target } = ends;
        return 'path' in source && 'path' in target
          ? encryptFile(source.path, target.path, { ...settings, metadata })
          : convertDescriptors('encrypt', ends, settings);
      },
    });
  } finally {
    senderKey?.dispose();
  }
}

/** The paths for a detached header, checked before any key is read. */
function detachedPaths(args: Arguments, ends: Endpoints, headerPath: string): { from: string; to: string } {
  const { from, to } = filePaths('--header-out', ends);
  if (args.has('resume')) throw exclusive('--header-out', '--resume');
  const header = { path: headerPath, option: '--header-out' };
  checkOutputs(args, [{ path: to, option: '-o' }, header], [{ path: from, role: 'the input' }]);
  checkHeaderMissing(header);
  return { from, to };
}

const DIGESTS: readonly DigestName[] = ['crc64-nvme', 'sha256', 'sha512', 'blake3', 'none'];
