// Encrypts and decrypts small payloads on the calling thread, for which a promise costs more than the work.

import { native } from '../internal/binding';
import { fromPool } from '../internal/buffer-pool';
import { type NodeBuffer, checkedBytes, newMemory, ownCopy, sizeOf } from '../internal/bytes';
import { callNative, typeError } from '../internal/errors';
import { openSettings, optionsOf, sealSettings } from '../internal/option-tables';
import { Identities } from '../keys/identities';
import { Recipients, withoutWaiting } from '../keys/recipients';
import type { SecretArgument } from '../keys/registry';
import { asksCaller } from '../keys/sender-key';
import type { DecryptOptions, EncryptOptions } from '../keys/types';

/**
 * Encrypts `bytes` into a stream with a compact header. Blocks the event loop: use {@link encrypt} for more than about 100 KiB.
 *
 * @param bytes The plaintext.
 * @param options The recipients, `context`, sizes and digest.
 * @returns The sealed stream.
 * @throws SealError, or TypeError and RangeError for wrong options, and for a passphrase or a provider, which take long.
 *
 * @example
 * const sealed = encryptSync(Buffer.from('text'), { key });
 */
export function encryptSync(bytes: Uint8Array, options: EncryptOptions): NodeBuffer {
  const given = optionsOf('encryptSync', options);
  const settings = sealSettings(given);
  if (settings.sender && asksCaller(settings.sender)) {
    throw typeError(
      'senderKey',
      'usable at once: use encrypt instead of encryptSync',
      options.senderKey,
      'an object that signs',
    );
  }
  const { items } = Recipients.of(given);
  const recipients = withoutWaiting('recipients', items, 'encryptSync', 'encrypt');
  const input = checkedBytes('bytes', bytes);
  return callNative(() => {
    const size = sizeOf(input);
    const sealInto = (output: NodeBuffer) => native.encryptSync(input, output, recipients, settings);
    // More room than the stream takes with any other options; the addon checks it.
    const hasLargeHeader = Boolean(given.headerSize) || given.headerCopy === true;
    const isPlain = !settings.sender && !hasLargeHeader;
    if (isPlain && isSmall(size, recipients)) return fromPool(2 * size + 1024, sealInto);
    const output = newMemory(native.sealedSize(size, recipients, settings));
    sealInto(output);
    return output;
  });
}

/**
 * Decrypts a sealed stream in memory. Blocks the event loop: use {@link decrypt} for more than about 100 KiB.
 *
 * @param bytes The sealed stream.
 * @param options The key or the identities, `context` and limits.
 * @returns The plaintext.
 * @throws SealError, or TypeError and RangeError for wrong options, and for a passphrase or a provider, which take long. Returns
 *   plaintext only if all of it verified.
 *
 * @example
 * const plaintext = decryptSync(sealed, { key });
 */
export function decryptSync(bytes: Uint8Array, options: DecryptOptions): NodeBuffer {
  const given = optionsOf('decryptSync', options);
  const settings = openSettings(given);
  const { secrets, providers } = Identities.of(given);
  const identities = withoutWaiting('identities', [...secrets, ...providers], 'decryptSync', 'decrypt');
  const input = checkedBytes('bytes', bytes);
  return callNative(() => {
    // In memory of its own: a pool would keep one caller's plaintext beside another's.
    const output = newMemory(native.roomForPlaintext(input));
    const size = native.decryptSync(input, output, identities, settings);
    // The rest of the memory was never written to.
    return output.length === size ? output : ownCopy(output, size);
  });
}

/** Whether allocating memory would cost more than sealing: few bytes, and one short key slot. */
function isSmall(size: number, [recipient, ...others]: SecretArgument[]): boolean {
  if (recipient === undefined || others.length > 0 || size > POOLED_SIZE) return false;
  return !('type' in recipient && recipient.type === 'hybrid');
}

const POOLED_SIZE = 8 * 1024;
