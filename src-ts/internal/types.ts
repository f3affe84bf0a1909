// What a caller can choose and what an operation reports, as the package's users see it.

import type {
  ByteRange,
  Damage,
  DamageDecisionName,
  DigestName,
  Opened,
  Progress,
  Report as NativeReport,
  SealFailure,
} from '../../native/binding';
import type { Identity, Recipient, SlotType } from '../keys/credentials';
import type { SecretKey } from '../keys/secret-key';

/** A key: a {@link SecretKey}, or its 32 plain bytes, which are copied at the call. */
export type KeyInput = SecretKey | Uint8Array;

/** How to run an operation. */
export interface OperationOptions {
  /**
   * Threads that work on segments; 0, the default, for as many as the machine runs at once. Bytes in memory up to 1 MiB
   * are worked on by one thread, whatever this says.
   */
  threads?: number | undefined;
  /**
   * Stops the operation. The promise then rejects with the signal's reason, an `AbortError` unless the caller of
   * `abort` chose another error, and nothing of the output is left, unless it can be resumed.
   */
  signal?: AbortSignal | undefined;
  /**
   * Called at most ten times a second, and once when all is done; never after the promise settled. If it throws, the
   * operation stops and rejects with what it threw; an output that was complete by then stays.
   */
  onProgress?: ((progress: ProgressEvent) => void) | undefined;
}

/** How to seal, whoever it is for. */
export interface SealingOptions {
  /**
   * Bytes, or a text's UTF-8, that the opening side must supply too: at most 65,536 bytes, authenticated and not
   * stored. It ties a stream to its place, such as a tenant or a path.
   */
  context?: Uint8Array | string | undefined;
  /** Plaintext bytes in a full frame, the unit of authentication: 1,024 to 16,777,216; 65,536 by default. */
  frameSize?: number | undefined;
  /**
   * Plaintext bytes in a full segment, the unit of parallel work and of damage: a multiple of `frameSize`, up to
   * 1,073,741,824. By default 1 MiB in whole frames, and more where the plaintext is known to be longer than 64 GiB.
   */
  segmentSize?: number | undefined;
  /** The digest behind each segment, by which anyone can tell rot without a key; `'crc64-nvme'` by default. */
  digest?: DigestName | undefined;
}

/** For whom to seal: one key, or any recipients. */
export type ForWhom =
  | {
      /** The key that opens the stream: short for one `secretKey(key, { id: keyId })` in `recipients`. */
      key: KeyInput;
      /** A name for the key, at most 255 bytes of UTF-8: a hint for whoever opens the stream. It is not secret. */
      keyId?: string | undefined;
      recipients?: undefined;
    }
  | {
      /**
       * All who can open the stream, each on their own: 1 to 64, of which at most 4 passphrases. What {@link passphrase},
       * {@link secretKey}, {@link x25519}, {@link hybrid} and {@link provider} return, or a {@link SecretKey}. Where a key service does
       * not wrap, the operation fails with a {@link ProviderError}.
       */
      recipients: readonly (Recipient | SecretKey)[];
      key?: undefined;
      keyId?: undefined;
    };

/** How to seal. */
export type SealOptions = SealingOptions & ForWhom;

/** How to open, with whatever. */
export interface OpeningOptions {
  /** What the stream was sealed with. */
  context?: Uint8Array | string | undefined;
  /**
   * The types of key slots that are tried, all by default. Anyone can seal a stream for a public key: who expects one from
   * somebody who shares a key or a passphrase accepts these alone.
   */
  acceptSlots?: readonly SlotType[] | undefined;
  /**
   * What the passphrase slots of a header may cost together for each passphrase that is offered: memory times passes, in KiB.
   * 4,194,304 by default. A header that asks for more is refused before any passphrase is tried.
   */
  maxPassphraseCost?: number | undefined;
  /** The largest segment size that is accepted, in bytes; 67,108,864 by default. It bounds the memory that opening takes. */
  maxSegmentSize?: number | undefined;
}

/** With what to open: keys, or any identities. */
export type ByWhat =
  | {
      /** The key, or several of which one opens the stream: short for `identities`. */
      key: KeyInput | readonly KeyInput[];
      identities?: undefined;
    }
  | {
      /**
       * What may open the stream, at least one: key pairs, what {@link passphrase}, {@link secretKey} and {@link provider}
       * return, keys. The stream's slots are tried in their order, each with every identity of its type; key services are asked only if
       * nothing else opens the stream, and one that fails then is a {@link ProviderError}.
       */
      identities: readonly (Identity | SecretKey)[];
      key?: undefined;
    };

/** What is known of options of which it was not checked whether they go together. @internal */
export type Unchecked<T> = { readonly [Name in keyof T]?: unknown };

/** How to open. */
export type OpenOptions = OpeningOptions & ByWhat;

