// The library's errors: for each kind of failure a message, advice and an exit code.

import type { SenderReason, SignerReason } from '../../../native/binding';
import type { SealError, SealFailure } from '../../index';

import { exitCodes } from './exit-codes';
import { explainSystemCode, systemText } from './explain-system';
import type { Explanation } from './explanation';
import type { FailureContext } from './failure-context';
import { nameBody, ofGivenHeader } from './header-advice';
import { giveOtherKey } from './key-advice';
import { explainKeyFile } from './key-file-refusals';
import { notSealed } from './not-sealed';
import { counted, formatSize } from '../../damage-page/units';

/** Explains an error of the library. */
export function explainFailure(
  { code, failure, message: engineMessage, map }: SealError,
  known?: FailureContext,
): Explanation {
  const context = known ?? UNKNOWN;
  const kind = failure.kind === 'Segment' ? failure.error.kind : failure.kind;
  const text = describe(failure) ?? engineMessage;
  const message = known !== undefined && CONCERN_INPUT.has(failure.kind) ? `${known.input}: ${text}` : text;
  // The table has an entry of the right type for each kind, which the compiler can't follow.
  const meaning = MEANINGS[failure.kind] as Rule<SealFailure>;
  const explanation = {
    kind,
    message,
    failure,
    ...meaning(failure, context, engineMessage),
    code,
    ...(map && { map }),
  };
  return ofGivenHeader(explanation, failure, context);
}

/** A failure in words, without advice, where the library's own message gives advice to programmers. */
export function describe(failure: SealFailure): string | undefined {
  switch (failure.kind) {
    case 'Segment': {
      const { error } = failure;
      return error.kind === 'DigestMismatch'
        ? `segment ${error.segment} (byte ${error.offset}) is damaged: its digest is ${error.actual}, expected ${error.expected}`
        : undefined;
    }
    case 'Internal':
      return failure.error.kind === 'FrameWorkerDisconnected'
        ? `segment ${failure.error.segment}: its worker stopped without an answer, a bug in sealstream`
        : undefined;
    case 'SourceChanged':
      return `it changed since the operation began: it had ${counted(failure.expected, 'byte')} and ${CHANGES[failure.relation]}`;
    default:
      return undefined;
  }
}

/** Whether this failure always happens before any plaintext is written. */
export function isBeforeOutput(failure: SealFailure): boolean {
  return (
    failure.kind === 'NotSealed' ||
    failure.kind === 'HeaderDamaged' ||
    failure.kind === 'HeaderTampered' ||
    (failure.kind === 'HeaderError' && failure.field !== 'end-extensions') ||
    (failure.kind === 'Truncated' && failure.verifiedBytes === 0) ||
    (failure.kind === 'Io' && failure.operation === 'open')
  );
}

type Kind = SealFailure['kind'];
type FailureOf<K extends Kind> = Extract<SealFailure, { kind: K }>;
/** The part of an explanation that depends on the kind of failure. Without a message, the library's message is used. */
type Meaning = Pick<Explanation, 'exitCode' | 'advice'> & Partial<Explanation>;
type Rule<F> = (failure: F, context: FailureContext, message: string) => Meaning;

/** Makes explanations with an exit code. */
function explaining(name: keyof typeof exitCodes): (advice: string, message?: string) => Meaning {
  const exitCode = exitCodes[name];
  return (advice, message) => ({ exitCode, advice, ...(message !== undefined && { message }) });
}

const failed = explaining('failed');
const wrongKey = explaining('wrongKey');
const damaged = explaining('damaged');
const refused = explaining('refused');

const RESTORE = 'restore it from another copy';
const REPAIR = `${RESTORE}, or try sealstream heal or sealstream salvage`;
const ADD_A_COPY = 'add another copy, or recover what is left with the key: sealstream salvage';
const NEEDS_HEADER =
  'no header that the key opens was found in it: give a kept one, or the header of another copy, with --fallback-header FILE';
/** What to do about a bug. */
export const REPORT = 'please report it, with the output of the same command and SEALSTREAM_DEBUG=1';
const RETRY = 'try again with fewer programs running';

