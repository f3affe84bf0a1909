// What a call opens with, as the addon takes it.

import type { NativeCredential, ServiceSlot } from '../../native/binding';
import { native } from '../internal/binding';
import { heldByIdentity, isAccess } from './credentials';
import { rangeError, typeError } from '../api/errors';
import { keyArgument } from './secret-key';
import type { Running } from '../internal/operation';
import { askToUnwrap, type ProviderAccess } from '../providers/providers';
import { type CredentialArgument, copied, disposeAll, refuseSlow } from './recipients';
import type { ByWhat, OpeningOptions, Unchecked } from '../internal/types';

/** The identities of one call, checked. @internal */
export class Identities {
  /** What services have unwrapped, so that each is asked once. */
  readonly #unwrapped = new Map<string, Promise<NativeCredential>>();

  private constructor(
    readonly known: readonly CredentialArgument[],
    readonly services: readonly ProviderAccess[],
    /** Copies, whoever holds which disposes of them. */
    readonly areHeld: boolean,
  ) {}

  /** @throws TypeError or RangeError, naming the option. */
  static of({
    key,
    identities,
    acceptSlots,
  }: Unchecked<ByWhat> & Pick<OpeningOptions, 'acceptSlots'>): Identities {
    if (identities === undefined) {
      if (key === undefined) throw typeError('key', 'given, or identities', key);
      return new Identities(keyArguments(key), [], false);
    }
    if (key !== undefined) {
      throw rangeError('identities', 'can not be given beside key: put secretKey(key) into them');
    }
    const items = listed('identities', identities, heldByIdentity);
    const asks = acceptSlots === undefined || acceptSlots.includes('provider');
    return new Identities(
      items.filter((item): item is Exclude<typeof item, ProviderAccess> => !isAccess(item)),
      asks ? items.filter(isAccess) : [],
      false,
    );
  }

  /** For a call that blocks the event loop, and must not wait for anything. */
  atOnce(name: string, instead: string): CredentialArgument[] {
    refuseSlow('identities', [...this.known, ...this.services], name, instead);
    return [...this.known];
  }

  /** The same as they are now, for an operation that begins later, and that disposes of them. */
  held(): Identities {
    return new Identities(this.known.map(copied), this.services, true);
  }

  /** Overwrites copies, and what services have unwrapped. */
  dispose(): void {
    if (this.areHeld) disposeAll(this.known);
    for (const asked of this.#unwrapped.values()) {
      asked.then(
        (key) => {
          key.dispose();
        },
        () => undefined,
      );
    }
    this.#unwrapped.clear();
  }

  /**
   * Has `open` called with what the addon takes: at first without key services, and if that opens nothing, with what they make of
   * the slots that name them and a key that they are listed for.
   *
   * @param slots Finds the slots for key services in the stream's header.
   * @throws ProviderError where a service failed, and nothing else opens the stream.
   */
  async use<T>(
    slots: () => readonly ServiceSlot[] | Promise<readonly ServiceSlot[]>,
    context: Uint8Array | undefined,
    running: Running,
    open: (identities: CredentialArgument[]) => Promise<T>,
  ): Promise<T> {
    let refusal: unknown;
    if (this.known.length > 0 || this.services.length === 0) {
      try {
        return await open([...this.known]);
      } catch (error) {
        if (this.services.length === 0 || !isLocked(error)) throw error;
        refusal = error;
      }
    }
    try {
      return await this.#openByServices(await slots(), context, running, open, refusal);
    } finally {
      if (!this.areHeld) this.dispose();
    }
  }

  async #openByServices<T>(
    slots: readonly ServiceSlot[],
    context: Uint8Array | undefined,
    running: Running,
    open: (identities: CredentialArgument[]) => Promise<T>,
    refused: unknown,
  ): Promise<T> {
    let [refusal, failure] = [refused, undefined as unknown];
    // Each as it comes: a service that is down keeps no other waiting.
    const asked = new Set(this.#ask(slots, context, running).map(arriving));
    while (asked.size > 0) {
      const { key, error, from } = await Promise.race(asked);
      asked.delete(from());
      failure ??= error;
      if (key === undefined) continue;
      try {
        return await open([key]);
      } catch (error) {
        if (!isLocked(error)) throw error;
        refusal ??= error;
      }
    }
    // Nothing was tried: what the stream wants is for the addon to say.
    throw failure ?? refusal ?? (await open([]).then(unexpected, (error: unknown) => error));
  }

  /** What the services that are listed make of the slots that name them. */
  #ask(
    slots: readonly ServiceSlot[],
    context: Uint8Array = new Uint8Array(),
    running: Running,
  ): Promise<NativeCredential>[] {
    return slots.flatMap((slot, position) => {
      const { name, keyId, blob } = slot;
      const access = this.services.find((listed) => listed.name === name && listed.keyId === keyId);
      if (access === undefined) return [];
      // A stranger's header may have many: each costs a call, and maybe money.
      const before = slots.slice(0, position).filter((other) => other.name === name && other.keyId === keyId);
      if (before.length >= MOST_SLOTS) return [];
      const question = JSON.stringify([name, keyId, Buffer.from(blob).toString('base64')]);
      const known = this.#unwrapped.get(question);
      if (known) return [known];
      const asked = unwrap(access, slot, context, running);
      this.#unwrapped.set(question, asked);
      return [asked];
    });
  }
}

/** What came of a question, and the promise that it came from. */
interface Arrival {
  readonly key?: NativeCredential;
  readonly error?: unknown;
  readonly from: () => Promise<Arrival>;
}

function arriving(asked: Promise<NativeCredential>): Promise<Arrival> {
  const from = () => arrival;
  const arrival: Promise<Arrival> = asked.then(
    (key) => ({ key, from }),
    (error: unknown) => ({ error, from }),
  );
  return arrival;
}

function unexpected(): never {
  throw new Error('a stream opened with nothing (a bug in sealstream)');
}

/** Whether nothing that was offered opened the stream, so that something else may. */
function isLocked(error: unknown): boolean {
  const { kind } = (error as { failure?: { kind?: unknown } }).failure ?? {};
  return kind === 'NoMatchingKey' || kind === 'WrongPassphrase' || kind === 'HeaderTampered';
}

async function unwrap(
  access: ProviderAccess,
  { name, keyId, blob }: ServiceSlot,
  context: Uint8Array,
  running: Running,
): Promise<NativeCredential> {
  const { end } = running;
  const asked = askToUnwrap(access, blob, context, end.signal);
  const kek = await end
    .race(() => asked)
    .catch((error: unknown) => {
      // One that comes at the very end is not left in memory.
      asked.then((late) => late.fill(0)).catch(() => undefined);
      throw error;
    });
  try {
    return native.NativeCredential.provider(name, keyId, blob, kek);
  } finally {
    kek.fill(0);
  }
}

/** One key or several. */
function keyArguments(keys: unknown): CredentialArgument[] {
  return Array.isArray(keys) ? listed('key', keys, keyArgument) : [keyArgument('key', keys)];
}

function listed<T>(name: string, list: unknown, item: (name: string, value: unknown) => T): T[] {
  if (!Array.isArray(list)) throw typeError(name, 'an array', list);
  if (list.length === 0)
    throw rangeError(name, `must have at least one ${name === 'key' ? 'key' : 'identity'}`);
  // Array.from, because map would leave holes.
  return Array.from(list, (value: unknown, index) => item(`${name}[${index}]`, value));
}

/** Slots of one header for one key of a service that the service is asked about; nobody has reason to make two. */
const MOST_SLOTS = 4;
