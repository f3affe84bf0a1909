// Errors of AWS KMS and its SDK, with what to do about them.

import { isError } from '../internal/errors';
import { type ProviderErrorCode, KnownFailure } from './provider-error';

/**
 * Adds advice to what `client.send` threw. Returns the error itself if KMS did not cause it: network errors are recognised
 * elsewhere.
 *
 * @param permission The permission that the caller needs.
 */
export function kmsFailure(error: unknown, permission: string): unknown {
  if (!isError(error)) return error;
  const { name, message } = error;
  const remedy =
    REMEDIES.find(({ names }) => names.includes(name)) ?? (isServerFault(error) ? RETRY : undefined);
  if (remedy === undefined) return error;
  // The SDK says UnknownError if the provider sent only the name.
  const why = message === '' || message === 'UnknownError' ? name : `${name}: ${message}`;
  return new KnownFailure(remedy.code, why, remedy.advice.replace('{permission}', permission), error);
}

function isServerFault(
  error: Error & { $fault?: unknown; $metadata?: { httpStatusCode?: unknown } },
): boolean {
  const status = error.$metadata?.httpStatusCode;
  return error.$fault === 'server' || (typeof status === 'number' && status >= 500);
}

/** The names of errors, how they are classified, and what to do about them. */
interface Remedy {
  readonly names: readonly string[];
  readonly code: ProviderErrorCode;
  readonly advice: string;
}

const RETRY: Remedy = {
  names: [
    ...['DependencyTimeoutException', 'InternalFailure', 'KeyUnavailableException', 'KMSInternalException'],
    ...[
      'LimitExceededException',
      'RequestLimitExceeded',
      'ServiceUnavailable',
      'ServiceUnavailableException',
    ],
    ...['Throttling', 'ThrottlingException', 'TooManyRequestsException'],
  ],
  code: 'ERR_PROVIDER_UNAVAILABLE',
  advice: "try again later; the client's `maxAttempts` limits its own retries",
};
const REMEDIES: readonly Remedy[] = [
  RETRY,
  {
    names: ['AccessDeniedException', 'InvalidGrantTokenException', 'NotAuthorizedException'],
    code: 'ERR_PROVIDER_DENIED',
    advice:
      'check that {permission} is allowed for this key, the encryption context included, and that account and region are right',
  },
  {
    names: [
      ...['CredentialsProviderError', 'ExpiredTokenException', 'IncompleteSignature', 'InvalidClientTokenId'],
      ...['InvalidSignatureException', 'MissingAuthenticationToken', 'UnrecognizedClientException'],
    ],
    code: 'ERR_PROVIDER_DENIED',
    advice: "check the client's credentials, its region and the clock",
  },
  {
    names: ['DisabledException', 'KMSInvalidStateException'],
    code: 'ERR_PROVIDER_DENIED',
    advice: 'enable the key, or cancel its deletion, in AWS KMS',
  },
  {
    names: ['NotFoundException', 'InvalidArnException'],
    code: 'ERR_PROVIDER_FAILED',
    advice: "check the key id, and the client's account and region",
  },
  {
    names: ['IncorrectKeyException'],
    code: 'ERR_PROVIDER_FAILED',
    advice: 'another key wrapped it: if the alias now points to another key, name the former key by its ARN',
  },
  {
    names: ['InvalidCiphertextException'],
    code: 'ERR_PROVIDER_FAILED',
    advice:
      'give the context and encryptionContext that it was sealed with; if they are right, the header was changed',
  },
  {
    names: ['InvalidKeyUsageException', 'UnsupportedOperationException'],
    code: 'ERR_PROVIDER_FAILED',
    advice: 'use a symmetric key for encryption (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT)',
  },
  {
    names: ['ValidationException'],
    code: 'ERR_PROVIDER_FAILED',
    advice: 'check the key id, and that context and encryptionContext have at most 8,192 characters in all',
  },
];
