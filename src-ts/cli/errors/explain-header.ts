// Failures of streams whose header is apart from their body, or should be with it.

import type { SealFailure } from '../../index';

import type { Explanation } from './explanation';
import type { Scene } from './failure-place';

/** What to do about a body without its header. */
export function giveHeader(scene: Scene | undefined): string {
  const together = putTogether('HEADER', 'BODY');
  return takesHeader(scene) ? `give its header with --header FILE, or ${together}` : together;
}

/** What a header is, where a sealed file is expected. */
export function headerAlone(input: string): string {
  return `${input} is a header alone: the stream that it belongs to is not in it`;
}

/** What to do about a header alone. */
export function nameBody(scene: Scene): string {
  const { input } = scene;
  const together = putTogether(input, 'BODY');
  return takesHeader(scene)
    ? `name the file that the stream is in, with --header ${input} if it has no header of its own`
    : `name the sealed file; or, if the stream has no header of its own, ${together}`;
}

/**
 * Says first that a header which was given may be another stream's, where that would show as the same damage.
 *
 * @param explanation As if the header were the right one.
 */
export function ofGivenHeader(
  explanation: Explanation,
  failure: SealFailure,
  scene: Scene | undefined,
): Explanation {
  if (scene?.header === undefined || !OF_BODY.has(failure.kind)) return explanation;
  // What was verified belongs to this header.
  if (failure.kind === 'Truncated' && failure.verifiedBytes > 0) return explanation;
  const { message, advice } = explanation;
  return {
    ...explanation,
    message: `${scene.header} is the header of another stream, or ${scene.input} is damaged: ${message}`,
    advice: `check first that both belong together; if they do, ${advice}`,
  };
}

function putTogether(header: string, body: string): string {
  return `put them together: sealstream header attach ${header} ${body} -o FILE`;
}

function takesHeader(scene: Scene | undefined): boolean {
  return scene !== undefined && TAKE_HEADER.has(scene.command);
}

/** What to do about a sealed file in the place of a body. */
export const NAME_BODY = 'name the body, which header detach or encrypt --detached-header made';
const TAKE_HEADER: ReadonlySet<Scene['command']> = new Set(['decrypt', 'verify', 'salvage']);
const OF_BODY: ReadonlySet<string> = new Set<SealFailure['kind']>([
  'Segment',
  'EndDamaged',
  'EndTampered',
  'Truncated',
  'TrailingData',
]);
