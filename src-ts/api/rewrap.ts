// Who can open a sealed file, changed in its header.

import type { RewrapReport, RewrapSettings, SlotSelection } from '../../native/binding';
import { bare } from '../internal/null-prototype';
import { native } from '../internal/binding';
import { heldByIdentity, type Identity, isAccess, type Recipient, type SlotType } from '../keys/credentials';
import { rangeError, typeError } from './errors';
import { Identities } from '../keys/identities';
import { isSecretKey, type SecretKey } from '../keys/secret-key';
import { run } from '../internal/operation';
import {
  checkedBoolean,
  checkedInteger,
  checkedOptions,
  checkedPath,
  checkedSlotType,
  checkedString,
  openSettings,
  limits,
} from '../internal/options';
import { copied, type CredentialArgument, disposeAll, Recipients } from '../keys/recipients';
import { fileAt } from '../sources/sources';
import type { ByWhat, OpeningOptions, OperationOptions } from '../internal/types';

/** How to change who can open a file. */
export type RewrapOptions = Pick<OpeningOptions, 'context' | 'acceptSlots' | 'maxPassphraseCost'> &
  Pick<OperationOptions, 'signal'> &
  ByWhat &
  RewrapChange;

/**
 * Key slots of a header: the one at a position from 0, every one of a type, every one with a key id (a key's name, or a key
 * service's id of its key), or every one that an identity opens. A key service's identity can't be asked that: name its key id.
 */
export type SlotSelector =
  number | { readonly type: SlotType } | { readonly keyId: string } | Identity | SecretKey;

/** What becomes of a file's key slots. */
export interface RewrapChange {
  /** For whom slots are added, behind those that stay. */
  add?: readonly (Recipient | SecretKey)[] | undefined;
  /**
   * Which slots go. Each selector must select at least one of those that the header has; what is to be added is not among
   * them.
   */
  remove?: readonly SlotSelector[] | undefined;
  /**
   * Who can open the file from now on, and nobody else but whoever has a slot of a type that this release does not know: such slots
   * stay. Instead of `add` and `remove`.
   */
  replace?: readonly (Recipient | SecretKey)[] | undefined;
  /**
   * Have a new file and its name on the disk before the promise resolves, where one is needed; `true` by default. A header that
   * is written in place always is.
   */
  flush?: boolean | undefined;
}

/**
 * Changes who can open the sealed file at `path`, in milliseconds whatever its size: only the header is written. What is sealed
 * stays as it is, byte for byte.
 *
 * **This revokes nothing from somebody who was prepared.** The file's own key stays the same: whoever had it, or kept an older
 * header or another copy of the file, can still open it. Only sealing anew takes that away.
 *
 * A file that {@link encryptFile} made is changed in place, header and copy one after the other, each on the disk before the next
 * step: whatever ends the operation leaves a file that opens, until then with the keys of before and of after. Where the header
 * outgrows its room (some thirty keys), or the stream has no copy of it, a new file takes the old one's place; it gets the old
 * one's permissions, and its other hard links keep the old file.
 *
 * With neither `add`, `remove` nor `replace` the header is written again as it is, which mends a damaged copy of it and ends a
 * rewrap that was interrupted.
 *
 * @throws SealError, with which the file is as it was, but for a disk that fails between the header's copy and the header: then it opens
 *   with the keys of before and of after. `TargetBusy` where another rewrap of it is under way, and `SourceChanged` where another file
 *   took its place before a new one could. A stream that is cut or whose end is damaged has to be healed first. ProviderError where a
 *   key service failed, the reason of `signal`, or TypeError and RangeError for options.
 */
export async function rewrap(path: string | URL, options: RewrapOptions): Promise<RewrapReport> {
  const file = checkedPath('path', path);
  const open = openSettings(checkedOptions(options));
  const identities = Identities.of(options);
  const { add, remove, replace, flush } = options;
  if (replace !== undefined && (add !== undefined || remove !== undefined)) {
    throw rangeError('replace', 'can not be given beside add or remove');
  }
  const added = recipients(add, replace);
  const { selections, opening } = selectors(remove);
  const settings: RewrapSettings = bare({
    replace: replace !== undefined,
    remove: selections,
    flush: checkedBoolean('flush', flush, true),
  });
  return run(
    { signal: options.signal },
    {
      name: 'rewrap',
      async start(how, running) {
        if (how.cancellation) settings.cancellation = how.cancellation;
        // While a service is waited for, the caller may dispose of everything.
        const waits = identities.services.length > 0 || added?.asksServices === true;
        const [by, forWhom, removed] = waits
          ? [identities.held(), added?.held(), opening.map(copied)]
          : [identities, added, opening];
        // Around the attempts to open, so that services wrap once.
        const write = (made: CredentialArgument[]) =>
          by.use(
            () => native.sourceServiceSlots(fileAt(file)),
            open.context,
            running,
            (offered) => native.rewrap(file, offered, open, made, removed, settings),
          );
        try {
          return await (forWhom ? forWhom.use(open.context, running, write) : write([]));
        } finally {
          if (waits) {
            by.dispose();
            forWhom?.dispose();
            disposeAll(removed);
          }
        }
      },
      done: () => 0,
    },
  );
}

function recipients(add: unknown, replace: unknown): Recipients | undefined {
  if (replace !== undefined) return Recipients.listed('replace', replace);
  if (add === undefined || (Array.isArray(add) && add.length === 0)) return undefined;
  return Recipients.listed('add', add);
}

/** What is selected by what a header says, and the identities by which the rest is. */
function selectors(remove: unknown): {
  selections: SlotSelection[];
  opening: CredentialArgument[];
} {
  const list = remove ?? [];
  if (!Array.isArray(list)) throw typeError('remove', 'an array', list);
  const selections: SlotSelection[] = [];
  const opening: CredentialArgument[] = [];
  // Array.from, because forEach would leave holes out.
  for (const [index, item] of Array.from(list, (value: unknown) => value).entries()) {
    const name = `remove[${index}]`;
    const selection = selectionOf(name, item);
    if (selection === undefined) opening.push(openingArgument(name, item));
    else selections.push(selection);
  }
  return { selections, opening };
}

/** `undefined` for what is none, and so must be an identity. */
function selectionOf(name: string, item: unknown): SlotSelection | undefined {
  if (typeof item === 'number') return bare({ position: checkedInteger(name, item, 0, MAX_SLOTS - 1) });
  if (typeof item !== 'object' || item === null) throw typeError(name, SELECTOR, item);
  const prototype: unknown = Object.getPrototypeOf(item);
  if (isSecretKey(item) || (prototype !== Object.prototype && prototype !== null)) return undefined;
  const { type, keyId } = item as { type?: unknown; keyId?: unknown };
  const others = Object.keys(item).filter((key) => key !== 'type' && key !== 'keyId');
  if (others.length > 0 || (type === undefined) === (keyId === undefined)) {
    throw rangeError(name, 'must have either type or keyId, and nothing else');
  }
  return type === undefined
    ? bare({ keyId: checkedString(`${name}.keyId`, keyId) })
    : bare({ type: checkedSlotType(`${name}.type`, type) });
}

function openingArgument(name: string, item: unknown): CredentialArgument {
  const held = heldByIdentity(name, item);
  if (isAccess(held)) {
    throw typeError(name, SELECTOR, item, 'a key service, which is not asked for that: give { keyId }');
  }
  return held;
}

const SELECTOR = 'a position, { type }, { keyId } or an identity';
const MAX_SLOTS = limits.maxSlots;

/** Shapes that the addon reports as they are. */
export type { PlacedSlot, RewrapReport } from '../../native/binding';
