// Key services, which wrap a random key for each stream: how they are asked, and what of their answers is believed.

import { abortError, checkedSignal, forgetAbort, isAborted, onAbort, untilAborted } from '../internal/abort';
import { isBytes } from '../internal/bytes';
import { rangeError, typeError } from '../api/errors';
import { checkedString, checkedText, limits } from '../internal/options';
import { explained, ProviderError, type ProviderFailure, type ProviderOperation } from './provider-error';

/**
 * A key service: something that wraps a key with one of its own keys, which never leave it. `awsKms` and
 * `safeStorageProvider` make two; any other is an object of this shape.
 *
 * For every stream that is sealed it is asked to wrap 32 new random bytes, the key-encryption key. Its name, the id of its key and what
 * it answers stand in the stream's header, where anyone can read them. Whoever opens the stream asks it to unwrap them again.
 * It is asked only if the caller listed it with that key id.
 *
 * Duties of an implementation:
 * - What was wrapped must be authentic: `unwrapKey` rejects a blob that was changed, or that another key wrapped.
 * - Keys are never logged or kept. The bytes that `wrapKey` gets, and those that `unwrapKey` answers with, are overwritten as soon as
 *   they have served: copy what must last, and answer with bytes of which nobody else has a use.
 * - When the signal is aborted nobody waits any longer; stop working then.
 * - What is thrown becomes the `cause` of a {@link ProviderError}, and its message a part of the message. An error whose `code` is one of
 *   that class's codes keeps it; of others, the codes of Node's network errors, `TimeoutError` and `AccessDenied…` are understood.
 */
export interface KeyProvider {
  /** 1 to 255 bytes of UTF-8, always the same: it says in the header whom to ask. */
  readonly name: string;
  /**
   * Wraps a key.
   *
   * @param kek The 32 bytes to wrap. They are overwritten when the promise settles.
   * @param keyId Which of the service's keys wraps them.
   * @returns What `unwrapKey` can unwrap: 1 to 1,000,000 bytes.
   */
  wrapKey(kek: Uint8Array, keyId: string, context: KeyContext): Promise<Uint8Array>;
  /**
   * Unwraps a key.
   *
   * @param blob What `wrapKey` gave; or what somebody put in its place, since the header that it is from is not authentic yet.
   * @param keyId Which of the service's keys wrapped it.
   * @returns The 32 bytes. They are overwritten as soon as they were copied.
   */
  unwrapKey(blob: Uint8Array, keyId: string, context: KeyContext): Promise<Uint8Array>;
}

/** What a key service is told beside the key. */
export interface KeyContext {
  /** The stream's `context` option, empty without one. It need not be bound to the key again: the stream does that. */
  readonly context: Uint8Array;
  /** Aborted when the operation or its time limit ends. */
  readonly signal: AbortSignal;
}

/** One key of a service, as the caller listed it. @internal */
export interface ProviderAccess {
  readonly service: KeyProvider;
  /** Its name when it was listed. */
  readonly name: string;
  readonly keyId: string;
  /** Milliseconds for one answer. */
  readonly timeout: number;
}

/**
 * Has a service wrap `kek`, which stays the caller's: the service gets a copy, which is overwritten.
 *
 * @returns a copy of the blob, 1 to 1,000,000 bytes.
 * @throws ProviderError, or the signal's reason.
 * @internal
 */
export async function askToWrap(
  access: ProviderAccess,
  kek: Uint8Array,
  context: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return ask(access, 'wrap', kek, context, signal, (answer) => {
    if (!isBytes(answer)) throw wrongAnswer(access, 'wrap', 'its answer is no Uint8Array');
    if (answer.length === 0 || answer.length > MOST_BLOB) {
      const why = `its answer has ${answer.length} bytes, and may have 1 to ${MOST_BLOB}`;
      throw wrongAnswer(access, 'wrap', why);
    }
    if (Buffer.from(answer).includes(Buffer.from(kek.buffer, kek.byteOffset, kek.length))) {
      throw wrongAnswer(access, 'wrap', 'its answer has the key in clear');
    }
    return ownCopy(answer);
  });
}

/**
 * Has a service unwrap `blob`.
 *
 * @returns the 32 bytes in memory of their own, for the caller to overwrite. Those of the service are overwritten.
 * @throws ProviderError, or the signal's reason.
 * @internal
 */
