// Ctrl-C and other signals: the first one cancels the operation, the second one ends the program at once.

import { signalExitCodes } from '../errors/exit-codes';

/** Listens for signals. */
export interface Interruptible {
  /** Aborts when a signal arrives. */
  readonly signal: AbortSignal;
  /** The error for the signal that arrived, if one did. */
  readonly interruption: () => Interruption | undefined;
  /** Stops listening. */
  readonly dispose: () => void;
}

/** A signal stopped the operation. */
export class Interruption extends Error {
  override readonly name = 'Interruption';

  /**
   * @param advice How to continue, if that is possible.
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

/** Listens for signals until `dispose`. */
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
