// The recipients of one call, as the addon takes them.

import { randomFillSync } from 'node:crypto';

import { limits, native } from '../internal/binding';
import { isBytes } from '../internal/bytes';
import { rangeError, typeError } from '../internal/errors';
import type { Operation } from '../internal/operation';
import { oneOrList, text } from '../internal/options';
import { askToWrap, type ProviderAccess } from '../providers/providers';
import { heldByRecipient, isAccess, keyArgument, type NativeSecret, type SecretArgument } from './registry';

/** Secrets and access to providers: the recipients or the identities of one call. */
export type CredentialItem = SecretArgument | ProviderAccess;

/** The recipients of one call, checked. */
export class Recipients {
  private constructor(readonly items: readonly CredentialItem[]) {}

  /** @throws TypeError or RangeError that names the option. */
  static of(options: { key?: unknown; keyId?: unknown; recipients?: unknown }): Recipients {
    const { key, keyId, recipients } = options;
    if (recipients === undefined) {
      if (key === undefined) throw typeError('key', 'given, or recipients', key);
      const argument = keyArgument('key', key);
      if (keyId === undefined) return new Recipients([argument]);
      return new Recipients([native.NativeCredential.key(argument, KEY_ID('keyId', keyId))]);
    }
    if (key === undefined && keyId === undefined) return Recipients.listed('recipients', recipients);
    const problem = 'can not be given with key or keyId: put secretKey(key, { keyId }) into them';
    throw rangeError('recipients', problem);
  }

  /** The recipients that the option `name` gives: one, or a list. */
  static listed(name: string, value: unknown): Recipients {
    return new Recipients(oneOrList(name, value, limits.maxSlots, heldByRecipient));
  }

  /** Whether a recipient's own secret can open the stream again. A provider wraps another key each time. */
  get canOpen(): boolean {
    return this.items.some(
      (item) => isBytes(item) || (!isAccess(item) && (!('type' in item) || SHARED_TYPES.has(item.type))),
    );
  }

  /** Whether the call must wait for a provider. */
  get hasProvider(): boolean {
    return this.items.some(isAccess);
  }

  /** Copies, for an operation that begins later. The operation disposes of them. */
  copy(): Recipients {
    return new Recipients(this.items.map((item) => (isAccess(item) ? item : copySecret(item))));
  }

  /** Overwrites copies. */
  dispose(): void {
    disposeAll(this.items);
  }

  /**
   * Calls `seal` with what the addon takes: at once, or after providers have wrapped keys, a new one each.
   *
   * @throws ProviderError
   */
  async use<T>(
    context: Uint8Array | undefined,
    operation: Operation,
    seal: (recipients: SecretArgument[]) => Promise<T>,
  ): Promise<T> {
    if (!this.hasProvider) return seal(this.items as SecretArgument[]);
    const wrapped = this.copy().items.map(async (item) =>
      isAccess(item) ? wrap(item, context, operation) : item,
    );
    try {
      return await seal(await Promise.all(wrapped));
    } finally {
      for (const made of await Promise.allSettled(wrapped)) {
        if (made.status === 'fulfilled') disposeAll([made.value]);
      }
    }
  }
}

/** A copy that is held and disposed of by itself. */
export function copySecret(secret: SecretArgument): NativeSecret {
  return isBytes(secret) ? native.NativeKey.fromBytes(secret) : secret.copy();
}

/** Overwrites copies. */
export function disposeAll(copies: readonly CredentialItem[]): void {
  for (const copy of copies) if (!isBytes(copy) && !isAccess(copy)) copy.dispose();
}

/** Refuses providers and passphrases, which a call that blocks the event loop must not wait for. */
export function withoutWaiting(
  option: string,
  items: readonly CredentialItem[],
  name: string,
  instead: string,
): SecretArgument[] {
  return items.map((item) => {
    if (isBytes(item) || (!isAccess(item) && !('type' in item && item.type === 'passphrase'))) return item;
    const found = isAccess(item) ? 'a provider, which must be waited for' : 'a passphrase, which takes long';
    throw typeError(option, `usable at once: use ${instead} instead of ${name}`, item, found);
  });
}

async function wrap(
  access: ProviderAccess,
  context: Uint8Array = new Uint8Array(),
  { canceller, diagnostics }: Operation,
): Promise<NativeSecret> {
  const kek = randomFillSync(new Uint8Array(32));
  try {
    const blob = await canceller.race(() =>
      diagnostics.within(() => askToWrap(access, kek, context, canceller.signal)),
    );
    return native.NativeCredential.provider(access.name, access.keyId, blob, kek);
  } finally {
    kek.fill(0);
  }
}

/** The types whose secret both seals and opens. */
const SHARED_TYPES: ReadonlySet<string> = new Set(['key', 'passphrase']);
const KEY_ID = text(0, limits.maxKeyId);
