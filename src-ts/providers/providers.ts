// Providers wrap a random key for each stream. This module asks them and checks their answers.

import { abortError, isAborted, onAbort, throwIfAborted, untilAborted } from '../internal/abort';
import { limits } from '../internal/binding';
import { isBytes, overwriteBytes, ownCopy, sizeOf } from '../internal/bytes';
import { typeError } from '../internal/errors';
import { nullPrototype } from '../internal/null-prototype';
import { callback, type Check, member, text } from '../internal/options';
import {
  ProviderError,
  type ProviderFailure,
  providerFailure,
  type ProviderOperation,
} from './provider-error';

/**
 * A provider: it wraps a key with one of its own keys, which never leave it. `awsKmsKey` and `safeStorageKey` have one
 * each; any other is an object of this shape.
 *
 * For each stream that is sealed, the provider wraps 32 new random bytes, the key-encryption key. The provider's name, the id of its
 * key and its answer stand in the stream's header, where anyone can read them. To open the stream, the provider unwraps that key. A
 * provider is called only if the caller listed it with that key id.
 *
 * Duties of an implementation:
 * - Wrapped keys must be authentic: `unwrapKey` rejects a blob that was changed, or that another key wrapped.
 * - Never log or keep keys. The bytes that `wrapKey` gets, and those that `unwrapKey` returns, are overwritten after use: copy what
 *   must last, and return bytes that nothing else uses.
 * - Stop working when the signal is aborted. The caller no longer waits then.
 * - What is thrown becomes the `cause` of a {@link ProviderError}, and its message a part of the message. An error whose `code` is
 *   one of that class keeps it; otherwise the codes of Node's network errors, `TimeoutError` and `AccessDenied…` are recognised.
 */
export interface KeyProvider {
  /** 1 to 255 bytes of UTF-8, always the same: it names the provider in the header. */
  readonly name: string;
  /**
   * Wraps a key.
   *
   * @returns What `unwrapKey` can unwrap: 1 to 1,000,000 bytes.
   */
  wrapKey(request: WrapRequest): Promise<Uint8Array>;
  /**
   * Unwraps a key.
   *
   * @returns The 32 bytes. They are overwritten after they were copied.
   */
  unwrapKey(request: UnwrapRequest): Promise<Uint8Array>;
}

interface KeyRequest {
  /** The provider's key that wraps, or that wrapped. */
  readonly keyId: string;
  /** The stream's `context` option, empty without one. The provider need not bind it to the key: the stream does that. */
  readonly context: Uint8Array;
  /** Aborted when the operation or its time limit ends. */
  readonly signal: AbortSignal;
}

/** What a provider is asked to wrap. */
export interface WrapRequest extends KeyRequest {
  /** The 32 bytes to wrap. They are overwritten when the promise settles. */
  readonly key: Uint8Array;
}

/** What a provider is asked to unwrap. */
export interface UnwrapRequest extends KeyRequest {
  /** What `wrapKey` returned; or what an attacker put in its place, since the header is not authenticated yet. */
  readonly wrappedKey: Uint8Array;
}

/** One key of a provider, as the caller listed it. */
export interface ProviderAccess {
  readonly keyProvider: KeyProvider;
  /** The provider's name when it was listed. */
  readonly name: string;
  readonly keyId: string;
  /** Milliseconds for one answer. */
  readonly timeout: number;
}

/**
 * Asks a provider to wrap `kek`. The provider gets a copy, which is overwritten.
 *
 * @returns a copy of the blob, 1 to 1,000,000 bytes.
 * @throws ProviderError, or the signal's reason.
 */
export function askToWrap(
  access: ProviderAccess,
  kek: Uint8Array,
  context: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return ask(access, 'wrap', kek, context, signal, (answer) => {
    const size = sizeOf(answer);
    if (size === 0 || size > MAX_BLOB) return `its answer has ${size} bytes, and may have 1 to ${MAX_BLOB}`;
    const isClear = ownCopy(answer).includes(kek as Buffer);
    return isClear ? 'its answer has the key in clear' : undefined;
  });
}

