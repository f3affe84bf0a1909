// Seals and opens bytes in memory, on other threads.

import { native } from '../internal/binding';
import { type Bytes, fixedBytes } from '../internal/bytes';
import { callNative } from '../internal/errors';
import { run } from '../internal/operation';
import { openSettings, optionsOf, sealSettings } from '../internal/option-tables';
import { Identities } from '../keys/identities';
import { Recipients } from '../keys/recipients';
import type { DecryptOptions, EncryptOptions } from '../keys/types';
import type { OperationOptions } from './types';

/**
 * Seals `bytes` into a stream with a compact header, on other threads.
 *
 * Do not touch `bytes` until the promise settles: other threads read them. Of a byte that changes meanwhile, either value may be
 * sealed. **Transferring or detaching the ArrayBuffer meanwhile is not memory-safe**: the threads still read the former memory, which
 * may crash the process or seal what is there by then. Memory that can be resized or is shared is copied first.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * const sealed = await encrypt(Buffer.from('text'), { key, context: 'tenant-7' });
 */
export async function encrypt(bytes: Uint8Array, options: EncryptBytesOptions): Promise<Bytes> {
  const given = optionsOf('encrypt', options);
  const settings = sealSettings(given);
  const recipients = Recipients.of(given);
  const input = fixedBytes('bytes', bytes);
  let output = EMPTY;
  await run('encrypt', given, (how, operation) =>
    recipients.use(settings.context, operation, (chosen) => {
      output = Buffer.allocUnsafeSlow(native.sealedSize(input.length, chosen, settings));
      return native.encryptInto(input, output, chosen, settings, how);
    }),
  );
  return output;
}

/**
 * Opens a sealed stream in memory, on other threads. Returns plaintext only if all of it verified.
 *
 * Do not touch `bytes` until the promise settles: other threads read them, and bytes that change may fail to verify.
 * **Transferring or detaching the ArrayBuffer meanwhile is not memory-safe**: the threads still read the former memory, which may
 * crash the process. Memory that can be resized or is shared is copied first.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * const plaintext = await decrypt(sealed, { key, context: 'tenant-7' });
 */
export async function decrypt(bytes: Uint8Array, options: DecryptBytesOptions): Promise<Bytes> {
  const given = optionsOf('decrypt', options);
  const settings = openSettings(given);
  const identities = Identities.of(given);
  const input = fixedBytes('bytes', bytes);
  let output = EMPTY;
  const slots = () => callNative(() => native.headerProviderSlots(input));
  const { plaintextSize } = await run('decrypt', given, (how, operation) =>
    identities.use(slots, settings.context, operation, (offered) => {
      output = Buffer.allocUnsafeSlow(callNative(() => native.roomForPlaintext(input)));
      return native.decryptInto(input, output, offered, settings, how);
    }),
  );
  return output.length === plaintextSize ? output : output.subarray(0, plaintextSize);
}

/** Options of {@link encrypt}. */
export interface EncryptBytesOptions extends EncryptOptions, OperationOptions {}

/** Options of {@link decrypt}. */
export interface DecryptBytesOptions extends DecryptOptions, OperationOptions {}

const EMPTY = Buffer.alloc(0);
