// Changes who can open a sealed file, in its header.

import type {
  OpenSettings,
  RewrapReport,
  RewrapSettings,
  ProviderSlot,
  SlotSelection,
} from '../../native/binding';
import { limits, native } from '../internal/binding';
import { nullPrototype } from '../internal/null-prototype';
import { type NodeBuffer, copiedBytes } from '../internal/bytes';
import { callNative, rangeError, typeError } from '../internal/errors';
import { run } from '../internal/operation';
import { openSettings, type OptionsOf, optionsOf } from '../internal/option-tables';
import {
  type Check,
  integer,
  list,
  path as checkedPath,
  picked,
  slotType,
  string,
} from '../internal/options';
import { Identities } from '../keys/identities';
import { copySecret, disposeAll, Recipients } from '../keys/recipients';
import { heldByIdentity, isAccess, isPublicKey, type SecretArgument } from '../keys/registry';
import type { SecretKey } from '../keys/secret-key';
import type { Identity, RecipientInput, SlotType, UnlockOptions } from '../keys/types';
import { fileSource } from '../sources/sources';
import type { CancelOptions } from './types';

/** Options of {@link rewrap}. */
export interface RewrapOptions extends RewrapHeaderOptions {
  /**
   * Write the header and its copy again without a change, which completes an interrupted rewrap and repairs a damaged copy. Can't be
   * combined with `add`, `remove` and `replace`.
   */
  mend?: boolean | undefined;
  /**
   * If a new file is needed, flush it and its name to the disk before the promise resolves; `true` by default. A header that is
   * written in place is always flushed.
   */
  flush?: boolean | undefined;
}

/** Options of {@link rewrapHeader}: what opens the header, and a change of its key slots. */
export interface RewrapHeaderOptions extends UnlockOptions, CancelOptions {
  /** The recipients to add. Their slots follow those that stay. */
  add?: RecipientInput | readonly RecipientInput[] | undefined;
  /** The slots to remove, one selector or a list. Each must select at least one slot that the header has; added slots do not count. */
  remove?: SlotSelector | readonly SlotSelector[] | undefined;
  /**
   * The recipients that replace all others. Only slots of types that this release does not know stay. Can't be combined with `add` and
   * `remove`.
   */
  replace?: RecipientInput | readonly RecipientInput[] | undefined;
}

/**
 * Selects key slots of a header: the one with an index from 0, all of a type, all with a key id (a key's name, or the id of a key
 * provider's key), or all that an identity opens. An identity of a provider can't select slots: give its key id. Nor can a public key,
 * which slots do not name: without the key pair, give those who stay as `replace`.
 */
export type SlotSelector =
  | { readonly slotIndex: number }
  | { readonly type: SlotType }
  | { readonly keyId: string }
  | Identity
  | SecretKey;

/**
 * Changes who can open the sealed file at `path`, in milliseconds for any size: only the header is written. The sealed contents stay
 * as they are, byte for byte.
 *
 * **This revokes nothing from a recipient who prepared for it.** The file's own key stays the same: a recipient who kept that key, an
 * older header or another copy of the file can still open it. Only encrypting again takes that away.
 *
 * A file from {@link encryptFile} is changed in place: header and copy one after the other, each flushed before the next step. An
 * interruption leaves a file that opens, with the keys before and after the change. If the header outgrows its room (about thirty
 * keys), or the stream has no copy of it, a new file replaces the old one. It gets the old one's permissions; other hard links keep
 * the old file.
 *
 * With `mend: true` the header is written again unchanged. That repairs a damaged copy of it and completes an interrupted rewrap.
 *
 * @param path The sealed file.
 * @param options What opens the file now, and what to add, remove or replace.
 * @returns The slots now, and those that were added and removed.
 * @throws SealError. The file is then unchanged, unless the disk fails between writing the header's copy and the header: then it opens
 *   with the keys before and after the change. `TargetBusy` if another rewrap of the file is running, `SourceChanged` if another file
 *   replaced it meanwhile. A stream that is cut or whose end is damaged must be healed first. ProviderError if a provider fails,
 *   the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * await rewrap('photo.seal', { key: oldKey, add: [secretKey(newKey, { keyId: '2027' })], remove: [{ keyId: '2026' }] });
 */
export async function rewrap(path: string | URL, options: RewrapOptions): Promise<RewrapReport> {
  const file = checkedPath('path', path);
  const given = optionsOf('rewrap', options);
  const slots = () => native.sourceProviderSlots(fileSource(file));
  return rewrapped('rewrap', planned(given, true), given, slots, (...how) => native.rewrap(file, ...how));
}

/**
 * Changes who can open the body of a header that is kept apart, and returns the new header: {@link rewrap} without a file. The body is
 * not needed, and `header` stays as it is: **it also opens the body, until all of its copies are gone**.
 *
 * The header of a stream with a copy of it in the body, such as one from `exportHeader`, keeps its size: it has room for about thirty
 * keys.
 *
 * @param header Exactly the header's bytes.
 * @param options What opens the header now, and what to add, remove or replace.
 * @returns The new header.
 * @throws SealError if no key opens the header; ProviderError if a provider fails; the reason of `signal`; TypeError and RangeError
 *   for wrong options, and for a header that would outgrow its size.
 *
 * @example
 * const next = await rewrapHeader(header, { key, add: [publicKey('age1pq1…')] });
 */
