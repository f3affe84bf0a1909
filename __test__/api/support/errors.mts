// What calls throw.

import { SealError, type SealFailure } from 'sealstream';

import type { ExecutionContext } from 'ava';

/** The failure that a call ends with, at once or by its promise. */
export async function failureOf(t: ExecutionContext, call: () => unknown): Promise<SealFailure> {
  const error = await errorOf(call);
  t.true(error instanceof SealError, `expected a SealError, not ${String(error)}`);
  return (error as SealError).failure;
}

/** What a call throws, at once or by its promise; `undefined` if it doesn't. */
export async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}
