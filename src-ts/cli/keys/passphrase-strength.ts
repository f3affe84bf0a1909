// The cost of a passphrase to encrypt with, as options give it.

import type { PassphraseStrength } from '../../index';
import { limits } from '../../internal/binding';

import { type Arguments, exclusive } from '../runner/arguments';
import { usageError } from '../errors/command-error';
import { warn } from '../terminal/messages';
import { parseSize } from '../../damage-page/units';

/**
 * The value of --passphrase-strength or --passphrase-cost; `undefined` without either.
 *
 * @param hasPassphrase Whether the command seals for a passphrase; nothing else has a cost.
 * @param advice How to give one.
 * @throws CommandError for a value that is not valid.
 */
export function strengthOf(
  args: Arguments,
  hasPassphrase: boolean,
  advice: string,
): PassphraseStrength | undefined {
  const [option, other] = ['passphrase-strength', 'passphrase-cost'].filter((name) => args.has(name));
  if (option === undefined) return undefined;
  if (other !== undefined) throw exclusive(`--${option}`, `--${other}`);
  if (!hasPassphrase) throw usageError(`--${option} applies only to a passphrase`, advice);
  const cost = args.value('passphrase-cost');
  if (cost === undefined) return args.choice('passphrase-strength', STRENGTHS);
  const strength = exactStrength(cost);
  if (strength.memoryKiB * strength.passes < INTERACTIVE && !args.has('json')) {
    warn(
      `--passphrase-cost ${cost} makes guesses cheaper than --passphrase-strength interactive: use it only for a long random passphrase`,
    );
  }
  return strength;
}

function exactStrength(text: string): Exclude<PassphraseStrength, string> {
  const [memory, passes, lanes, ...more] = text.split(',');
  const bytes = parseSize(memory ?? '');
  const [passCount, laneCount] = [passes, lanes].map((count) =>
    /^[1-9]\d{0,8}$/.test(count ?? '') ? Number(count) : undefined,
  );
  if (bytes === undefined || passCount === undefined || laneCount === undefined || more.length > 0) {
    throw usageError(
      `--passphrase-cost is not MEMORY,PASSES,LANES: ${text}`,
      'for example: --passphrase-cost 64M,3,4',
    );
  }
  if (laneCount > limits.maxPassphraseLanes) {
    throw usageError(
      `--passphrase-cost ${text} has too many lanes`,
      `use at most ${limits.maxPassphraseLanes}`,
    );
  }
  if (bytes % KIB !== 0 || bytes < MEMORY_PER_LANE * laneCount) {
    throw usageError(
      `--passphrase-cost ${text} has a memory size that Argon2 does not support`,
      'it must be whole KiB, and at least 8K for each lane',
    );
  }
  return { memoryKiB: bytes / KIB, passes: passCount, lanes: laneCount };
}

const STRENGTHS = ['interactive', 'default', 'sensitive'] as const;
// KiB of memory times passes: the cost of a guess is proportional to both.
const INTERACTIVE = 19_456 * 2;
const KIB = 1024;
const MEMORY_PER_LANE = 8 * KIB;
