// Marks the package's errors, so that they are recognized wherever they come from.

import { types } from 'node:util';

/** The name of the error's class, on its prototype. The registry of `Symbol.for` is common to all realms and copies of the package. */
export const ERROR_BRAND: unique symbol = Symbol.for('sealstream.error') as never;

/** Marks the errors of a class with the class's name. */
export function brand(prototype: Error, name: string): void {
  Object.defineProperty(prototype, ERROR_BRAND, { value: name });
}

/** The name of the package's class that made this error, in whichever realm or copy of the package; `undefined` for any other value. */
export function brandOf(value: unknown): string | undefined {
  // An inherited mark on something that is no error would have none of an error's properties.
  if (!types.isNativeError(value)) return undefined;
  const name = (value as { readonly [ERROR_BRAND]?: unknown })[ERROR_BRAND];
  return typeof name === 'string' ? name : undefined;
}

/**
 * Whether a class of this name made this error, and, if `code` is a string, whether that is its code. Any other `code` is ignored:
 * `filter` and the like pass an index.
 */
export function isBranded(value: unknown, name: string, code?: unknown): boolean {
  return brandOf(value) === name && hasCode(value, code);
}

/** Whether the error has this code, or `code` is no string. */
export function hasCode(error: unknown, code: unknown): boolean {
  return typeof code !== 'string' || (error as { readonly code?: unknown }).code === code;
}