/**
 * Asks a provider to unwrap `blob`. The bytes that the provider returns are overwritten.
 *
 * @returns the 32 bytes in memory of their own. The caller overwrites them.
 * @throws ProviderError, or the signal's reason.
 */
export function askToUnwrap(
  access: ProviderAccess,
  blob: Uint8Array,
  context: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return ask(access, 'unwrap', blob, context, signal, (answer) => {
    const size = sizeOf(answer);
    return size === KEK_SIZE ? undefined : `its answer has ${size} bytes, and must have ${KEK_SIZE}`;
  });
}

/** Checks a provider by its shape. @throws TypeError or RangeError that names what it lacks. */
export function checkedProvider(value: unknown): Pick<ProviderAccess, 'keyProvider' | 'name'> {
  if (typeof value !== 'object' || value === null) throw typeError('keyProvider', 'a KeyProvider', value);
  const [name, wrapKey, unwrapKey] = ['name', 'wrapKey', 'unwrapKey'].map((property) =>
    member(value, property),
  );
  callback('keyProvider.wrapKey', wrapKey);
  callback('keyProvider.unwrapKey', unwrapKey);
  return nullPrototype({ keyProvider: value as KeyProvider, name: providerName('keyProvider.name', name) });
}

/**
 * Checks a name, which must fit into a header.
 *
 * @internal
 */
export const providerName: Check<string> = text(1, limits.maxProviderName);

/**
 * Asks, and stops waiting when the time limit ends or the signal is aborted, even if the provider continues. `problemOf` says what
 * is wrong with an answer.
 */
async function ask(
  access: ProviderAccess,
  operation: ProviderOperation,
  bytes: Uint8Array,
  context: Uint8Array,
  signal: AbortSignal | undefined,
  problemOf: (answer: Uint8Array) => string | undefined,
): Promise<Uint8Array> {
  throwIfAborted(signal);
  const { keyProvider, name, keyId, timeout } = access;
  const failed = (failure: ProviderFailure) => new ProviderError(name, keyId, operation, failure);
  const end = new AbortController();
  const timer = setTimeout(() => {
    const why = `timed out after ${timeout < 1000 ? `${timeout} ms` : `${timeout / 1000} s`}`;
    end.abort(failed({ code: 'ERR_PROVIDER_TIMEOUT', why }));
  }, timeout);
  const stopListening = onAbort(signal, (aborted) => {
    end.abort(abortError(aborted));
  });

  // Of an array, this reads no property.
  const lent = new Uint8Array(bytes);
  // Inside a promise, which catches what the provider throws at once or later.
  const answering = new Promise<unknown>((resolve) => {
    const request = { keyId, context: new Uint8Array(context), signal: end.signal };
    resolve(
      operation === 'wrap'
        ? keyProvider.wrapKey({ key: lent, ...request })
        : keyProvider.unwrapKey({ wrappedKey: lent, ...request }),
    );
  });
  try {
    const answer = await untilAborted(answering, end.signal).catch((thrown: unknown) => {
      if (!isAborted(end.signal)) throw failed(providerFailure(thrown));
      // A key that arrives too late must not stay in memory.
      if (operation === 'unwrap') answering.then(overwrite, () => undefined);
      throw abortError(end.signal);
    });
    try {
      const why = isBytes(answer) ? problemOf(answer) : 'its answer is no Uint8Array';
      if (why !== undefined) throw failed({ code: 'ERR_PROVIDER_ANSWER', why });
      return new Uint8Array(answer as Uint8Array);
    } finally {
      if (operation === 'unwrap') overwrite(answer);
    }
  } finally {
    clearTimeout(timer);
    stopListening();
    // Afterwards, since the answer may be the memory that was lent.
    overwrite(lent);
  }
}

function overwrite(bytes: unknown): void {
  if (isBytes(bytes)) overwriteBytes(bytes);
}

const KEK_SIZE = 32;
/** Fits into a header of 1 MiB beside other slots. */
const MAX_BLOB = 1_000_000;
