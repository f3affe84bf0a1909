// The identities of one call, as the addon takes them.

import type { NativeCredential, ProviderSlot, SlotType } from '../../native/binding';
import { native } from '../internal/binding';
import { publicError, rangeError, typeError } from '../internal/errors';
import type { Operation } from '../internal/operation';
import { oneOrList } from '../internal/options';
import { askToUnwrap, type ProviderAccess } from '../providers/providers';
import { SealError } from '../api/errors';
import { copySecret, disposeAll } from './recipients';
import { type Held, heldByIdentity, isAccess, keyArgument, type SecretArgument } from './registry';

/** Opens the stream with these identities. */
type Open<T> = (identities: SecretArgument[]) => Promise<T>;

/** The identities of one call, checked. */
export class Identities {
  /** Keys that providers have unwrapped or are unwrapping, so that each is asked once. */
  readonly #unwrapped = new Map<string, Promise<NativeCredential>>();

  private constructor(
    readonly secrets: readonly SecretArgument[],
    readonly providers: readonly ProviderAccess[],
    /** Whether the secrets are copies, which {@link dispose} overwrites. */
    readonly areCopies = false,
  ) {}

  /** @throws TypeError or RangeError that names the option. */
  static of(options: {
    key?: unknown;
    identities?: unknown;
    acceptSlots?: readonly SlotType[] | undefined;
  }): Identities {
    const { key, identities, acceptSlots } = options;
    if (identities === undefined) {
      if (key === undefined) throw typeError('key', 'given, or identities', key);
      return new Identities(oneOrList('key', key, Infinity, keyArgument), []);
    }
    if (key !== undefined) {
      throw rangeError('identities', 'can not be given with key: put secretKey(key) into them');
    }
    const items = oneOrList('identities', identities, Infinity, heldByIdentity);
    const asksProviders = acceptSlots === undefined || acceptSlots.includes('provider');
    const secrets = items.filter((item): item is Exclude<Held, ProviderAccess> => !isAccess(item));
    return new Identities(secrets, asksProviders ? items.filter(isAccess) : []);
  }

  /** Copies, for an operation that begins later. The operation disposes of them. */
  copy(): Identities {
    return new Identities(this.secrets.map(copySecret), this.providers, true);
  }

  /** Overwrites copies, and the keys that providers have unwrapped. */
  dispose(): void {
    if (this.areCopies) disposeAll(this.secrets);
    for (const unwrapping of this.#unwrapped.values()) {
      unwrapping.then((key) => {
        key.dispose();
      }, ignore);
    }
    this.#unwrapped.clear();
  }

  /**
   * Calls `open` with what the addon takes: first without providers, then, if that opens nothing, with the keys that providers
   * unwrap. A provider is asked for the slots that name it and a key id that the caller listed.
   *
   * @param slots Finds the slots of providers in the stream's header.
   * @throws ProviderError if a provider fails and nothing else opens the stream.
   */
  async use<T>(
    slots: () => readonly ProviderSlot[] | Promise<readonly ProviderSlot[]>,
    context: Uint8Array | undefined,
    operation: Operation,
    open: Open<T>,
  ): Promise<T> {
    let refusal: unknown;
    if (this.secrets.length > 0 || this.providers.length === 0) {
      try {
        return await open([...this.secrets]);
      } catch (error) {
        if (this.providers.length === 0 || !isLocked(error)) throw error;
        refusal = error;
      }
    }
    try {
      return await this.#openByProviders(this.#ask(await slots(), context, operation), open, refusal);
    } finally {
      if (!this.areCopies) this.dispose();
    }
  }

  /** Tries each key as it arrives, so that a provider that is down delays no other. */
  async #openByProviders<T>(
    unwrapping: readonly Promise<NativeCredential>[],
    open: Open<T>,
    refused: unknown,
  ): Promise<T> {
    let [refusal, failure] = [refused, undefined as unknown];
    const pending = new Set(unwrapping);
    while (pending.size > 0) {
      const [first] = await Promise.race([...pending].map(whenSettled));
      pending.delete(first);
      const key = await first.catch((error: unknown) => void (failure ??= error));
      if (!key) continue;
      try {
        return await open([key]);
      } catch (error) {
        if (!isLocked(error)) throw error;
        refusal ??= error;
      }
    }
    if ((failure ?? refusal) !== undefined) throw failure ?? refusal;
    // Nothing was tried: the addon's error names the slots that the stream has.
    return open([]);
  }

  /** Asks the providers that the slots name. */
  #ask(
    slots: readonly ProviderSlot[],
    context: Uint8Array | undefined,
    operation: Operation,
  ): Promise<NativeCredential>[] {
    const asked = new Map<ProviderAccess, number>();
    return slots.flatMap((slot) => {
      const { name, keyId, blob } = slot;
      const access = this.providers.find((listed) => listed.name === name && listed.keyId === keyId);
      const count = (access && asked.get(access)) ?? 0;
      // A header from a stranger may have many such slots, and each call may cost money.
      if (access === undefined || count >= MAX_SLOTS_ASKED) return [];
      asked.set(access, count + 1);
      const question = JSON.stringify([name, keyId, Buffer.from(blob).toString('base64')]);
      const known = this.#unwrapped.get(question) ?? unwrap(access, slot, context, operation);
      this.#unwrapped.set(question, known);
      return [known];
    });
  }
}

/** Waits for a promise, well or not, and returns the promise itself: in an array, since `await` would unwrap it. */
async function whenSettled<T>(promise: Promise<T>): Promise<[Promise<T>]> {
  await promise.catch(ignore);
  return [promise];
}

/** Whether the identities that were offered did not open the stream, so that others may. */
function isLocked(error: unknown): boolean {
  const failure = publicError(error);
  return SealError.is(failure) && LOCKED.has(failure.failure.kind);
}

async function unwrap(
  access: ProviderAccess,
  { name, keyId, blob }: ProviderSlot,
  context: Uint8Array = new Uint8Array(),
  { canceller, diagnostics }: Operation,
): Promise<NativeCredential> {
  const answer = diagnostics.within(() => askToUnwrap(access, blob, context, canceller.signal));
  const kek = await canceller
    .race(() => answer)
    .catch((error: unknown) => {
      // A key that arrives after the cancellation must not stay in memory.
      answer.then((late) => late.fill(0)).catch(ignore);
      throw error;
    });
  try {
    return native.NativeCredential.provider(name, keyId, blob, kek);
  } finally {
    kek.fill(0);
  }
}

function ignore(): void {
  // The failure is handled elsewhere.
}

const LOCKED: ReadonlySet<string> = new Set(['NoMatchingKey', 'WrongPassphrase', 'HeaderTampered']);
/** Slots of a header that one key of a provider is asked for; no writer has a reason to make two. */
const MAX_SLOTS_ASKED = 4;
