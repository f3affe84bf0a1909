// Overwrites secrets after their last use.

import type { Credential } from '../../index';

/** Overwrites the secrets of keys and credentials. Public keys have none. */
export function disposeAll(holders: readonly object[]): void {
  for (const holder of holders) (holder as Partial<Pick<Credential, 'dispose'>>).dispose?.();
}
