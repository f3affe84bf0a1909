// Secrets that have served.

import type { Credential } from '../../index';

/** Overwrites what can be: public keys need not be. */
export function disposeAll(holders: readonly object[]): void {
  for (const holder of holders) (holder as Partial<Pick<Credential, 'dispose'>>).dispose?.();
}
