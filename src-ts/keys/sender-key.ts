// What signs a stream, and the public keys of senders, as callers give them.

import type { NativeSender } from '../../native/binding';
import { native } from '../internal/binding';
import { checkedBytes, copiedBytes, isBytes, secretBytes } from '../internal/bytes';
import { disposedError, isError, rangeError, typeError, withName } from '../internal/errors';
import { list, member, string } from '../internal/options';

/**
 * What signs streams for a sender: a private key, or a key that an SSH agent holds. `senderKeyFromFile` and `sshAgentSigner` make
 * it.
 *
 * @example
 * using senderKey = await senderKeyFromFile('/home/me/.ssh/id_ed25519');
 * await encryptFile('a', 'a.seal', { key, senderKey });
 */
export class SenderKey implements Disposable {
  /** The public key as OpenSSH writes it, which readers name in `senders`. */
  readonly publicKey: string;
  #native: NativeSender | undefined;

  private constructor(held: NativeSender) {
    if (!(held instanceof native.NativeSender)) {
      throw new TypeError('a SenderKey is made by senderKeyFromFile or sshAgentSigner');
    }
    this.#native = held;
    this.publicKey = held.publicKey;
  }

  /** @internal */
  static over(held: NativeSender): SenderKey {
    return new SenderKey(held);
  }

  /** @internal */
  static heldBy(name: string, value: object): NativeSender | undefined {
    if (!(#native in value)) return undefined;
    const held = value.#native;
    if (held === undefined) throw disposedError(name);
    return held;
  }

  /**
   * Overwrites the private key. Later use throws a TypeError; running operations continue with their own copy.
   *
   * @example
   * const senderKey = await senderKeyFromFile('id_ed25519');
   * await encryptFile('a', 'a.seal', { key, senderKey });
   * senderKey.dispose();
   */
  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  /** The same as `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A signer of the caller's own, such as a key management service. */
export interface SenderSigner {
  /** Its Ed25519 public key: `ssh-ed25519 AAAA…`, or the 32 raw bytes. */
  readonly publicKey: string | Uint8Array;
  /**
   * Signs exactly these 102 bytes with Ed25519, and returns the 64 bytes of the signature. It is called when the stream ends.
   *
   * @param bytes What to sign.
   */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** What can stand in `senderKey`. */
export type SenderKeyInput = SenderKey | SenderSigner;

/** A sender's public key: `ssh-ed25519 AAAA…` or `sk-ssh-ed25519@openssh.com AAAA…` as OpenSSH writes it, or 32 raw bytes of Ed25519. */
export type SenderInput = string | Uint8Array;

/** The sender of one operation, as the addon takes it. */
export function senderArgument(name: string, value: unknown): NativeSender {
  if (typeof value !== 'object' || value === null) throw typeError(name, SENDER, value);
  const held = SenderKey.heldBy(name, value);
  if (held !== undefined) return held;
  const [sign, publicKey] = [member(value, 'sign'), member(value, 'publicKey')];
  if (typeof sign !== 'function' || publicKey === undefined) throw typeError(name, SENDER, value);
  const key = senderText(`${name}.publicKey`, publicKey);
  const made: NativeSender = withName(`${name}.publicKey`, () =>
    native.NativeSender.external(key, (bytes) => void answer(bytes)),
  );
  asking.add(made);
  return made;

  async function answer(bytes: Uint8Array): Promise<void> {
    try {
      made.answer(checkedBytes("sign's answer", await Reflect.apply(sign as () => unknown, value, [bytes])));
    } catch (error) {
      made.fail(isError(error) ? error.message : String(error));
    }
  }
}

/** Whether signing calls a function of the caller's, for which a call that blocks the event loop can't wait. */
export function asksCaller(sender: NativeSender): boolean {
  return asking.has(sender);
}

/** The senders that a reader accepts, as texts. */
export function senderTexts(name: string, value: unknown): string[] {
  return Array.isArray(value) ? list(name, value, 0, Infinity, senderText) : [senderText(name, value)];
}

/** A public key as text. */
export function senderText(name: string, value: unknown): string {
  if (!isBytes(value)) {
    const text = string(name, value);
    // The addon checks the rest.
    if (/^\s*(?:sk-)?ssh-ed25519/.test(text)) return text;
    throw rangeError(name, 'must be ssh-ed25519 AAAA… or sk-ssh-ed25519@openssh.com AAAA…, or 32 bytes');
  }
  const point = copiedBytes(name, secretBytes(name, value));
  return `${TYPE} ${Buffer.concat([PREFIX, point]).toString('base64')}`;
}

const asking = new WeakSet<NativeSender>();
const TYPE = 'ssh-ed25519';
/** What precedes the 32 bytes in OpenSSH's encoding. */
const PREFIX = Buffer.from(`\0\0\0\x0b${TYPE}\0\0\0\x20`, 'latin1');
const SENDER = 'a SenderKey, or an object with publicKey and sign';
