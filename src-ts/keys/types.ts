// Recipients and identities, and the options that name them.

import type { KeyObject } from 'node:crypto';

import type { DigestName, PassphraseParameters, SlotType } from '../../native/binding';
import type { identityBrand, recipientBrand } from './redacted';
import type { SecretKey } from './secret-key';
import type { SenderInput, SenderKeyInput } from './sender-key';

/** The types of key slots. */
export type { SlotType };

/** A key: a {@link SecretKey}, its 32 bytes, or a secret KeyObject of 32 bytes. Bytes are copied during the call. */
export type KeyInput = SecretKey | Uint8Array | KeyObject;

/**
 * A recipient of a stream. Returned by {@link passphrase}, {@link secretKey}, {@link publicKey} and {@link provider}. Prints only
 * its type.
 */
export interface Recipient {
  /** The type of the recipient's key slot. */
  readonly type: SlotType;
  /** Only this package makes recipients. */
  readonly [recipientBrand]: true;
}

/**
 * A secret, or access to one, that can open a stream. Returned by {@link passphrase}, {@link secretKey} and {@link provider};
 * a {@link KeyPair} is one too. Prints only its type.
 */
export interface Identity {
  /** The type of the key slots that it can open. */
  readonly type: SlotType;
  /** Only this package makes identities. */
  readonly [identityBrand]: true;
}

/** What can stand in `recipients`: a {@link Recipient}, a {@link SecretKey}, or the text of a public key, `age1…` or `age1pq1…`. */
export type RecipientInput = Recipient | SecretKey | string;

/** What can stand in `identities`: an {@link Identity}, a {@link SecretKey}, or the text of a secret key, `AGE-SECRET-KEY-…`. */
export type IdentityInput = Identity | SecretKey | string;

/** A shared secret: streams are sealed for it and opened with it. */
export interface Credential extends Recipient, Identity, Disposable {
  /** Overwrites the secret. Later use throws a TypeError; running operations continue with their own copy. */
  dispose(): void;
}

/** The cost of Argon2id for a passphrase: a name, or exact parameters. */
export type PassphraseStrength = 'interactive' | 'default' | 'sensitive' | PassphraseParameters;

/** Options to encrypt: for whom, and how. One of `key` and `recipients` is needed, and not both. */
export interface EncryptOptions {
  /** The key that opens the stream: short for one `secretKey(key, { keyId })` in `recipients`. Not together with `recipients`. */
  key?: KeyInput | undefined;
  /** A name for `key`, not for `recipients`, of at most 255 bytes of UTF-8: a hint for the holder of several keys. Anyone can read it. */
  keyId?: string | undefined;
  /**
   * One recipient, or a list of 1 to 64, of which at most 4 passphrases; each can open the stream. What {@link passphrase},
   * {@link secretKey}, {@link publicKey} and {@link provider} return, a {@link SecretKey}, a {@link KeyPair}, of which only the
   * public key is used, or the text of a public key. If a provider does not wrap a key, the operation fails with a
   * {@link ProviderError}.
   */
  recipients?: RecipientInput | readonly RecipientInput[] | undefined;
  /**
   * Bytes, or a text that stands for its UTF-8, that the decrypting side must supply too: at most 65,536 bytes, authenticated and not
   * stored. It binds a stream to its place, such as a tenant or a path.
   */
  context?: Uint8Array | string | undefined;
  /** Plaintext bytes in a full frame, the unit of authentication: 1,024 to 16,777,216; 65,536 by default. */
  frameSize?: number | undefined;
  /**
   * Plaintext bytes in a full segment, the unit of parallel work and of damage: a multiple of `frameSize`, up to
   * 1,073,741,824. By default 1 MiB in whole frames, and more if the plaintext is known to be longer than 64 GiB.
   */
  segmentSize?: number | undefined;
  /**
   * The digest after each segment, which shows bit rot without a key; `'crc64-nvme'` by default, `'blake3'` with `senderKey`, which
   * takes `'blake3'`, `'sha256'` or `'sha512'`.
   */
  digest?: DigestName | undefined;
  /**
   * Bytes of the stream's header, 0 to 1,048,576. It is padded with zeros, so that {@link rewrap} can change the recipients in place; 0
   * for no padding. By default 4,096 with `headerCopy`, but no padding if the plaintext is known to have less than 64 KiB.
   */
  headerSize?: number | undefined;
  /** Writes a copy of the header at the stream's end, which serves if the header is damaged. By default for {@link encryptFile} alone. */
  headerCopy?: boolean | undefined;
  /**
   * Signs the stream: a private key of Ed25519 that {@link senderKeyFromFile} read, a key that {@link sshAgentSigner} found, or an object
   * with `publicKey` and `sign`. It signs when the stream ends. Readers name the public key in `senders`. Who signs a stream vouches for
   * it, which differs from who can decrypt it.
   */
  senderKey?: SenderKeyInput | undefined;
  /**
   * Whether the header announces the sender; `true` by default. Every reader then refuses the stream if its signature is gone, also one that
   * was given no `senders`.
   */
  announceSender?: boolean | undefined;
}

