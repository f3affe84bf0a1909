// Bytes in memory, at once and on the calling thread: for small payloads, for which a promise costs more than the work.

import { native } from '../internal/binding';
import { fixedBytes } from '../internal/bytes';
import { translated } from './errors';
import { Identities } from '../keys/identities';
import { checkedOptions, openSettings, sealSettings } from '../internal/options';
import { poolRoom, poolTake } from '../internal/buffer-pool';
import { type CredentialArgument, Recipients } from '../keys/recipients';
import type { OpenOptions, SealOptions } from '../internal/types';

/**
 * Seals bytes into a stream with a compact header. It blocks the event loop: use {@link encrypt} beyond some 100 KiB.
 *
 * @throws SealError, or TypeError and RangeError for options, also for a passphrase and a key service, which take long.
 */
export function encryptSync(bytes: Uint8Array, options: SealOptions): Buffer {
  const input = fixedBytes('bytes', bytes);
  const settings = sealSettings(checkedOptions(options));
  const recipients = Recipients.of(options).atOnce('encryptSync', 'encrypt');
  try {
    const most = mostOf(input.length, recipients);
    if (most !== undefined) {
      const room = poolRoom(most);
      return poolTake(room, native.encryptSync(input, room, recipients, settings));
    }
    const output = Buffer.allocUnsafeSlow(native.ciphertextSize(input.length, recipients, settings));
    native.encryptSync(input, output, recipients, settings);
    return output;
  } catch (error) {
    throw translated(error);
  }
}

/**
 * Opens a sealed stream. It blocks the event loop: use {@link decrypt} beyond some 100 KiB.
 *
 * @throws SealError, or TypeError and RangeError for options. Nothing of the plaintext is returned unless all of it
 *   verified.
 */
export function decryptSync(bytes: Uint8Array, options: OpenOptions): Buffer {
  const input = fixedBytes('bytes', bytes);
  const settings = openSettings(checkedOptions(options));
  const identities = Identities.of(options).atOnce('decryptSync', 'decrypt');
  try {
    // Memory of its own: in a pool one caller's plaintext would stand beside another's.
    const output = Buffer.allocUnsafeSlow(native.roomForPlaintext(input));
    const size = native.decryptSync(input, output, identities, settings);
    return output.length === size ? output : output.subarray(0, size);
  } catch (error) {
    throw translated(error);
  }
}

/**
 * More than the stream of this many bytes takes, whatever the options, if it is short and for one short slot; the addon checks the
 * room that it gets.
 */
function mostOf(plaintextSize: number, [recipient, ...others]: CredentialArgument[]): number | undefined {
  const isShort =
    recipient !== undefined && others.length === 0 && !('type' in recipient && recipient.type === 'hybrid');
  return isShort && plaintextSize <= POOLED_SIZE ? 2 * plaintextSize + 1024 : undefined;
}

/** Sealing up to here costs less than allocating for it. */
const POOLED_SIZE = 8 * 1024;
