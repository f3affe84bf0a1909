// Secrets that have served.

/** Overwrites what can be: public keys need not be. */
export function disposeAll(holders: readonly object[]): void {
  for (const holder of holders) {
    if ('dispose' in holder && typeof holder.dispose === 'function') holder.dispose();
  }
}
