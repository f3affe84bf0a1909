// What AWS KMS and its SDK fail with, in this package's words.

import { type ProviderErrorCode, ServiceFailure } from './provider-error';

/** What is done about an error, and how it is classed. */
interface Remedy {
  readonly code: ProviderErrorCode;
  readonly advice: string;
}

/**
 * What `client.send` threw, with what to do about it; or the error itself where it is none of the service's, since those of the network
 * are understood already.
 *
 * @param permission What the caller needs to be allowed.
 * @internal
 */
export function kmsFailure(error: unknown, permission: string): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  const remedy = REMEDIES.get(name) ?? ofServer(error);
  if (remedy === undefined) return error;
  // The SDK has this word where the service said no more than the name.
  const said = message === '' || message === 'UnknownError' ? name : `${name}: ${message}`;
  return new ServiceFailure(remedy.code, said, remedy.advice.replace('{permission}', permission), error);
}

function ofServer(
  error: Error & { $fault?: unknown; $metadata?: { httpStatusCode?: unknown } },
): Remedy | undefined {
  const { $fault, $metadata } = error;
  const status = $metadata?.httpStatusCode;
  return $fault === 'server' || (typeof status === 'number' && status >= 500) ? AGAIN : undefined;
}

const AGAIN: Remedy = {
  code: 'ERR_PROVIDER_UNAVAILABLE',
  advice: 'try again later; the client retries as often as its `maxAttempts` says',
};
const CREDENTIALS: Remedy = {
  code: 'ERR_PROVIDER_DENIED',
  advice: "check the client's credentials, its region and the clock",
};
const DENIED: Remedy = {
  code: 'ERR_PROVIDER_DENIED',
  advice:
    'check that {permission} is allowed for this key, the encryption context included, and that account and region are right',
};
const STATE: Remedy = {
  code: 'ERR_PROVIDER_DENIED',
  advice: 'enable the key, or cancel its deletion, in AWS KMS',
};
const MISSING: Remedy = {
  code: 'ERR_PROVIDER_FAILED',
  advice: "check the key id, and the client's account and region",
};
const OTHER_KEY: Remedy = {
  code: 'ERR_PROVIDER_FAILED',
  advice: 'another key wrapped it: if the alias points to another key now, name the former one by its ARN',
};
const OTHER_BLOB: Remedy = {
  code: 'ERR_PROVIDER_FAILED',
  advice: 'context and encryptionContext must be those that it was sealed with; else the header was changed',
};
const UNFIT: Remedy = {
  code: 'ERR_PROVIDER_FAILED',
  advice: 'it takes a symmetric key for encryption (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT)',
};
const INVALID: Remedy = {
  code: 'ERR_PROVIDER_FAILED',
  advice: 'check the key id, and that context and encryptionContext have at most 8,192 characters in all',
};

/** By the names that the service's errors have; a Map, since a name is what a server says. */
const REMEDIES: ReadonlyMap<string, Remedy> = new Map([
  ['AccessDeniedException', DENIED],
  ['InvalidGrantTokenException', DENIED],
  ['NotAuthorizedException', DENIED],
  ['CredentialsProviderError', CREDENTIALS],
  ['ExpiredTokenException', CREDENTIALS],
  ['IncompleteSignature', CREDENTIALS],
  ['InvalidClientTokenId', CREDENTIALS],
  ['InvalidSignatureException', CREDENTIALS],
  ['MissingAuthenticationToken', CREDENTIALS],
  ['UnrecognizedClientException', CREDENTIALS],
  ['DisabledException', STATE],
  ['KMSInvalidStateException', STATE],
  ['NotFoundException', MISSING],
  ['InvalidArnException', MISSING],
  ['IncorrectKeyException', OTHER_KEY],
  ['InvalidCiphertextException', OTHER_BLOB],
  ['InvalidKeyUsageException', UNFIT],
  ['UnsupportedOperationException', UNFIT],
  ['ValidationException', INVALID],
  ['DependencyTimeoutException', AGAIN],
  ['InternalFailure', AGAIN],
  ['KeyUnavailableException', AGAIN],
  ['KMSInternalException', AGAIN],
  ['LimitExceededException', AGAIN],
  ['RequestLimitExceeded', AGAIN],
  ['ServiceUnavailable', AGAIN],
  ['ServiceUnavailableException', AGAIN],
  ['Throttling', AGAIN],
  ['ThrottlingException', AGAIN],
  ['TooManyRequestsException', AGAIN],
]);
