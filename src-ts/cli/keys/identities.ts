// The keys that a command opens with, and what it may try.

import { type Identity, inspect, type DecryptOptions, passphrase, type SecretKey } from '../../index';

import type { Arguments } from '../runner/arguments';
import { usageError } from '../errors/command-error';
import { howToOpen } from '../errors/key-advice';
import { acceptedSlots, keyFiles, wantsPassphrase } from './key-arguments';
import { readIdentityFile, readKeyFile } from './key-files';
import { openingPassphrase } from './passphrase';

/** A key that opens. */
export type Opener = Identity | SecretKey;

/**
 * Reads the keys of -k, -i and -p, in this order; if no option names a key, that of SEALSTREAM_KEY_FILE.
 *
 * @param input The path of the sealed file, if it has one: if no key is named, its header tells which one it needs.
 * @throws CommandError if no key is named, or a file can't be read or holds no key; Interruption.
 */
export async function openingIdentities(args: Arguments, input?: string): Promise<Opener[]> {
  const allowReadable = args.has('allow-readable-key');
  const found: Opener[] = [];
  for (const path of keyFiles(args)) found.push(await readKeyFile(path, allowReadable));
  for (const path of args.values('identity')) found.push(...(await readIdentityFile(path, allowReadable)));
  // Last, so that no passphrase is typed for a command that then fails.
  if (wantsPassphrase(args)) {
    const typed = await openingPassphrase(args);
    try {
      found.push(passphrase(typed));
    } finally {
      typed.fill(0);
    }
  }
  if (found.length === 0) throw usageError('no key is given', await adviceFor(input));
  return found;
}

/** The options of the library that say how to open. */
export function openingOptions(
  args: Arguments,
): Pick<
  DecryptOptions,
  'context' | 'maxSegmentSize' | 'acceptSlots' | 'maxPassphraseMemory' | 'maxPassphraseCost'
> {
  const kib = (option: string): number | undefined => {
    const bytes = args.size(option);
    return bytes === undefined ? undefined : Math.floor(bytes / KIB);
  };
  return {
    context: args.value('context'),
    maxSegmentSize: args.size('max-segment-size'),
    acceptSlots: acceptedSlots(args),
    maxPassphraseMemory: kib('max-passphrase-memory'),
    maxPassphraseCost: kib('max-passphrase-cost'),
  };
}

async function adviceFor(input: string | undefined): Promise<string> {
  // If it can't be inspected, opening it will tell why, once a key is given.
  const info = input === undefined ? undefined : await inspect(input).catch(() => undefined);
  return howToOpen((info?.slots ?? []).map(({ type }) => type)) ?? NAME_A_KEY;
}

const NAME_A_KEY =
  'name a key file with -k FILE or SEALSTREAM_KEY_FILE, or an identity file with -i FILE, or use -p, which asks for a passphrase';
const KIB = 1024;
