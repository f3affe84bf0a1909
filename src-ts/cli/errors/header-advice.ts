// Advice about detached headers.

import type { SealFailure } from '../../index';

import type { Explanation } from './explanation';
import type { FailureContext } from './failure-context';

/** What to do about a body without its header. */
export function giveHeader(context: FailureContext): string {
  const attach = attachAdvice('HEADER', 'BODY');
  return TAKE_HEADER.has(context.command) ? `give its header with --header FILE, or ${attach}` : attach;
}

/** What to do about a header in the place of a sealed file. */
export function nameBody({ command, input }: FailureContext): string {
  return TAKE_HEADER.has(command)
    ? `name the file with the rest of the stream, with --header ${input} if it has no header of its own`
    : `name the sealed file; if its header is detached, ${attachAdvice(input, 'BODY')}`;
}

/**
 * Adds that the header of --header may belong to another stream, which looks the same as damage.
 *
 * @param explanation For the case that the header is the right one.
 */
export function ofGivenHeader(
  explanation: Explanation,
  failure: SealFailure,
  { header, input }: FailureContext,
): Explanation {
  if (header === undefined || !MAY_BE_WRONG_HEADER.has(failure.kind)) return explanation;
  // Verified plaintext proves that the header is the right one.
  if (failure.kind === 'Truncated' && failure.verifiedBytes > 0) return explanation;
  const { message, advice } = explanation;
  return {
    ...explanation,
    message: `${header} is the header of another stream, or ${input} is damaged: ${message}`,
    advice: `check first that the header belongs to the file; if it does, ${advice}`,
  };
}

function attachAdvice(header: string, body: string): string {
  return `join them: sealstream header attach ${header} ${body} -o FILE`;
}

/** What to do about a sealed file in the place of a body. */
export const NAME_BODY = 'name the body, which header detach or encrypt --header-out wrote';
const TAKE_HEADER: ReadonlySet<string> = new Set(['decrypt', 'cat', 'verify']);
const MAY_BE_WRONG_HEADER: ReadonlySet<string> = new Set<SealFailure['kind']>([
  'Segment',
  'EndDamaged',
  'EndTampered',
  'Truncated',
  'TrailingData',
]);