export async function rewrapHeader(header: Uint8Array, options: RewrapHeaderOptions): Promise<NodeBuffer> {
  const given = optionsOf('rewrapHeader', options);
  // Providers may take long, and the caller may change its bytes meanwhile.
  const bytes = copiedBytes('header', header);
  const slots = () => callNative(() => native.headerProviderSlots(bytes));
  return rewrapped('rewrapHeader', planned(given, false), given, slots, (...how) =>
    native.rewrapHeader(bytes, ...how),
  );
}

/** What changes, checked. */
interface RewrapPlan {
  readonly open: OpenSettings;
  readonly identities: Identities;
  readonly added: Recipients | undefined;
  /** The identities that select slots to remove. */
  readonly identified: readonly SecretArgument[];
  readonly settings: RewrapSettings;
}

function planned(options: OptionsOf<'rewrap'>, canMend: boolean): RewrapPlan {
  const open = openSettings(options);
  const identities = Identities.of(options);
  const { add, remove = [], replace, mend = false, flush = true } = options;
  const selectors = Array.isArray(remove)
    ? list('remove', remove, 0, Infinity, selector)
    : [selector('remove', remove)];
  if (replace !== undefined && (add !== undefined || selectors.length > 0)) {
    throw rangeError('replace', 'can not be given with add or remove');
  }
  const added = recipients(add, replace);
  const changes = added !== undefined || selectors.length > 0;
  if (mend && changes) throw rangeError('mend', 'can not be given with add, remove or replace');
  if (!changes && !(mend && canMend)) {
    throw rangeError('options', `must have add, remove or replace${canMend ? ', or mend: true' : ''}`);
  }
  const settings: RewrapSettings = nullPrototype({
    replace: replace !== undefined,
    remove: selectors.flatMap((each) => each.selection ?? []),
    flush,
  });
  return { open, identities, added, identified: selectors.flatMap((each) => each.identity ?? []), settings };
}

/** Wraps the key for the recipients, opens the header with the identities, and writes. */
async function rewrapped<T extends object>(
  name: 'rewrap' | 'rewrapHeader',
  { open, identities, added, identified, settings }: RewrapPlan,
  options: OptionsOf<'attachHeader'>,
  slots: () => ProviderSlot[] | Promise<ProviderSlot[]>,
  write: (
    offered: SecretArgument[],
    open: OpenSettings,
    made: SecretArgument[],
    removed: SecretArgument[],
    settings: RewrapSettings,
  ) => Promise<T>,
): Promise<T> {
  return run(name, picked(options, 'signal'), async (how, operation) => {
    if (how.cancellation) settings.cancellation = how.cancellation;
    // While the operation waits for a provider, the caller may dispose of all secrets.
    const [opening, sealing, removed] = [identities.copy(), added?.copy(), identified.map(copySecret)];
    // Wrapping is outside of the attempts to open, so that providers wrap once.
    const writeWith = (made: SecretArgument[]) =>
      opening.use(slots, open.context, operation, (offered) => write(offered, open, made, removed, settings));
    try {
      return await (sealing ? sealing.use(open.context, operation, writeWith) : writeWith([]));
    } finally {
      opening.dispose();
      sealing?.dispose();
      disposeAll(removed);
    }
  });
}

function recipients(add: unknown, replace: unknown): Recipients | undefined {
  if (replace !== undefined) return Recipients.listed('replace', replace);
  if (add === undefined || (Array.isArray(add) && add.length === 0)) return undefined;
  return Recipients.listed('add', add);
}

/** A selection by the header's fields, or the identity that selects what it opens. */
interface Selector {
  readonly selection?: SlotSelection;
  readonly identity?: SecretArgument;
}

function selector(name: string, item: unknown): Selector {
  if (typeof item === 'string' || isPublicKey(item)) throw typeError(name, SELECTOR, item, NO_PUBLIC_KEY);
  if (typeof item !== 'object' || item === null) throw typeError(name, SELECTOR, item);
  const prototype: unknown = Object.getPrototypeOf(item);
  if (prototype !== Object.prototype && prototype !== null) {
    const held = heldByIdentity(name, item);
    if (!isAccess(held)) return { identity: held };
    throw typeError(name, SELECTOR, item, 'a provider, which can not select slots: give { keyId }');
  }
  const given = Object.entries(item).filter(([, value]) => value !== undefined);
  const [field, value] = given[0] ?? [];
  const check = given.length === 1 && field !== undefined ? SELECTION.get(field) : undefined;
  if (check === undefined) throw rangeError(name, 'must have exactly one of slotIndex, type and keyId');
  return { selection: nullPrototype({ [String(field)]: check(`${name}.${field}`, value) }) };
}

const SELECTION: ReadonlyMap<string, Check<unknown>> = new Map<keyof SlotSelection, Check<unknown>>([
  ['slotIndex', integer(0, limits.maxSlots - 1)],
  ['type', slotType],
  ['keyId', string],
]);
const NO_PUBLIC_KEY =
  'a text or a public key, which slots do not name: without the KeyPair, give those who stay as replace';
const SELECTOR = '{ slotIndex }, { type }, { keyId } or an identity';