export async function askToUnwrap(
  access: ProviderAccess,
  blob: Uint8Array,
  context: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return ask(access, 'unwrap', blob, context, signal, (answer) => {
    try {
      if (!isBytes(answer)) throw wrongAnswer(access, 'unwrap', 'its answer is no Uint8Array');
      if (answer.length !== KEK_SIZE) {
        const why = `its answer has ${answer.length} bytes, and must have ${KEK_SIZE}`;
        throw wrongAnswer(access, 'unwrap', why);
      }
      return ownCopy(answer);
    } finally {
      overwrite(answer);
    }
  });
}

/** A key service, by what it has, and its name. @throws TypeError or RangeError that says what it lacks. @internal */
export function checkedProvider(value: unknown): Pick<ProviderAccess, 'service' | 'name'> {
  if (typeof value !== 'object' || value === null) throw typeError('service', 'a KeyProvider', value);
  const { name, wrapKey, unwrapKey } = value as Partial<Record<keyof KeyProvider, unknown>>;
  const checkedName = checkedProviderName('service.name', name);
  if (typeof wrapKey !== 'function') throw typeError('service.wrapKey', 'a function', wrapKey);
  if (typeof unwrapKey !== 'function') throw typeError('service.unwrapKey', 'a function', unwrapKey);
  return { service: value as KeyProvider, name: checkedName };
}

/** A name that fits into a header. @internal */
export function checkedProviderName(argument: string, value: unknown): string {
  const name = checkedText(argument, checkedString(argument, value));
  const size = Buffer.byteLength(name);
  if (size === 0 || size > maxProviderName) {
    throw rangeError(argument, `must have 1 to ${maxProviderName} bytes of UTF-8, not ${size}`);
  }
  return name;
}

/**
 * Asks, and waits no longer than the time limit and the signal allow, whether or not the service heeds them. `take` makes of the
 * answer what is returned; it may be the very memory that the service was lent, which is overwritten afterwards.
 */
async function ask<T>(
  access: ProviderAccess,
  operation: ProviderOperation,
  bytes: Uint8Array,
  context: Uint8Array,
  signal: AbortSignal | undefined,
  take: (answer: unknown) => T,
): Promise<T> {
  const stop = checkedSignal(signal);
  if (stop && isAborted(stop)) throw abortError(stop);
  const { service, keyId, timeout } = access;
  const end = new AbortController();
  const cancel = () => {
    if (stop) end.abort(abortError(stop));
  };
  const timer = setTimeout(() => {
    const why = `timed out after ${spelled(timeout)}`;
    end.abort(failed(access, operation, { code: 'ERR_PROVIDER_TIMEOUT', why }));
  }, timeout);
  if (stop) onAbort(stop, cancel);

  const lent = ownCopy(bytes);
  // Whatever it throws, at once or later, is caught by the same promise.
  const answer = new Promise<unknown>((resolve) => {
    const told: KeyContext = { context: ownCopy(context), signal: end.signal };
    resolve(operation === 'wrap' ? service.wrapKey(lent, keyId, told) : service.unwrapKey(lent, keyId, told));
  });
  try {
    const given = await untilAborted(answer, end.signal).catch((thrown: unknown) => {
      if (!isAborted(end.signal)) throw failed(access, operation, explained(thrown));
      // A key that comes too late is not left in memory either.
      if (operation === 'unwrap') answer.then(overwrite, () => undefined);
      throw abortError(end.signal);
    });
    return take(given);
  } finally {
    clearTimeout(timer);
    if (stop) forgetAbort(stop, cancel);
    overwrite(lent);
  }
}

function failed(
  { name, keyId }: ProviderAccess,
  operation: ProviderOperation,
  failure: Pick<ProviderFailure, 'code' | 'why' | 'advice' | 'cause'>,
): ProviderError {
  return new ProviderError({ provider: name, keyId, operation, ...failure });
}

function wrongAnswer(access: ProviderAccess, operation: ProviderOperation, why: string): ProviderError {
  return failed(access, operation, { code: 'ERR_PROVIDER_ANSWER', why });
}

/** In memory of its own: Node's pool would keep the bytes beside other people's. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

function overwrite(bytes: unknown): void {
  // One without its memory has nothing to overwrite, and would throw.
  if (isBytes(bytes) && bytes.length > 0) Uint8Array.prototype.fill.call(bytes, 0);
}

function spelled(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`;
}

const { maxProviderName } = limits;
const KEK_SIZE = 32;
/** What a header of 1 MiB surely has room for, beside other slots. */
const MOST_BLOB = 1_000_000;
