// Explains an error: a sentence, what to do about it, and the exit code.

import { CommandError } from './command-error';
import { exitCodes } from './exit-codes';
import { explainFailure, isBeforeOutput, REPORT } from './explain-failure';
import { explainOption, isOptionError } from './explain-option';
import { explainSystem, isSystemError } from './explain-system';
import type { Explanation } from './explanation';
import { type FailureContext, isSealError, OperationError } from './failure-context';
import { Interruption } from '../terminal/interrupt';

/** Explains anything that was thrown. */
export function explain(error: unknown, context?: FailureContext): Explanation {
  const explanation = explanationOf(error, context);
  const { stack } = error instanceof Error ? error : {};
  return stack === undefined ? explanation : { stack, ...explanation };
}

function explanationOf(error: unknown, context: FailureContext | undefined): Explanation {
  if (error instanceof OperationError) {
    const { cause, context: known } = error;
    const explanation = explain(cause, known);
    if (known.resumable === true) {
      return canResumeAfter(cause) ? withAdvice(explanation, RESUME) : explanation;
    }
    return known.toStandardOutput === true && mayHaveOutput(cause, explanation)
      ? withAdvice(explanation, DISCARD)
      : explanation;
  }
  if (error instanceof CommandError) {
    const { exitCode, code, kind, message, advice } = error;
    return { exitCode, code, kind, message, advice };
  }
  if (error instanceof Interruption) {
    const { exitCode, message, advice } = error;
    return { exitCode, code: 'ERR_CLI_INTERRUPTED', kind: 'Interrupted', message, advice };
  }
  if (isSealError(error)) return explainFailure(error, context);
  if (isOptionError(error)) return explainOption(error, context);
  if (isSystemError(error)) return explainSystem(error);
  return bug(error);
}

/** Whether a signal, or a failed read or write, stopped an operation that had begun. */
function canResumeAfter(cause: unknown): boolean {
  if (cause instanceof Interruption) return true;
  return isSealError(cause) && cause.failure.kind === 'Io' && STARTED.has(cause.failure.operation);
}

/** Whether the failed operation may have written to standard output. */
function mayHaveOutput(cause: unknown, { exitCode, kind }: Explanation): boolean {
  if (isSealError(cause) && isBeforeOutput(cause.failure)) return false;
  return exitCode === exitCodes.failed || exitCode === exitCodes.damaged || exitCode > 128 || kind === 'Io';
}

function withAdvice(explanation: Explanation, further: string): Explanation {
  const { advice } = explanation;
  return { ...explanation, advice: advice === '' ? further : `${advice}; ${further}` };
}

function bug(error: unknown): Explanation {
  const [message = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return {
    exitCode: exitCodes.failed,
    code: 'ERR_CLI_BUG',
    kind: 'Bug',
    message: `this is a bug in sealstream: ${message}`,
    advice: REPORT,
  };
}

const RESUME = 'the same command with --resume continues from here';
const DISCARD = 'the data on standard output is incomplete: discard it';
const STARTED: ReadonlySet<string> = new Set(['read', 'write', 'flush', 'rename']);
