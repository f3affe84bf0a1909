// The library's errors, each with what a person can do about it here.

import type { Limit, SealError, SealFailure } from '../../index';

import { exitCodes } from './exit-codes';
import { explainSystemCode } from './explain-system';
import { giveHeader, headerAlone, NAME_BODY, nameBody, ofGivenHeader } from './explain-header';
import type { Explanation } from './explanation';
import type { Scene } from './failure-place';
import { counted, formatSize } from '../../damage-page/units';
import { otherKey } from './slot-advice';

/** Whether the library threw it. By its shape, so that this works where the library can't even be loaded. */
export function isSealError(error: unknown): error is SealError {
  return error instanceof Error && error.name === 'SealError' && 'failure' in error;
}

/** Explains an error of the library. */
export function explainFailure({ code, failure, message }: SealError, scene?: Scene): Explanation {
  const kind = failure.kind === 'Segment' ? failure.error.kind : failure.kind;
  const said = message.replace(SAID_AS_ADVICE, '');
  const told = scene !== undefined && isOfInput(failure) ? `${scene.input}: ${said}` : said;
  const explanation = { code, kind, message: told, failure, ...meaning(code, failure, said, scene) };
  return ofGivenHeader(explanation, failure, scene);
}

/** Whether the library fails so only before any plaintext comes out. */
export function isBeforeOutput(failure: SealFailure): boolean {
  switch (failure.kind) {
    case 'HeaderError':
      return failure.field !== 'EndExtensions';
    case 'HeaderDamaged':
    case 'HeaderTampered':
      return true;
    case 'Truncated':
      return failure.verifiedBytes === 0;
    case 'Io':
      return failure.operation === 'Open';
    default:
      return false;
  }
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

function meaning(code: string, failure: SealFailure, message: string, scene: Scene | undefined): Meaning {
  const input = scene?.input ?? 'the input';
  switch (failure.kind) {
    case 'NoMatchingKey':
      return wrongKey(otherKey(failure.slots, scene));
    case 'WrongPassphrase':
      return wrongKey(
        'type the one that it was sealed with, blanks included: look at Caps Lock and at the keyboard’s layout; how accents are composed makes no difference',
      );
    case 'ContextMismatch':
      return failure.supplied === 0
        ? {
            ...wrongKey('give it with --context TEXT'),
            message: `the key is right, but ${input} was sealed with a context`,
          }
        : {
            ...wrongKey('give that one, letter by letter, with --context TEXT, or leave --context out'),
            message: `the key is right, but ${input} was sealed with another context, or none`,
          };
    case 'HeaderError':
      if (scene?.command === 'salvage') return damaged(NEEDS_HEADER);
      if (failure.field === 'Magic' && failure.expected.includes('kept apart')) {
        return {
          ...damaged(giveHeader(scene)),
          message: `${input} is the body of a sealed stream, without its header`,
        };
      }
      return failure.field === 'Magic'
        ? { ...damaged(neverSealed(scene)), message: `${input} is not a sealed stream` }
        : damaged(`it may come from a newer release of sealstream; else ${RESTORE}`);
    case 'Segment':
      return ofSegment(failure.error.kind);
    case 'HeaderDamaged':
      return damaged(
        scene?.command === 'salvage' ? 'give the header of another copy, by --header FILE' : RESTORE,
      );
    case 'HeaderTampered':
    case 'EndDamaged':
    case 'EndTampered':
      return damaged(scene?.command === 'heal' ? ADD_A_COPY : RESTORE);
    case 'NotHealed':
      return { ...damaged(ADD_A_COPY), message: notHealed(failure, input) };
    case 'NoDigests':
      return refused('open each copy with the key: sealstream decrypt');
    case 'ForeignReplica': {
      const copy = scene?.replicas?.[failure.replica] ?? `copy ${failure.replica}`;
      return {
        ...refused('leave that copy out'),
        message: `${copy} is not a copy of ${input}: its stream id is another`,
      };
    }
    case 'JournalRefused':
      return refused('do it without --resume, or delete the journal to start over');
    case 'TargetBusy':
      return refused(
        scene?.command === 'rewrap'
          ? 'wait for it to end'
          : 'wait for it to end, or name another output with -o OUT',
      );
    case 'Truncated':
      return truncated(failure, input, scene);
    case 'TrailingData':
      return damaged('something was appended to it: restore it from another copy, or cut it there');
    case 'LimitExceeded':
      return overLimit(failure, input);
    case 'SameFile':
      return refused('name another output with -o OUT');
    case 'TargetExists':
      return {
        ...refused('name another with -o OUT, or replace it with --force'),
        message: `${failure.path} exists`,
      };
    case 'NotARegularFile':
      return notRegular(failure, scene);
    case 'InvalidOption':
      if (failure.option === 'header' && scene?.command === 'header') {
        return { exitCode: exitCodes.usage, advice: NAME_BODY, message: `${input} has a header of its own` };
      }
      if (scene?.command === 'rewrap' && WHOM.has(failure.option)) {
        return {
          exitCode: exitCodes.usage,
          advice: 'take others out of it with --remove, or all with --replace',
          message: `what is to be added to ${input} ${failure.problem}`,
        };
      }
      return {
        exitCode: exitCodes.usage,
        advice: failure.option === 'remove' ? 'see who can open it with sealstream inspect' : '',
        // What concerns the file itself has no option.
        message:
          failure.option === 'path'
            ? `${input} ${failure.problem}`
            : `--${dashed(failure.option)} ${failure.problem}`,
      };
    case 'Io':
      if (failure.code === 'EISDIR' && failure.operation === 'Read') {
        return notRegular({ path: input, found: 'Directory' }, scene);
      }
      return { ...explainSystemCode(failure.code ?? '', message.replace(OS_ERROR, '')), code };
    case 'SourceChanged':
      return failed(
        scene?.resumable === true
          ? 'when nothing writes to it any more, do it without --resume, which starts from the beginning'
          : 'do it again when nothing writes to it any more',
      );
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
      return damaged(GET_BACK);
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

function overLimit(
  { limit, value, maximum }: { limit: Limit; value: number; maximum: number },
  input: string,
): Meaning {
  switch (limit) {
    case 'SegmentSize':
      return {
        ...refused(`if you trust it, allow that with --max-segment-size ${value}`),
        message: `${input} has segments of ${value} bytes, and more than ${maximum} are not accepted`,
      };
    case 'PassphraseCost': {
      const [cost, most] = [value, maximum].map((kib) => formatSize(kib * 1024));
      return {
        ...refused(`if you trust it, allow that with --max-passphrase-cost ${value}K`),
        message: `trying a passphrase on ${input} costs ${cost} of memory times passes, and more than ${most} is not accepted`,
      };
    }
    default:
      return refused('whoever sealed it must seal it again, for passphrases that cost less to try');
  }
}

function notHealed({ segments, first }: { segments: number; first: number }, input: string): string {
  return segments === 1
    ? `segment ${first} of ${input} is sound in none of the copies`
    : `${counted(segments, 'segment')} of ${input} are sound in none of the copies, the first is segment ${first}`;
}

function truncated(
  { offset, verifiedBytes }: { offset: number; verifiedBytes: number },
  input: string,
  scene: Scene | undefined,
): Meaning {
  if (offset === 0) {
    const advice =
      scene?.isNamed === false
        ? 'check the program that writes into the pipe: nothing came from it'
        : 'check the name, and whether the file was ever written';
    return { ...damaged(advice), message: `${input} is empty, not a sealed stream` };
  }
  if (scene?.isHeaderAlone === true) return { ...damaged(nameBody(scene)), message: headerAlone(input) };
  const verified =
    verifiedBytes === 0
      ? ''
      : `: ${counted(verifiedBytes, 'byte')} of plaintext ${verifiedBytes === 1 ? 'was' : 'were'} verified before`;
  return {
    ...damaged(
      scene?.command === 'salvage'
        ? NEEDS_HEADER
        : 'the copy was not finished, or a part was lost: fetch it again, restore it, or see what sealstream salvage makes of it',
    ),
    message: `${input} is cut short at byte ${offset}${verified}`,
  };
}

function neverSealed(scene: Scene | undefined): string {
  return scene?.isNamed === false
    ? 'check what is sent in: it may never have been sealed'
    : 'check the name: it may never have been sealed';
}

/** A path, at either end, that is something else than a file. */
export function notRegular(
  { path, found }: { path: string; found: string },
  scene: Scene | undefined,
): Pick<Explanation, 'exitCode' | 'advice' | 'message'> {
  const isInput = path === scene?.input || scene?.replicas?.includes(path) === true;
  if (found === 'Directory') {
    const advice = isInput ? FOLDER_ADVICE[scene.command] : 'name a file in it with -o OUT';
    return { ...refused(advice), message: `${path} is a directory` };
  }
  const [forInput, forOutput] = NEEDS_FILES.has(scene?.command)
    ? ['save what it gives in a file, and name that', 'name a new file with -o OUT']
    : ['use - for standard input', 'use -o - for standard output'];
  return { ...refused(isInput ? forInput : forOutput), message: `${path} is not a regular file` };
}

/** Whether the input is what is wrong. */
function isOfInput({ kind }: SealFailure): boolean {
  return OF_INPUT.has(kind);
}

/** An option's name as it is written here. */
function dashed(option: string): string {
  return (COMMAND_OPTION[option] ?? option).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

// What the command calls otherwise than the library.
const COMMAND_OPTION: Readonly<Partial<Record<string, string>>> = {
  strength: 'passphrase-cost',
  add: 'add-recipient',
};
const RESTORE = 'restore it from another copy';
const GET_BACK = `${RESTORE}, or see what sealstream heal or sealstream salvage makes of it`;
const NEEDS_HEADER =
  'no header that the key opens is left in it: if one was kept, or another copy has one, give it with --header FILE';
const ADD_A_COPY = 'add another copy, or salvage what is left with the key: sealstream salvage';
const REPORT = 'please report it, with what the same command prints with SEALSTREAM_DEBUG=1';
const FOLDER_ADVICE: Readonly<Record<Scene['command'], string>> = {
  encrypt: 'seal it as one: tar c FOLDER | sealstream encrypt -k FILE - -o FOLDER.tar.seal',
  decrypt: 'name a sealed file',
  inspect: 'name a sealed file',
  verify: 'name a sealed file',
  salvage: 'name a sealed file',
  heal: 'name a sealed file',
  header: 'name a sealed file',
  rewrap: 'name the files, or the folder with --recursive FOLDER',
};
const NEEDS_FILES: ReadonlySet<Scene['command'] | undefined> = new Set([
  'inspect',
  'verify',
  'salvage',
  'heal',
  'header',
  'rewrap',
] as const);
// As the library calls whoever is added.
const WHOM: ReadonlySet<string> = new Set(['recipients', 'add', 'replace']);
const OF_INPUT: ReadonlySet<string> = new Set<SealFailure['kind']>([
  'HeaderError',
  'HeaderDamaged',
  'HeaderTampered',
  'NoMatchingKey',
  'WrongPassphrase',
  'Segment',
  'EndDamaged',
  'EndTampered',
  'TrailingData',
  'SourceChanged',
]);
// What the advice says again.
const SAID_AS_ADVICE =
  /[;:,] (?:please report it|restore it from another copy|(?:open each copy|wait for it to end|delete it to start over|do it again from the start)[^;]*)(?=\)?$)/;
const SEE_HELP = 'see the help of the command: --help';
// An option's name in the library's messages.
const OPTION_NAME = /\b(?:frameSize|segmentSize|maxSegmentSize|maxPassphraseCost|keyId)\b/g;
// The number of the system's error, and a temporary file's name.
const OS_ERROR = / \(os error \d+\)(?: at path ".*")?$/s;