/** How to put a file in its place. */
export interface FileOptions {
  /** Replace an existing target when the output is complete; by default an existing target is an error. */
  overwrite?: boolean | undefined;
  /** Have the file and its name on the disk before the promise resolves; `true` by default. */
  flush?: boolean | undefined;
  /**
   * Go on with what an interrupted operation left, if it is of use, and leave what the next one can go on with: only
   * segments that are not finished are done. `false` by default.
   *
   * Until the operation succeeds the unfinished output and its journal stay beside the target, for their owner alone,
   * whatever ends it: an error, `signal`, the end of the process, a power cut. The report's `resume` says what was there.
   */
  resume?: boolean | undefined;
  /**
   * For `encryptFile` with `resume`: 32 secret bytes, the same at every attempt, under which the journal keeps the key of
   * the stream, so that it can be gone on with where none of the recipients' keys opens it. A stream that is sealed for
   * a key needs none, and neither does `decryptFile`. The bytes are copied at the call.
   */
  resumeSecret?: Uint8Array | undefined;
}

/** How to run a stream. */
export interface StreamOptions {
  /**
   * Segments that may be in memory at a time: coming in, worked on, and until the reader's queue has taken what came of them.
   * At least 1; by default two for each of the machine's cores, but no more than 256 MiB of them or two.
   */
  concurrency?: number | undefined;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/** How much a Node stream keeps in its queues, in bytes, as in `stream.Duplex`. */
export interface NodeStreamOptions {
  highWaterMark?: number | undefined;
  readableHighWaterMark?: number | undefined;
  writableHighWaterMark?: number | undefined;
}

/** What to do about a damage: fail with it, leave the segment out, write zeros in its place, or read it again. */
export type DamageDecision = DamageDecisionName;

/**
 * Decides about one damage. It is asked for one at a time, in the stream's order; the operation waits for its answer, and
 * ends with what it throws. `'retry'` reads the source again, and asks again if that does not help: how often is up to it. Of a
 * stream, which can't be read again, it is refused.
 */
export type DamageHandler = (damage: Damage) => DamageDecision | Promise<DamageDecision>;

/** Who decides about damage. */
export type DamagePolicy = 'abort' | 'skip' | 'zero' | DamageHandler;

/** What to do where something of a stream can't be opened. */
export interface DamageOptions {
  /**
   * What to do about a segment that can't be opened, and about an end that can't be verified. `'abort'`, the default,
   * fails with the first; `'skip'` leaves segments out, so that what follows moves up; `'zero'` writes zeros in their
   * place; a function decides for each. With anything but `'abort'` the result is **not** known to be the whole stream:
   * the report's `damage` lists what it is not. Bytes that did not verify never come out.
   */
  onDamage?: DamagePolicy | undefined;
}

/** How to go through segments. */
export interface SegmentsOptions {
  /** Segments that are opened side by side and so are in memory; 0, the default, for as many as the machine has cores. */
  threads?: number | undefined;
  /** Stops it: the loop then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A segment of a stream: its plaintext, or why it could not be opened. */
export type SegmentResult =
  | {
      readonly ok: true;
      /** Position in the stream, from 0. */
      readonly index: number;
      /** Where its plaintext starts in the whole. */
      readonly offset: number;
      /** Its plaintext, verified. */
      readonly data: Buffer;
    }
  | {
      readonly ok: false;
      /** Position in the stream, from 0. */
      readonly index: number;
      /** What of the plaintext is lost with it. */
      readonly plaintextRange: ByteRange;
      /** Where it stands in the sealed stream, or should. */
      readonly wireRange: ByteRange;
      /** Why. */
      readonly failure: SealFailure;
      /** The same in words. */
      readonly message: string;
    };

/** How to seal or open a FLOE message. */
export interface FloeOptions {
  /** The key. */
  key: KeyInput;
  /** Associated data: authenticated, not part of the message. */
  aad?: Uint8Array | undefined;
  /**
   * FLOE's ENC_SEG_LEN: bytes of a full encrypted segment, 33 to 4,294,967,294. 65,568 by default when sealing; when
   * opening, any that the message states by default.
   */
  segmentLength?: number | undefined;
}

/**
 * How far an operation is: plaintext bytes that are done, and in all where that is known. {@link verify} counts the bytes of
 * sealed segments.
 */
export type ProgressEvent = Progress;

/** What an operation did. */
export type Report = Omit<NativeReport, 'opened'>;

/** What sealing did. */
export type SealReport = Report;

/** What opening did. */
export type OpenReport = Omit<Report, 'header'> & Opened;

/** Shapes that the addon reports as they are. */
export type {
  ByteRange,
  Damage,
  DigestName,
  Opened,
  OpenedBy,
  ResumeReport,
  SettledDamage,
  SlotInfo,
  Stages,
  StartedOver,
  StreamInfo,
} from '../../native/binding';
