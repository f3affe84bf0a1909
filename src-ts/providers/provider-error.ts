// Failures of providers, in one form for all providers.

import { SealstreamError } from '../api/errors';
import { brand, isBranded } from '../internal/error-brand';

/** Why a provider failed. */
export type ProviderErrorCode =
  /** It did not answer within its time limit, or reported a timeout of its own. */
  | 'ERR_PROVIDER_TIMEOUT'
  /** It can't be reached, or can't work now. The same call may succeed later. */
  | 'ERR_PROVIDER_UNAVAILABLE'
  /** It does not let this caller use this key. */
  | 'ERR_PROVIDER_DENIED'
  /** It failed in another way: no such key, a blob of another key, another context. */
  | 'ERR_PROVIDER_FAILED'
  /** Its answer is wrong: no bytes, too many, or a key that does not have 32. */
  | 'ERR_PROVIDER_ANSWER';

/** The operations of a provider. */
export type ProviderOperation = 'wrap' | 'unwrap';

/** Why a provider failed, and what to do about it. */
export interface ProviderFailure {
  readonly code: ProviderErrorCode;
  readonly why: string;
  /** By default what generally helps with this code. */
  readonly advice?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Thrown when a provider does not wrap or unwrap a key. The message names the provider, its key, the reason, and what to do. It
 * contains the message of the provider's own error, and nothing of a key.
 *
 * @example
 * try {
 *   await decryptFile('a.seal', 'a', { identities: [provider(vault, 'backup')] });
 * } catch (error) {
 *   if (ProviderError.is(error, 'ERR_PROVIDER_UNAVAILABLE')) console.error('try again later');
 * }
 */
export class ProviderError extends SealstreamError {
  override readonly name = 'ProviderError';
  /** A stable name for the failure, such as `ERR_PROVIDER_TIMEOUT`. */
  readonly code: ProviderErrorCode;
  /** The provider's name. */
  readonly provider: string;
  /** The id of the provider's key. */
  readonly keyId: string;
  /** The operation that failed: `wrap` to encrypt, `unwrap` to decrypt. */
  readonly operation: ProviderOperation;

  /** @internal */
  constructor(provider: string, keyId: string, operation: ProviderOperation, failure: ProviderFailure) {
    const { code, why, advice = adviceFor(code, operation), cause } = failure;
    const task = operation === 'wrap' ? 'wrap a key with' : 'unwrap the key of';
    super(
      `the provider ${JSON.stringify(provider)} did not ${task} ${JSON.stringify(keyId)}: ${why}; ${advice}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.provider = provider;
    this.keyId = keyId;
    this.operation = operation;
  }

  /**
   * Whether `value` is a ProviderError, of this copy of the package or another, from this realm or another.
   *
   * @param value Anything, such as what `catch` caught.
   * @param code Only an error with this code.
   *
   * @example
   * if (ProviderError.is(error, 'ERR_PROVIDER_TIMEOUT')) console.error(`${error.provider} is slow`);
   */
  static override is<Code extends ProviderErrorCode>(
    this: void,
    value: unknown,
    code: Code,
  ): value is ProviderError & { readonly code: Code };
  static override is(this: void, value: unknown): value is ProviderError;
  static override is(this: void, value: unknown, code?: unknown): boolean {
    return isBranded(value, 'ProviderError', code);
  }
}

brand(ProviderError.prototype, 'ProviderError');

const PROVIDER_FAILURE: unique symbol = Symbol.for('sealstream.provider-failure') as never;

/**
 * Thrown by the providers of this package, which know more than the error that they met says.
 *
 * @internal
 */
export class KnownFailure extends Error {
  readonly [PROVIDER_FAILURE] = true;

  constructor(
    readonly code: ProviderErrorCode,
    why: string,
    readonly advice?: string,
    cause?: unknown,
  ) {
    super(why, { cause });
  }
}

/** Classifies what a provider threw, which may be anything. */
export function providerFailure(thrown: unknown): ProviderFailure {
  // The provider may come from another copy of the package.
  if (isObject(thrown) && PROVIDER_FAILURE in thrown) {
    const { code, message, advice, cause } = thrown as unknown as KnownFailure;
    return { code, why: message, advice, cause: cause ?? thrown };
  }
  return { code: codeOf(thrown), why: reasonOf(thrown), cause: thrown };
}

/** By the names and codes of the error and its causes, as Node, `fetch` and most clients use them. */
function codeOf(thrown: unknown): ProviderErrorCode {
  for (const name of errorNames(thrown)) {
    if (Object.hasOwn(ADVICE, name)) return name as ProviderErrorCode;
    const known = CODES.find(([pattern]) => pattern.test(name));
    if (known) return known[1];
  }
  return 'ERR_PROVIDER_FAILED';
}

/** The codes and names of an error and of its causes. */
function errorNames(thrown: unknown): string[] {
  const found: unknown[] = [];
  let error = thrown;
  for (let depth = 0; depth < MAX_CAUSES && isObject(error); depth += 1) {
    found.push(error.code, error.name);
    error = error.cause;
  }
  return found.filter((name) => typeof name === 'string');
}

/** The error's message, with the system's code if the message lacks it. */
function reasonOf(thrown: unknown): string {
  if (typeof thrown === 'string' && thrown !== '') return thrown;
  if (!isObject(thrown)) return `it threw ${thrown === null ? 'null' : `a value of type ${typeof thrown}`}`;
  const message = typeof thrown.message === 'string' ? thrown.message : '';
  const names = errorNames(thrown).filter((name) => name !== 'Error');
  if (message === '') return names[0] ?? 'it failed without a message';
  const code = names.find((name) => /^[A-Z][A-Z\d_]+$/.test(name));
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}

function isObject(value: unknown): value is Record<'code' | 'name' | 'message' | 'cause', unknown> {
  return typeof value === 'object' && value !== null;
}

function adviceFor(code: ProviderErrorCode, operation: ProviderOperation): string {
  return code === 'ERR_PROVIDER_FAILED' && operation === 'wrap' ? 'check that the key exists' : ADVICE[code];
}

const ADVICE: Readonly<Record<ProviderErrorCode, string>> = {
  ERR_PROVIDER_TIMEOUT: 'check that it can be reached, or give it a longer `timeout`',
  ERR_PROVIDER_UNAVAILABLE: 'check that it can be reached, then try again',
  ERR_PROVIDER_DENIED: 'check the credentials, and what they allow with this key',
  ERR_PROVIDER_FAILED: 'check that the key exists and that the stream was sealed with it',
  ERR_PROVIDER_ANSWER: 'this is a fault of the provider or of the code that calls it',
};
const CODES: readonly (readonly [RegExp, ProviderErrorCode])[] = [
  [/^E(?:SOCKET)?TIMEDOUT$|^RequestTimeout$|^TimeoutError$|^UND_ERR_.+_TIMEOUT$/, 'ERR_PROVIDER_TIMEOUT'],
  [/^ECONN(?:ABORTED|REFUSED|RESET)$|^E(?:HOST|NET)UNREACH$/, 'ERR_PROVIDER_UNAVAILABLE'],
  [/^(?:EAI_AGAIN|ENOTFOUND|EPIPE|NetworkingError|UND_ERR_SOCKET)$/, 'ERR_PROVIDER_UNAVAILABLE'],
  [/^(?:AccessDenied|Forbidden|NotAuthorized|PermissionDenied|Unauthorized)/, 'ERR_PROVIDER_DENIED'],
  [/^(?:EACCES|EPERM)$/, 'ERR_PROVIDER_DENIED'],
];
const MAX_CAUSES = 5;
