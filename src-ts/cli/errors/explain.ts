// What an error means to the person or the script that ran the command: a sentence, what to do, an exit code.

import { CommandError } from './usage-error';
import { exitCodes } from './exit-codes';
import { explainFailure, explainOption, isBeforeOutput, isSealError, isWrongOption } from './explain-failure';
import { explainSystem, isSystemError } from './explain-system';
import type { Explanation } from './explanation';
import { type Scene, WorkFailure } from './failure-place';
import { Interruption } from '../terminal/interrupt';

/** Explains whatever was thrown. */
export function explain(error: unknown, scene?: Scene): Explanation {
  const explanation = explanationOf(error, scene);
  const { stack } = error instanceof Error ? error : {};
  return stack === undefined ? explanation : { stack, ...explanation };
}

function explanationOf(error: unknown, scene: Scene | undefined): Explanation {
  if (error instanceof WorkFailure) {
    const { cause } = error;
    const explanation = explain(cause, error.scene);
    if (error.scene.resumable === true) return stays(cause) ? goesOn(explanation) : explanation;
    const mayHaveOutput =
      error.scene.toStandardOutput && !(isSealError(cause) && isBeforeOutput(cause.failure));
    return mayHaveOutput ? incomplete(explanation) : explanation;
  }
  if (error instanceof CommandError) {
    const { exitCode, code, kind, message, advice } = error;
    return { exitCode, code, kind, message, advice };
  }
  if (error instanceof Interruption) {
    const { exitCode, message, advice } = error;
    return { exitCode, code: 'ERR_CLI_INTERRUPTED', kind: 'Interrupted', message, advice };
  }
  if (isSealError(error)) return explainFailure(error, scene);
  if (isWrongOption(error)) return explainOption(error);
  if (isSystemError(error)) return explainSystem(error);
  return bug(error);
}

/** Whether work that can be resumed was under way and was ended from outside. */
function stays(cause: unknown): boolean {
  if (cause instanceof Interruption) return true;
  return isSealError(cause) && cause.failure.kind === 'Io' && UNDER_WAY.has(cause.failure.operation);
}

function goesOn(explanation: Explanation): Explanation {
  const { advice } = explanation;
  const again = 'the same command, with --resume, goes on from here';
  return { ...explanation, advice: advice === '' ? again : `${advice}; ${again}` };
}

function incomplete(explanation: Explanation): Explanation {
  const { exitCode, kind, advice } = explanation;
  const isHalfway =
    exitCode === exitCodes.failed || exitCode === exitCodes.damaged || exitCode > 128 || kind === 'Io';
  const discard = 'anything that came out of standard output is not the whole: discard it';
  return isHalfway
    ? { ...explanation, advice: advice === '' ? discard : `${advice}; ${discard}` }
    : explanation;
}

function bug(error: unknown): Explanation {
  const [message = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return {
    exitCode: exitCodes.failed,
    code: 'ERR_CLI_BUG',
    kind: 'Bug',
    message: `this is a bug in sealstream: ${message}`,
    advice: 'please report it, with what the same command prints with SEALSTREAM_DEBUG=1',
  };
}

const UNDER_WAY: ReadonlySet<string> = new Set(['Read', 'Write', 'Flush', 'Rename']);
