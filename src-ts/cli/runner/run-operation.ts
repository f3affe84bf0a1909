// Runs one operation of the library: shows its progress, stops it on a signal, and adds the context to its errors.

import { inspect, type StreamInfo } from '../../index';

import type { Arguments } from './arguments';
import { CommandError } from '../errors/command-error';
import { type FailureContext, isSealError, OperationError } from '../errors/failure-context';
import { acceptedSlots, isKeyFromEnvironment, offeredSlotTypes } from '../keys/key-arguments';
import { interruptible } from '../terminal/interrupt';
import { type ProgressBar, progressBar } from '../terminal/progress';

/** What a running operation needs. */
export interface Running {
  /** Aborts when a signal arrives. */
  readonly signal: AbortSignal;
  /** For `onProgress`. */
  readonly onProgress: ProgressBar['listener'];
  /** Removes the progress bar. Call it before anything is printed. */
  readonly clear: () => void;
}

/**
 * Runs an operation.
 *
 * @throws OperationError for an error of the operation, and for the signal that stopped it; CommandError as it is.
 */
export async function runOperation<T>(
  context: FailureContext,
  showsProgress: boolean,
  operation: (running: Running) => Promise<T>,
): Promise<T> {
  const interrupt = interruptible();
  const bar = progressBar(showsProgress);
  const clear = (): void => {
    bar.clear();
  };
  try {
    return await operation({ signal: interrupt.signal, onProgress: bar.listener, clear });
  } catch (error) {
    // After a signal, any error is a consequence of it.
    throw await inContext(interrupt.interruption() ?? error, context);
  } finally {
    clear();
    interrupt.dispose();
  }
}

/** The context of an operation on `input`. */
export function failureContext(
  args: Arguments,
  input: string,
  details: Partial<FailureContext> = {},
): FailureContext {
  const [command = ''] = args.command.split(' ');
  return {
    command,
    input,
    isNamed: true,
    isKeyFromEnvironment: isKeyFromEnvironment(args),
    offered: offeredSlotTypes(args),
    accepted: acceptedSlots(args),
    header: args.value('header') ?? args.value('fallback-header'),
    resumable: args.has('resume'),
    ...details,
  };
}

/**
 * Adds the context to an error, and what the input's header tells if the error alone can't be explained well.
 *
 * @returns A CommandError as it is: it is complete.
 */
export async function inContext(error: unknown, context: FailureContext): Promise<Error> {
  if (error instanceof CommandError) return error;
  return new OperationError(error, await inspected(error, context));
}

async function inspected(error: unknown, context: FailureContext): Promise<FailureContext> {
  const { input, isNamed, header } = context;
  if (!isNamed || !isSealError(error)) return context;
  const { kind } = error.failure;
  try {
    if (kind === 'Truncated') return { ...context, isHeaderAlone: isHeaderAlone(await inspect(input)) };
    if (kind !== 'NoMatchingKey') return context;
    const { slots } = await inspect(header ?? input);
    return { ...context, slotTypes: slots.map(({ type }) => type) };
  } catch {
    // The error of the operation tells what is wrong with the input.
    return context;
  }
}

/** Whether the inspected file is a header alone: even an empty stream has an end record after its header. */
export function isHeaderAlone({ sealedSize, headerSize }: StreamInfo): boolean {
  return sealedSize === headerSize;
}
