// What a command opens with: what its options name, read, and what it may try.

import {
  type Identity,
  inspect,
  type OpenOptions,
  passphrase,
  type SecretKey,
  type SlotType,
} from '../../index';
import { SLOT_TYPES } from '../../internal/options';

import type { Arguments } from '../runner/arguments';
import { usageError } from '../errors/usage-error';
import { readIdentityFile, readKeyFile } from './key-files';
import { keyFiles } from './named-keys';
import { nearest } from '../errors/nearest';
import { openingPassphrase, wantsPassphrase } from './passphrase';
import { waysToOpen } from '../errors/slot-advice';

/** What a command opens with. */
export type Opener = Identity | SecretKey;

/**
 * Everything that -k, -i and -p name, in this order; or else the key of SEALSTREAM_KEY_FILE.
 *
 * @param input The sealed file, if it has a name: where nothing is named to open it with, it tells what is wanted.
 * @throws CommandError where nothing is named, and for files that can't be read or hold no key; Interruption.
 */
export async function openingIdentities(args: Arguments, input?: string): Promise<Opener[]> {
  const allowReadable = args.has('allow-readable-key');
  const found: Opener[] = [];
  for (const path of keyFiles(args)) found.push(await readKeyFile(path, allowReadable));
  for (const path of args.values('identity')) found.push(...(await readIdentityFile(path, allowReadable)));
  // Last: nobody is to type one for a command that could not have worked.
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

/** What --accept-slots and --max-passphrase-cost allow to try. */
export function openingLimits(args: Arguments): Pick<OpenOptions, 'acceptSlots' | 'maxPassphraseCost'> {
  const cost = args.size('max-passphrase-cost');
  return {
    acceptSlots: acceptedSlots(args.value('accept-slots')),
    maxPassphraseCost: cost === undefined ? undefined : Math.floor(cost / KIB),
  };
}

function acceptedSlots(text: string | undefined): SlotType[] | undefined {
  return text?.split(',').map((word) => {
    const type = SLOT_TYPES.find((candidate) => candidate === word);
    if (type !== undefined) return type;
    const near = nearest(word, SLOT_TYPES);
    throw usageError(
      `--accept-slots has no type ${word === '' ? 'between two commas' : word}`,
      `${near === undefined ? '' : `did you mean ${near}? `}choose from ${SLOT_TYPES.join(', ')}`,
    );
  });
}

async function adviceFor(input: string | undefined): Promise<string> {
  try {
    if (input !== undefined) {
      const { slots } = await inspect(input);
      return waysToOpen(slots.map(({ type }) => type)) ?? NOTHING_NAMED;
    }
  } catch {
    // What is wrong with it shows once a key is given.
  }
  return NOTHING_NAMED;
}

const NOTHING_NAMED =
  'name a key file with -k FILE or SEALSTREAM_KEY_FILE, or a file of key pairs with -i FILE, or have a passphrase asked for with -p';
const KIB = 1024;
