// What a passphrase that is sealed for costs to try, as options say it.

import type { PassphraseStrength, Strength } from '../../index';
import { limits } from '../../internal/binding';

import type { Arguments } from '../runner/arguments';
import { printable } from '../terminal/console';
import { usageError } from '../errors/usage-error';
import { warn } from '../terminal/messages';
import { parseSize } from '../../damage-page/units';

/**
 * What --passphrase-strength or --passphrase-cost says; `undefined` where neither is given.
 *
 * @param isAsked Whether a passphrase is to be sealed for, without which nothing has that cost.
 * @param advice How to have one asked for.
 * @throws CommandError for what can't be meant.
 */
export function strengthOf(args: Arguments, isAsked: boolean, advice: string): Strength | undefined {
  const given = ['passphrase-strength', 'passphrase-cost'].filter((option) => args.has(option));
  const [option, other] = given;
  if (option === undefined) return undefined;
  if (other !== undefined)
    throw usageError(`--${option} and --${other} exclude each other`, 'give one of them');
  if (!isAsked) {
    throw usageError(`--${option} counts only with a passphrase`, advice);
  }
  const cost = args.value('passphrase-cost');
  if (cost === undefined) return args.choice('passphrase-strength', STRENGTHS);
  const strength = exactStrength(cost);
  if (strength.memoryKiB * strength.passes < INTERACTIVE && !args.has('json')) {
    warn(
      `--passphrase-cost ${printable(cost)} costs less to try than --passphrase-strength interactive: only a long random passphrase withstands that`,
    );
  }
  return strength;
}

function exactStrength(text: string): PassphraseStrength {
  const [memory, passes, lanes, ...more] = text.split(',');
  const bytes = parseSize(memory ?? '');
  const [passCount, laneCount] = [passes, lanes].map((count) =>
    /^[1-9]\d{0,8}$/.test(count ?? '') ? Number(count) : undefined,
  );
  if (bytes === undefined || passCount === undefined || laneCount === undefined || more.length > 0) {
    throw usageError(
      `--passphrase-cost is not MEMORY,PASSES,LANES: ${text}`,
      'write it like --passphrase-cost 64M,3,4',
    );
  }
  if (laneCount > MAX_LANES) {
    throw usageError(`--passphrase-cost ${text} has too many lanes`, `${MAX_LANES} are the most`);
  }
  if (bytes % KIB !== 0 || bytes < MEMORY_PER_LANE * laneCount) {
    throw usageError(
      `--passphrase-cost ${text} has a memory that Argon2 does not take`,
      'it must be whole KiB, and at least 8K for each lane',
    );
  }
  return { memoryKiB: bytes / KIB, passes: passCount, lanes: laneCount };
}

const STRENGTHS = ['interactive', 'default', 'sensitive'] as const;
// Memory in KiB times passes, as which both grow the cost alike.
const INTERACTIVE = 19_456 * 2;
const KIB = 1024;
const MAX_LANES = limits.maxPassphraseLanes;
const MEMORY_PER_LANE = 8 * KIB;
