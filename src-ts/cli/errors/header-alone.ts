// A file that holds a header and nothing behind it, where a sealed file is expected.

import { inspect, type StreamInfo } from '../../index';

import { isSealError } from './explain-failure';
import type { Scene } from './failure-place';

/** Whether what was inspected is a header alone: even an empty stream has an end behind its header. */
export function isHeaderAlone({ streamSize, headerSize }: StreamInfo): boolean {
  return streamSize === headerSize;
}

/** The scene of a failure, which says whether the input looks cut short because it is a header alone. */
export async function sceneOfFailure(cause: unknown, scene: Scene): Promise<Scene> {
  if (!scene.isNamed || !isSealError(cause) || cause.failure.kind !== 'Truncated') return scene;
  try {
    return { ...scene, isHeaderAlone: isHeaderAlone(await inspect(scene.input)) };
  } catch {
    // The failure tells what is wrong with it.
    return scene;
  }
}
