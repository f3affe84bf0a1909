// Providers that are slow, unavailable, wrong or malicious.

import type { KeyProvider, ProviderError } from 'sealstream';

import { accessTo, askToUnwrap, type ProviderAccess, providerError } from '../support/provider-calls.mjs';

export const BLOB = Buffer.from('blob');
export const NOTHING: Uint8Array = new Uint8Array();

export function access(functions: Partial<KeyProvider>, timeout?: number): ProviderAccess {
  const unexpected = () => Promise.reject(new Error('it is not to be asked'));
  const keyProvider = { name: 'vault', wrapKey: unexpected, unwrapKey: unexpected, ...functions };
  return accessTo(keyProvider, 'team/a', timeout);
}

export function unwrapping(unwrapKey: () => unknown, timeout?: number): ProviderAccess {
  return access({ unwrapKey: unwrapKey as KeyProvider['unwrapKey'] }, timeout);
}

/** The error that a provider's exception becomes. */
export function failing(thrown: unknown): Promise<ProviderError> {
  const keyProvider = unwrapping(() => {
    throw thrown;
  });
  return providerError(() => askToUnwrap(keyProvider, BLOB, NOTHING));
}

export const never = () => new Promise<Uint8Array>(() => undefined);
