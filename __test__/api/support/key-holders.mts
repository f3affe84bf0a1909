// Someone for each type of key slot: what is sealed for them, and what opens it.

import {
  type Identity,
  KeyPair,
  type KeyProvider,
  passphrase,
  provider,
  publicKey,
  type Recipient,
  secretKey,
  SecretKey,
  type SlotType,
  type UnwrapRequest,
  type WrapRequest,
} from 'sealstream';

export interface KeyHolder {
  readonly type: SlotType;
  readonly recipient: Recipient | SecretKey;
  readonly identity: Identity | SecretKey;
  /** The same kind of thing, which opens nothing here. */
  readonly stranger: Identity | SecretKey;
}

/** What Argon2 can do least. */
export const CHEAP = { memoryKiB: 8, passes: 1, lanes: 1 } as const;

/** A provider in memory: it wraps by adding a byte that depends on the key, and counts its calls. */
export class FakeProvider implements KeyProvider {
  readonly calls: string[] = [];

  constructor(
    readonly name = 'fake',
    readonly fails: (call: string) => void = () => undefined,
  ) {}

  wrapKey({ key, keyId }: WrapRequest): Promise<Uint8Array> {
    return this.#answer(`wrap ${keyId}`, key, keyId.length);
  }

  unwrapKey({ wrappedKey, keyId }: UnwrapRequest): Promise<Uint8Array> {
    return this.#answer(`unwrap ${keyId}`, wrappedKey, 256 - keyId.length);
  }

  async #answer(call: string, bytes: Uint8Array, add: number): Promise<Uint8Array> {
    this.calls.push(call);
    const answer = bytes.map((byte) => (byte + add) % 256);
    await Promise.resolve();
    this.fails(call);
    return answer;
  }
}

/** One of each type. */
export function keyHolders(): KeyHolder[] {
  const key = SecretKey.generate();
  const [short, long] = [KeyPair.generate('x25519'), KeyPair.generate()];
  const keyProvider = new FakeProvider();
  return [
    { type: 'key', recipient: secretKey(key, { keyId: 'k' }), identity: key, stranger: SecretKey.generate() },
    {
      type: 'passphrase',
      recipient: passphrase('correct horse', { strength: CHEAP }),
      identity: passphrase('correct horse'),
      stranger: passphrase('wrong horse'),
    },
    {
      type: 'x25519',
      recipient: publicKey(short.publicKey),
      identity: short,
      stranger: KeyPair.generate('x25519'),
    },
    {
      type: 'provider',
      recipient: provider(keyProvider, 'keys/7'),
      identity: provider(keyProvider, 'keys/7'),
      stranger: provider(keyProvider, 'keys/8'),
    },
    { type: 'hybrid', recipient: publicKey(long.publicKey), identity: long, stranger: KeyPair.generate() },
  ];
}
