// What a call opens with, as the addon takes it.

import type { NativeCredential, ServiceSlot } from '../native/binding';
import { native } from './binding';
import { heldByIdentity, isAccess } from './credentials';
import { rangeError, typeError } from './errors';
import { keyArgument } from './keys';
import type { Running } from './operation';
import { askToUnwrap, type ProviderAccess } from './providers';
import { type CredentialArgument, copied, disposeAll, refuseSlow } from './recipients';
import type { ByWhat, OpeningOptions, Unchecked } from './types';

/** The identities of one call, checked. @internal */
export class Identities {
  /** What services have unwrapped, so that each is asked once. */
  readonly #unwrapped = new Map<string, Promise<NativeCredential>>();

  private constructor(
    readonly known: readonly CredentialArgument[],
    readonly services: readonly ProviderAccess[],
  ) {}

  /** @throws TypeError or RangeError, naming the option. */
  static of({
    key,
    identities,
    acceptSlots,
  }: Unchecked<ByWhat> & Pick<OpeningOptions, 'acceptSlots'>): Identities {
    if (identities === undefined) {
      if (key === undefined) throw typeError('key', 'given, or identities', key);
      return new Identities(keyArguments(key), []);
    }
    if (key !== undefined) {
      throw rangeError('identities', 'can not be given beside key: put secretKey(key) into them');
    }
    const items = listed('identities', identities, heldByIdentity);
    const asks = acceptSlots === undefined || acceptSlots.includes('provider');
    return new Identities(
      items.filter((item): item is Exclude<typeof item, ProviderAccess> => !isAccess(item)),
      asks ? items.filter(isAccess) : [],
    );
  }

  /** For a call that blocks the event loop, and must not wait for anything. */
  atOnce(name: string, instead: string): CredentialArgument[] {
    refuseSlow('identities', [...this.known, ...this.services], name, instead);
    return [...this.known];
  }

  /** The same as they are now, for an operation that begins later, and that disposes of them. */
  held(): Identities {
    return new Identities(this.known.map(copied), this.services);
  }

  /** Overwrites them, which must be copies. */
  dispose(): void {
    disposeAll(this.known);
    this.#unwrapped.clear();
  }

  /**
   * Has `open` called with what the addon takes: at once, unless there are key services. Those are asked for the keys of the
   * slots that they are listed for, whatever else is offered: one that fails matters only if nothing else opens the stream.
   *
   * @param slots Finds the slots for key services in the stream's header.
   * @throws ProviderError
   */
  async use<T>(
    slots: () => readonly ServiceSlot[] | Promise<readonly ServiceSlot[]>,
    context: Uint8Array | undefined,
    running: Running,
    open: (identities: CredentialArgument[]) => Promise<T>,
  ): Promise<T> {
    if (this.services.length === 0) return open([...this.known]);
    const copies = this.known.map(copied);
    try {
      const answers = await Promise.allSettled(this.#ask(await slots(), context, running));
      const unwrapped = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (running.end.isRaised && failed) throw failed.reason;
      return await open([...copies, ...unwrapped]).catch((error: unknown) => {
        throw failed && isLocked(error) ? failed.reason : error;
      });
    } finally {
      disposeAll(copies);
    }
  }

  /** What the services that are listed make of the slots that name them. */
  #ask(
    slots: readonly ServiceSlot[],
    context: Uint8Array = new Uint8Array(),
    running: Running,
  ): Promise<NativeCredential>[] {
    return slots.flatMap((slot) => {
      const { name, keyId, blob } = slot;
      const access = this.services.find((listed) => listed.service.name === name && listed.keyId === keyId);
      if (access === undefined) return [];
      const question = JSON.stringify([name, keyId, Buffer.from(blob).toString('base64')]);
      const known = this.#unwrapped.get(question);
      if (known) return [known];
      const asked = unwrap(access, slot, context, running);
      this.#unwrapped.set(question, asked);
      return [asked];
    });
  }
}

/** Whether nothing that was offered opened the stream. */
function isLocked(error: unknown): boolean {
  const { kind } = (error as { failure?: { kind?: unknown } }).failure ?? {};
  return kind === 'NoMatchingKey' || kind === 'WrongPassphrase';
}

async function unwrap(
  access: ProviderAccess,
  { name, keyId, blob }: ServiceSlot,
  context: Uint8Array,
  running: Running,
): Promise<NativeCredential> {
  const { end } = running;
  const kek = await end.race(() => askToUnwrap(access, blob, context, end.signal));
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
