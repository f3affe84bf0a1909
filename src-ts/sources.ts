// What is read by offset.

import type { Source } from '../native/binding';
import { fixedBytes, isBytes } from './bytes';
import { checkedPath } from './options';

/** A sealed stream that can be read at any place: a path, a `file:` URL, or its bytes. */
export type SourceInput = string | URL | Uint8Array;

/** @internal */
export function sourceArgument(name: string, source: unknown): Source {
  return isBytes(source) ? { bytes: fixedBytes(name, source) } : { path: checkedPath(name, source) };
}
