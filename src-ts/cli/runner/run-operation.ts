// A command at work: its progress is shown, signals end it, and what fails is told with where it happened.

import { CommandError } from '../errors/usage-error';
import { type Scene, WorkFailure } from '../errors/failure-place';
import { sceneOfFailure } from '../errors/header-alone';
import { interruptible } from '../terminal/interrupt';
import { type ProgressBar, progressBar } from '../terminal/progress';

/** What work runs by. */
export interface Course {
  /** Aborts when a signal arrives. */
  readonly signal: AbortSignal;
  /** For `onProgress`. */
  readonly onProgress: ProgressBar['listener'];
  /** Takes the progress off the terminal, before anything is told there. */
  readonly clear: () => void;
}

/**
 * Does the work, and returns what it does.
 *
 * @throws WorkFailure with the scene for what fails, and for the signal that ended it; CommandError as it is.
 */
export async function atWork<T>(
  scene: Scene,
  showsProgress: boolean,
  work: (course: Course) => Promise<T>,
): Promise<T> {
  const interrupt = interruptible();
  const bar = progressBar(showsProgress);
  const clear = (): void => {
    bar.clear();
  };
  try {
    return await work({ signal: interrupt.signal, onProgress: bar.listener, clear });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // However the work put it, it ended because of the signal.
    const cause = interrupt.interruption() ?? error;
    throw new WorkFailure(cause, await sceneOfFailure(cause, scene));
  } finally {
    clear();
    interrupt.dispose();
  }
}