/** What opens a stream's header. One of `key` and `identities` is needed, and not both. */
export interface UnlockOptions {
  /** The key, or several of which one opens the stream: short for `identities`. Not together with `identities`. */
  key?: KeyInput | readonly KeyInput[] | undefined;
  /**
   * What may open the stream, one or a list: key pairs, keys, texts of secret keys, and what {@link passphrase},
   * {@link secretKey} and {@link provider} return. The stream's slots are tried in their order, each with every identity of its
   * type. Providers are asked only if nothing else opens the stream; if one fails then, the operation fails with a
   * {@link ProviderError}.
   */
  identities?: IdentityInput | readonly IdentityInput[] | undefined;
  /** The context that the stream was sealed with. */
  context?: Uint8Array | string | undefined;
  /**
   * The types of key slots to try, all by default. Anyone can encrypt for a public key: to accept only streams from a holder
   * of a shared key or passphrase, list only these types.
   */
  acceptSlots?: readonly SlotType[] | undefined;
  /**
   * The most memory that a passphrase slot may take, in KiB; 2,097,152 (2 GiB) by default. A header with a slot over the limit is
   * refused before any passphrase is tried.
   */
  maxPassphraseMemory?: number | undefined;
  /**
   * The most that the passphrase slots of the header and its copy may cost together, for each passphrase that is tried: memory
   * times passes, in KiB. 4,194,304 by default. A header over the limit is refused before any passphrase is tried.
   */
  maxPassphraseCost?: number | undefined;
}

/** Whose streams are accepted. */
export interface SenderOptions {
  /**
   * The public key of the sender who must have signed the stream, or a list of them of whom one must have. Texts of OpenSSH or 32 raw bytes;
   * {@link sendersFromFile} reads them. Any other stream is refused with a SealError of kind `SenderUnverified`; an empty list accepts none.
   * Reading a range then reads whole segments, to hash them.
   */
  senders?: SenderInput | readonly SenderInput[] | undefined;
}

/** Options to decrypt a stream. One of `key` and `identities` is needed, and not both. */
export interface DecryptOptions extends UnlockOptions, SenderOptions {
  /** The largest segment size to accept, in bytes; 67,108,864 by default. It bounds the memory that decrypting takes. */
  maxSegmentSize?: number | undefined;
}

/** Options to encrypt or decrypt a FLOE message. */
export interface FloeOptions {
  /** The key. */
  key: KeyInput;
  /** Associated data: authenticated, not part of the message. */
  aad?: Uint8Array | undefined;
  /**
   * FLOE's ENC_SEG_LEN: the bytes of a full encrypted segment, 33 to 4,294,967,294. By default 65,568 when encrypting, and the
   * length that the message states when decrypting.
   */
  segmentLength?: number | undefined;
}