const MEANINGS: { readonly [K in Kind]: Rule<FailureOf<K>> } = {
  NoMatchingKey: (_, context) => wrongKey(giveOtherKey(context)),
  WrongPassphrase: () =>
    wrongKey(
      'type the passphrase that it was encrypted with, with every space: check Caps Lock and the keyboard layout; composed and decomposed accents are the same',
    ),
  ContextMismatch: ({ supplied }, { input }) =>
    wrongKey(
      supplied === 0
        ? 'give it with --context TEXT'
        : 'give exactly that context with --context TEXT, or leave --context out',
      `the key is right, but ${input} was encrypted with ${supplied === 0 ? 'a context' : 'another context, or none'}`,
    ),
  NotSealed: ({ looksLike }, context) => {
    const { message, advice } = notSealed(looksLike, context);
    return damaged(context.command === 'salvage' ? NEEDS_HEADER : advice, message);
  },
  HeaderError: (_, { command }) =>
    damaged(
      command === 'salvage'
        ? NEEDS_HEADER
        : `a newer release of sealstream may have written it; if not, ${RESTORE}`,
    ),
  HeaderDamaged: (_, { command }) =>
    damaged(command === 'salvage' ? 'give the header of another copy with --fallback-header FILE' : RESTORE),
  HeaderTampered: restore,
  HeaderCopyDamaged: unexpected,
  RewrapInterrupted: unexpected,
  Segment: ({ error: { kind } }) => (ENGINE_FAULTS.has(kind) ? failed(REPORT) : damaged(REPAIR)),
  Truncated: truncated,
  EndDamaged: restore,
  EndTampered: restore,
  SenderUnverified: unverifiedSender,
  SigningFailed: ({ reason }) => failed(SIGNER_ADVICE[reason]),
  TrailingData: () =>
    damaged('data was appended to it: restore it from another copy, or cut it off at that byte'),
  LimitExceeded: overLimit,
  Cancelled: unexpected,
  SourceChanged: (_, { resumable }) =>
    failed(
      resumable === true
        ? 'when no program writes to it, run the command without --resume, which starts from the beginning'
        : 'run the command again when no program writes to it',
    ),
  JournalRefused: ({ path, problem }) =>
    refused(
      'run the command without --resume, or delete the journal to start over',
      `can't resume from ${path}: ${problem}`,
    ),
  TargetBusy: ({ path }, { command }) =>
    refused(
      command === 'rewrap' ? 'wait until it ends' : 'wait until it ends, or name another output with -o OUT',
      `another operation is writing ${path}`,
    ),
  NotHealed: ({ segments, segment }, { input }) =>
    damaged(
      ADD_A_COPY,
      segments === 1
        ? `segment ${segment} of ${input} is intact in none of the copies`
        : `${counted(segments, 'segment')} of ${input} are intact in none of the copies, the first is segment ${segment}`,
    ),
  NothingRecovered: (_, { input }) =>
    damaged(
      'look for another copy: this one has no intact data left',
      `nothing of ${input} was recovered: no frame verifies, so no output was written`,
    ),
  NoDigests: (_, { input }) =>
    refused(
      'open each copy with the key: sealstream decrypt',
      `${input} was encrypted without digests, so damage can't be found without the key`,
    ),
  ForeignReplica: ({ replica }, { input, replicas }) =>
    refused(
      'leave that copy out',
      `${replicas?.[replica] ?? `copy ${replica}`} is not a copy of ${input}: it has another stream id`,
    ),
  SameFile: () => refused('name another output with -o OUT'),
  TargetExists: ({ path }) =>
    refused('name another output with -o OUT, or replace it with --force', `${path} exists`),
  NotARegularFile: notRegular,
  KeyFileRefused: (failure) => explainKeyFile(failure),
  Io: ({ code, operation, message: text }, context, message) =>
    code === 'EISDIR' && operation === 'read'
      ? notRegular({ path: context.input, found: 'directory' }, context)
      : explainSystemCode(
          code ?? '',
          message.replace(text, () => systemText(code) ?? text),
        ),
  Crypto: () => failed(RETRY),
  Internal: ({ error: { kind } }) => failed(kind === 'ThreadsUnavailable' ? RETRY : REPORT),
};

/** A failure that no command of this program should meet. */
function unexpected(): Meaning {
  return failed(REPORT);
}

function restore(_: unknown, { command }: FailureContext): Meaning {
  return damaged(command === 'heal' ? ADD_A_COPY : RESTORE);
}

function unverifiedSender(
  { reason, claimed }: FailureOf<'SenderUnverified'>,
  { input }: FailureContext,
): Meaning {
  const advice =
    reason === 'another-sender'
      ? 'if you trust that sender too, name it with --sender'
      : reason === 'unknown-algorithm'
        ? 'use a newer release of sealstream'
        : `ask the sender for another copy: this one may have been replaced`;
  const claim = claimed === undefined ? '' : `; it claims to be from ${claimed}`;
  return damaged(advice, `the sender of ${input} is unverified: ${SENDER_REASONS[reason]}${claim}`);
}

function truncated({ offset, verifiedBytes }: FailureOf<'Truncated'>, context: FailureContext): Meaning {
  const { command, input } = context;
  if (context.isHeaderAlone === true) {
    return damaged(nameBody(context), `${input} is a header alone, without the rest of its stream`);
  }
  const verified =
    verifiedBytes === 0 ? '' : `, after ${counted(verifiedBytes, 'verified byte')} of plaintext`;
  return damaged(
    command === 'salvage'
      ? NEEDS_HEADER
      : 'the copy is incomplete: fetch it again, restore it, or try sealstream salvage',
    `${input} is cut short at byte ${offset}${verified}`,
  );
}

