// The library's errors, each with what a person can do about it here.

import type { SealError, SealFailure } from '../index';

import { exitCodes } from './exit-codes';
import { explainSystemCode } from './explain-system';
import type { Explanation } from './explanation';

/** Whether the library threw it. By its shape, so that this works where the library can't even be loaded. */
export function isSealError(error: unknown): error is SealError {
  return error instanceof Error && error.name === 'SealError' && 'failure' in error;
}

/** Explains an error of the library. */
export function explainFailure({ code, failure, message }: SealError): Explanation {
  const kind = failure.kind === 'Segment' ? failure.error.kind : failure.kind;
  return { code, kind, message, failure, ...meaning(code, failure, message) };
}

/** Whether the library refused the value of an option. */
export function isWrongOption(error: unknown): error is RangeError {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_OUT_OF_RANGE';
}

/** Explains a refused value, by the option's name here. */
export function explainOption({ message }: RangeError): Explanation {
  const said = `--${message.replace(OPTION_NAME, dashed)}`;
  return { exitCode: exitCodes.usage, code: 'ERR_CLI_USAGE', kind: 'Usage', message: said, advice: SEE_HELP };
}

type Meaning = Pick<Explanation, 'exitCode' | 'advice'> & Partial<Explanation>;

function meaning(code: string, failure: SealFailure, message: string): Meaning {
  switch (failure.kind) {
    case 'NoMatchingKey':
      return wrongKey('give the key file that it was sealed with, by -k FILE');
    case 'ContextMismatch':
      return failure.supplied === 0
        ? { ...wrongKey('give that text with --context TEXT'), message: NO_CONTEXT }
        : wrongKey('give the text that it was sealed with, letter by letter, with --context TEXT');
    case 'HeaderError':
      return failure.field === 'Magic'
        ? { ...damaged('check the name: it may never have been sealed'), message: NOT_SEALED }
        : damaged(`it may come from a newer release of sealstream; else ${RESTORE}`);
    case 'Segment':
      return ofSegment(failure.error.kind);
    case 'HeaderDamaged':
    case 'HeaderTampered':
    case 'EndDamaged':
    case 'EndTampered':
      return damaged(RESTORE);
    case 'Truncated':
      return damaged('the copy was not finished, or a part was lost: fetch it again, or restore it');
    case 'TrailingData':
      return damaged('something was appended to it: restore it from another copy, or cut it there');
    case 'LimitExceeded':
      return {
        ...refused(`if you trust it, allow that with --max-segment-size ${failure.value}`),
        message: limit(failure),
      };
    case 'SameFile':
      return refused('name another output with -o OUT');
    case 'TargetExists':
      return {
        ...refused('name another with -o OUT, or replace it with --force'),
        message: `${failure.path} exists`,
      };
    case 'NotARegularFile':
      return {
        ...refused('use - for standard input and -o - for standard output'),
        message: `${failure.path} is not a regular file`,
      };
    case 'InvalidOption':
      return {
        exitCode: exitCodes.usage,
        advice: '',
        message: `--${dashed(failure.option)} ${failure.problem}`,
      };
    case 'Io':
      return { ...explainSystemCode(failure.code ?? '', message.replace(OS_ERROR, '')), code };
    case 'SourceChanged':
      return failed('');
    case 'Crypto':
    case 'ThreadsUnavailable':
      return failed('try again, with less running beside it');
    case 'Cancelled':
    case 'OutputTooSmall':
      return failed(REPORT);
    default:
      return failed(REPORT);
  }
}

function ofSegment(kind: string): Meaning {
  switch (kind) {
    case 'FrameWorkerDisconnected':
    case 'FrameEncryptionFailed':
    case 'CheckpointError':
      return failed(REPORT);
    default:
      return damaged(RESTORE);
  }
}

function wrongKey(advice: string): Meaning {
  return { exitCode: exitCodes.wrongKey, advice };
}

function damaged(advice: string): Meaning {
  return { exitCode: exitCodes.damaged, advice };
}

function refused(advice: string): Meaning {
  return { exitCode: exitCodes.refused, advice };
}

function failed(advice: string): Meaning {
  return { exitCode: exitCodes.failed, advice };
}

function limit({ value, maximum }: { value: number; maximum: number }): string {
  return `its segments have ${value} bytes, and more than ${maximum} are not accepted`;
}

/** An option's name as it is written here. */
function dashed(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const RESTORE = 'restore it from another copy';
const REPORT = 'please report it, with what the same command prints with SEALSTREAM_DEBUG=1';
const NOT_SEALED = 'the input is not a sealed stream';
const NO_CONTEXT = 'the key is right, but it was sealed with a context, and none is given';
const SEE_HELP = 'see the help of the command: --help';
// An option's name in the library's messages.
const OPTION_NAME = /\b(?:frameSize|segmentSize|maxSegmentSize|keyId)\b/g;
// The number of the system's error, and a temporary file's name.
const OS_ERROR = / \(os error \d+\)(?: at path ".*")?$/s;
