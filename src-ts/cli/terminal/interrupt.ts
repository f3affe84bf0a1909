// Ctrl-C and its kin: the first signal stops the work in order, the second one at once.

import { signalExitCodes } from '../errors/exit-codes';

/** Work that a signal can stop. */
export interface Interruptible {
  /** Aborts when a signal arrives. */
  readonly signal: AbortSignal;
  /** The signal that arrived, if one did. */
  readonly interruption: () => Interruption | undefined;
  /** Stops listening. */
  readonly dispose: () => void;
}

/** The work was stopped by a signal. */
export class Interruption extends Error {
  override readonly name = 'Interruption';

  /**
   * @param advice How to go on, where that is possible.
   */
  constructor(
    readonly signalName: SignalName,
    readonly advice = '',
  ) {
    super(`interrupted by ${signalName}`);
  }

  get exitCode(): number {
    return signalExitCodes[this.signalName];
  }
}

/** Listens for signals until it is disposed of. */
export function interruptible(): Interruptible {
  const controller = new AbortController();
  let interruption: Interruption | undefined;
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      if (interruption !== undefined) process.exit(signalExitCodes[name]);
      interruption = new Interruption(name);
      controller.abort(interruption);
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return {
    signal: controller.signal,
    interruption: () => interruption,
    dispose: () => {
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
}

type SignalName = keyof typeof signalExitCodes;

const SIGNALS: readonly SignalName[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