function overLimit(
  { limit, value, maximum }: FailureOf<'LimitExceeded'>,
  { input }: FailureContext,
): Meaning {
  switch (limit) {
    case 'size':
      return refused(
        'no file has that size: it is damaged, or was made to mislead',
        `${input} claims to have ${value} bytes or more, and the limit is ${maximum}`,
      );
    case 'segment-size':
      return refused(
        `if you trust it, allow that with --max-segment-size ${value}`,
        `${input} has segments of ${value} bytes, and the limit is ${maximum}`,
      );
    case 'passphrase-memory':
      return refused(
        allowing('--max-passphrase-memory', value),
        `trying a passphrase on ${input} takes ${formatSize(value * 1024)} of memory, and the limit is ${formatSize(maximum * 1024)}`,
      );
    case 'key-attempts':
      return refused(
        'name the header of the file that you want with --fallback-header FILE',
        `${input} has many headers with many key slots: trying your keys on all takes more than ${maximum} attempts`,
      );
    case 'output-size':
      return refused(
        `it is damaged, or was made to mislead: recover what is there with sealstream salvage`,
        `with zeros for what is lost, ${input} would have ${value} bytes, and the limit is ${maximum}`,
      );
    case 'revisions':
      return refused(
        'decrypt it and encrypt it again',
        `the recipients of ${input} were changed ${maximum} times, which is the limit`,
      );
    case 'passphrase-cost': {
      const [cost, most] = [value, maximum].map((kib) => formatSize(kib * 1024));
      return refused(
        allowing('--max-passphrase-cost', value),
        `trying a passphrase on ${input} costs ${cost} of memory times passes, and the limit is ${most}`,
      );
    }
    default:
      return refused(
        'ask for a file that was encrypted with a cheaper passphrase',
        `a passphrase of ${input} takes ${value} lanes, and the limit is ${maximum}`,
      );
  }
}

/** How to allow a passphrase this many KiB, if the command's sizes reach that far. */
function allowing(option: string, kib: number): string {
  return kib <= Math.floor(Number.MAX_SAFE_INTEGER / 1024)
    ? `if you trust it, allow that with ${option} ${kib}K`
    : 'no computer can do that: it is damaged, or was made to mislead';
}

/** A path of an input or output that is not a regular file. */
function notRegular(
  { path, found }: { path: string; found: string },
  { command, input, replicas }: FailureContext,
): Meaning {
  const isInput = path === input || replicas?.includes(path) === true;
  if (found === 'directory') {
    const forInput = FOLDER_ADVICE[command] ?? 'name a sealed file';
    return refused(isInput ? forInput : 'name a file in it with -o OUT', `${path} is a directory`);
  }
  const [forInput, forOutput] = TAKES_STREAMS.has(command)
    ? ['use - for standard input', 'use -o - for standard output']
    : ['save its output to a file, and name that', 'name a new file with -o OUT'];
  return refused(isInput ? forInput : forOutput, `${path} is not a regular file`);
}

const UNKNOWN: FailureContext = { command: '', input: 'the input', isNamed: true };
const FOLDER_ADVICE: Readonly<Partial<Record<string, string>>> = {
  encrypt: 'encrypt it as an archive: tar c FOLDER | sealstream encrypt -k FILE - -o FOLDER.tar.seal',
};
const TAKES_STREAMS: ReadonlySet<string> = new Set(['encrypt', 'decrypt']);
const ENGINE_FAULTS: ReadonlySet<string> = new Set(['FrameEncryptionFailed', 'CheckpointError']);
// Failures whose message has to name the input.
const CONCERN_INPUT: ReadonlySet<string> = new Set<Kind>([
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
const SENDER_REASONS: Readonly<Record<SenderReason, string>> = {
  'no-signature': 'it is not signed',
  'weak-digest': 'its digest is not collision resistant, so that its signature proves nothing',
  'unknown-algorithm': 'its signature has an algorithm that this release does not know',
  'not-announced': 'its signature is not of the sender that its header announces',
  'another-sender': 'another sender signed it',
  'bad-signature': 'its signature is wrong',
};
const SIGNER_ADVICE: Readonly<Record<SignerReason, string>> = {
  'no-agent': 'start one: eval $(ssh-agent), and add the key with ssh-add',
  'agent-failed': 'check with ssh-add -l that the agent works',
  'agent-unsupported': 'sign with a private key in a file: --sender-key FILE',
  'key-not-in-agent': 'add it with ssh-add, and check with ssh-add -L',
  'several-keys-in-agent': 'name one: --sender-key "agent:ssh-ed25519 AAAA…", or agent:FILE.pub',
  refused: 'unlock the agent, or confirm the signature when it asks',
  'timed-out': 'run the command again, and touch the security key when it blinks',
  'wrong-signature': 'check that the agent works with ssh-keygen -Y sign',
  'signer-failed': REPORT,
};
const CHANGES: Readonly<Record<string, string>> = {
  shorter: 'now has fewer',
  longer: 'now has more',
  modified: 'still has as many, but it was written to or replaced',
};
