// How the façade asks providers, for tests of providers by themselves; users meet it through the functions that seal and open.

import { createRequire } from 'node:module';
import { inspect } from 'node:util';

import { type KeyProvider, ProviderError, type Recipient } from 'sealstream';

import type * as Registry from '../../../src-ts/keys/registry.js';
import type * as Providers from '../../../src-ts/providers/providers.js';
import { errorOf } from './errors.mjs';

// Of dist, as users load it; its types don't tell what is internal.
const internal = createRequire(import.meta.url)('../../../dist/providers/providers.js') as typeof Providers;
const registry = createRequire(import.meta.url)('../../../dist/keys/registry.js') as typeof Registry;
export const { askToUnwrap, askToWrap, checkedProvider } = internal;
export type ProviderAccess = Providers.ProviderAccess;

/** The key of every test. */
export const KEK: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => index + 1);

/** One of the provider's keys, and ten minutes for every answer. */
export function accessTo(keyProvider: KeyProvider, keyId: string, timeout = 600_000): ProviderAccess {
  return { keyProvider, name: keyProvider.name, keyId, timeout };
}

/** The access that a recipient of a provider stands for, with ten minutes for every answer. */
export function accessOf(recipient: Recipient): ProviderAccess {
  return { ...(registry.heldByRecipient('recipient', recipient) as ProviderAccess), timeout: 600_000 };
}

/** The failure of a provider that a call ends with. */
export async function providerError(call: () => unknown): Promise<ProviderError> {
  const error = await errorOf(call);
  if (!(error instanceof ProviderError)) throw new Error(`expected a ProviderError, not ${inspect(error)}`);
  return error;
}
