// What a key service can fail with, told in one way whichever service it is.

/** Why a key service did not do what it was asked for, in one word. */
export type ProviderErrorCode =
  /** It did not answer within its time limit, or said that it ran out of time itself. */
  | 'ERR_PROVIDER_TIMEOUT'
  /** It can't be reached, or can't work now. The same call may succeed later. */
  | 'ERR_PROVIDER_UNAVAILABLE'
  /** It does not let this caller use this key. */
  | 'ERR_PROVIDER_DENIED'
  /** It failed in any other way: no such key, a blob of another key, another context. */
  | 'ERR_PROVIDER_FAILED'
  /** What it answered can't be: no bytes, too many, or a key that does not have 32. */
  | 'ERR_PROVIDER_ANSWER';

/** What a service was asked. */
export type ProviderOperation = 'wrap' | 'unwrap';

/** Who was asked for what, and what came of it. @internal */
export interface ProviderFailure {
  readonly provider: string;
  readonly keyId: string;
  readonly operation: ProviderOperation;
  readonly code: ProviderErrorCode;
  readonly why: string;
  /** What to do about it; by default what generally helps with this code. */
  readonly advice?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Why a key service did not wrap or unwrap a key. The message says which service, which of its keys, why, and what to do;
 * it holds what the service said in its error, and nothing of a key.
 */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  /** The failure in one word, such as `ERR_PROVIDER_TIMEOUT`. Stable. */
  readonly code: ProviderErrorCode;
  /** The service's name. */
  readonly provider: string;
  /** The id of the service's key. */
  readonly keyId: string;
  /** What the service was asked: `wrap` to seal, `unwrap` to open. */
  readonly operation: ProviderOperation;

  /** @internal */
  constructor({
    provider,
    keyId,
    operation,
    code,
    why,
    advice = adviceFor(code, operation),
    cause,
  }: ProviderFailure) {
    const asked = operation === 'wrap' ? 'wrap a key with' : 'unwrap the key of';
    super(
      `the key service ${JSON.stringify(provider)} did not ${asked} ${JSON.stringify(keyId)}: ${why}; ${advice}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.provider = provider;
    this.keyId = keyId;
    this.operation = operation;
  }
}

/** What a service of this package throws where it knows more than the error that it met says. @internal */
export class ServiceFailure extends Error {
  constructor(
    readonly code: ProviderErrorCode,
    why: string,
    readonly advice?: string,
    cause?: unknown,
  ) {
    super(why, { cause });
  }
}

/** What a service threw, whatever that is, as code, reason and advice. @internal */
export function explained(thrown: unknown): Pick<ProviderFailure, 'code' | 'why' | 'advice' | 'cause'> {
  if (thrown instanceof ServiceFailure) {
    const { code, message, advice, cause } = thrown;
    return { code, why: message, advice, cause: cause ?? thrown };
  }
  return { code: codeOf(thrown), why: reasonOf(thrown), cause: thrown };
}

/** By the names and codes of the error and of what it came from: those that Node, `fetch` and most clients have. */
function codeOf(thrown: unknown): ProviderErrorCode {
  for (const word of words(thrown)) {
    if (Object.hasOwn(ADVICE, word)) return word as ProviderErrorCode;
    if (TIMED_OUT.has(word)) return 'ERR_PROVIDER_TIMEOUT';
    if (UNREACHABLE.has(word)) return 'ERR_PROVIDER_UNAVAILABLE';
    if (DENIED.test(word)) return 'ERR_PROVIDER_DENIED';
  }
  return 'ERR_PROVIDER_FAILED';
}

/** Names and codes of an error and of its causes. */
function words(thrown: unknown): string[] {
  const found: unknown[] = [];
  let error = thrown;
  for (let depth = 0; depth < MOST_CAUSES && isObject(error); depth += 1) {
    found.push(error.code, error.name);
    error = error.cause;
  }
  return found.filter((word) => typeof word === 'string');
}

/** An error's message, and the system's word for what is behind it where the message doesn't have it. */
function reasonOf(thrown: unknown): string {
  if (typeof thrown === 'string' && thrown !== '') return thrown;
  if (!isObject(thrown)) return `it threw ${thrown === null ? 'null' : `a value of type ${typeof thrown}`}`;
  const message = typeof thrown.message === 'string' ? thrown.message : '';
  const names = words(thrown).filter((word) => word !== 'Error');
  if (message === '') return names[0] ?? 'it failed without saying why';
  const code = names.find((word) => /^[A-Z][A-Z\d_]+$/.test(word));
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}

function isObject(value: unknown): value is Record<'code' | 'name' | 'message' | 'cause', unknown> {
  return typeof value === 'object' && value !== null;
}

function adviceFor(code: ProviderErrorCode, operation: ProviderOperation): string {
  return code === 'ERR_PROVIDER_FAILED' && operation === 'wrap'
    ? 'check that this key is there'
    : ADVICE[code];
}

const ADVICE: Readonly<Record<ProviderErrorCode, string>> = {
  ERR_PROVIDER_TIMEOUT: 'check that it can be reached, or give it a longer `timeout`',
  ERR_PROVIDER_UNAVAILABLE: 'check that it can be reached, then try again',
  ERR_PROVIDER_DENIED: 'check whose credentials are used, and what they may do with this key',
  ERR_PROVIDER_FAILED: 'check that this key is there and that the stream was sealed with it',
  ERR_PROVIDER_ANSWER: 'this is a fault of the service or of the code that asks it',
};
const TIMED_OUT: ReadonlySet<string> = new Set([
  'ESOCKETTIMEDOUT',
  'ETIMEDOUT',
  'RequestTimeout',
  'TimeoutError',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);
const UNREACHABLE: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'NetworkingError',
  'UND_ERR_SOCKET',
]);
const DENIED = /^(?:AccessDenied|Forbidden|NotAuthorized|PermissionDenied|Unauthorized)|^(?:EACCES|EPERM)$/;
const MOST_CAUSES = 5;
