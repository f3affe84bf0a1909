// For whom a call seals, as the addon takes it.

import { randomFillSync } from 'node:crypto';

import type { NativeCredential, NativeKey } from '../../native/binding';
import { native } from '../internal/binding';
import { isBytes } from '../internal/bytes';
import { heldByRecipient, isAccess } from './credentials';
import { rangeError, typeError } from '../api/errors';
import { keyArgument } from './secret-key';
import type { Running } from '../internal/operation';
import { checkedKeyId, limits } from '../internal/options';
import { askToWrap, type ProviderAccess } from '../providers/providers';
import type { ForWhom, Unchecked } from '../internal/types';

/** A key's bytes, or what the addon holds. @internal */
export type CredentialArgument = Uint8Array | NativeKey | NativeCredential;

/** The recipients of one call, checked. @internal */
export class Recipients {
  private constructor(readonly items: readonly (CredentialArgument | ProviderAccess)[]) {}

  /** @throws TypeError or RangeError, naming the option. */
  static of({ key, keyId, recipients }: Unchecked<ForWhom>): Recipients {
    if (recipients === undefined) {
      if (key === undefined) throw typeError('key', 'given, or recipients', key);
      const argument = keyArgument('key', key);
      if (keyId === undefined) return new Recipients([argument]);
      return new Recipients([native.NativeCredential.key(argument, checkedKeyId('keyId', keyId))]);
    }
    if (key !== undefined || keyId !== undefined) {
      throw rangeError(
        'recipients',
        'can not be given beside key or keyId: put secretKey(key, { id }) into them',
      );
    }
    return Recipients.listed('recipients', recipients);
  }

  /** Those that the option `name` lists. */
  static listed(name: string, list: unknown): Recipients {
    if (!Array.isArray(list)) throw typeError(name, 'an array', list);
    if (list.length === 0 || list.length > MAX_SLOTS) {
      throw rangeError(name, `must be 1 to ${MAX_SLOTS}, not ${list.length}`);
    }
    // Array.from, because map would leave holes.
    return new Recipients(
      Array.from(list, (recipient, index) => heldByRecipient(`${name}[${index}]`, recipient)),
    );
  }

  /** Those of a size that is asked for: any key, unless they are named. */
  static forSize({ key = new Uint8Array(32), keyId, recipients }: Unchecked<ForWhom>): CredentialArgument[] {
    const { items } = Recipients.of(
      recipients === undefined ? { key, keyId } : { key: undefined, keyId, recipients },
    );
    if (items.some(isAccess)) {
      throw typeError(
        'recipients',
        'without key services',
        recipients,
        'one of which the size is the service’s to choose',
      );
    }
    return items as CredentialArgument[];
  }

  /** Whether whoever seals has what opens the stream again, by itself: for a key service another key is wrapped each time. */
  get canOpen(): boolean {
    return this.items.some(
      (item) => isBytes(item) || (!isAccess(item) && (!('type' in item) || OPENING.has(item.type))),
    );
  }

  /** Whether key services have to be waited for. */
  get asksServices(): boolean {
    return this.items.some(isAccess);
  }

  /** For a call that blocks the event loop, and must not wait for anything. */
  atOnce(name: string, instead: string): CredentialArgument[] {
    refuseSlow('recipients', this.items, name, instead);
    return this.items as CredentialArgument[];
  }

  /** Overwrites them, which must be copies. */
  dispose(): void {
    disposeAll(this.items);
  }

  /** The same as they are now, for an operation that begins later, and that disposes of them. */
  held(): Recipients {
    return new Recipients(this.items.map((item) => (isAccess(item) ? item : copied(item))));
  }

  /**
   * Has `seal` called with what the addon takes: at once, unless key services have to wrap keys first, each a new one.
   *
   * @throws ProviderError
   */
  async use<T>(
    context: Uint8Array | undefined,
    running: Running,
    seal: (recipients: CredentialArgument[]) => Promise<T>,
  ): Promise<T> {
    if (!this.asksServices) return seal(this.items as CredentialArgument[]);
    const copies = this.held();
    const wrapped = copies.items.map(async (item) => (isAccess(item) ? wrap(item, context, running) : item));
    try {
      return await seal(await Promise.all(wrapped));
    } finally {
      for (const made of await Promise.allSettled(wrapped)) {
        if (made.status === 'fulfilled') disposeAll([made.value]);
      }
    }
  }
}

/** A copy, to be held and disposed of by itself. @internal */
export function copied(item: CredentialArgument): NativeKey | NativeCredential {
  return isBytes(item) ? native.NativeKey.fromBytes(item) : item.copy();
}

/** Overwrites copies. @internal */
export function disposeAll(copies: readonly (CredentialArgument | ProviderAccess)[]): void {
  for (const copy of copies) if (!isBytes(copy) && !isAccess(copy)) copy.dispose();
}

/** Refuses what can't be sealed for, or opened with, without waiting. @internal */
export function refuseSlow(
  option: string,
  items: readonly (CredentialArgument | ProviderAccess)[],
  name: string,
  instead: string,
): void {
  for (const item of items) {
    if (isBytes(item)) continue;
    const isService = isAccess(item);
    if (!isService && !('type' in item && item.type === 'passphrase')) continue;
    const what = isService ? 'a key service, which has to be waited for' : 'a passphrase, which takes long';
    throw typeError(option, `of what can be used at once: use ${instead} instead of ${name}`, item, what);
  }
}

async function wrap(
  access: ProviderAccess,
  context: Uint8Array = new Uint8Array(),
  running: Running,
): Promise<NativeCredential> {
  const kek = randomFillSync(new Uint8Array(32));
  try {
    const { end } = running;
    const blob = await end.race(() => askToWrap(access, kek, context, end.signal));
    return native.NativeCredential.provider(access.name, access.keyId, blob, kek);
  } finally {
    kek.fill(0);
  }
}

const OPENING: ReadonlySet<string> = new Set(['key', 'passphrase']);
const MAX_SLOTS = limits.maxSlots;
