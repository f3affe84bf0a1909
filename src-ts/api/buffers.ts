// Encrypts and decrypts bytes in memory, on other threads.

import { native } from '../internal/binding';
import { type NodeBuffer, takenBytes } from '../internal/bytes';
import { callNative } from '../internal/errors';
import { run } from '../internal/operation';
import { openSettings, optionsOf, sealSettings } from '../internal/option-tables';
import { Identities } from '../keys/identities';
import { Recipients } from '../keys/recipients';
import type { DecryptOptions, EncryptOptions } from '../keys/types';
import type { OperationOptions } from './types';

/**
 * Encrypts `bytes` into a stream with a compact header, on other threads.
 *
 * Bytes of up to 1 MiB are copied at the call, so that you may change or transfer them at once. Larger ones are read until the promise
 * settles: if they change meanwhile, it is not specified what is sealed, and if their ArrayBuffer is transferred, detached or resized, the
 * promise rejects with a SealError of kind `SourceChanged`. Shared memory may change, and is read in place.
 *
 * @param bytes The plaintext.
 * @param options The recipients, `context`, sizes and digest, and how to run.
 * @returns The sealed stream.
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * const sealed = await encrypt(Buffer.from('text'), { key, context: 'tenant-7' });
 */
export async function encrypt(bytes: Uint8Array, options: EncryptBytesOptions): Promise<NodeBuffer> {
  const given = optionsOf('encrypt', options);
  const settings = sealSettings(given);
  const recipients = Recipients.of(given);
  const input = takenBytes('bytes', bytes);
  let sealed: NodeBuffer = EMPTY;
  try {
    await run('encrypt', given, (how, operation) =>
      recipients.use(settings.context, operation, async (chosen) => {
        const done = await native.encrypt(input, chosen, settings, how);
        sealed = done.bytes;
        return done.report;
      }),
    );
  } finally {
    input.release();
  }
  return sealed;
}

/**
 * Decrypts a sealed stream in memory, on other threads. Returns plaintext only if all of it verified.
 *
 * Bytes of up to 1 MiB are copied at the call, so that you may change or transfer them at once. Larger ones are read until the promise
 * settles: if they change meanwhile, they may fail to verify, and if their ArrayBuffer is transferred, detached or resized, the promise
 * rejects with a SealError of kind `SourceChanged`. Shared memory may change, and is read in place.
 *
 * @param bytes The sealed stream.
 * @param options The key or the identities, `context`, limits, and how to run.
 * @returns The plaintext.
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * const plaintext = await decrypt(sealed, { key, context: 'tenant-7' });
 */
export async function decrypt(bytes: Uint8Array, options: DecryptBytesOptions): Promise<NodeBuffer> {
  const given = optionsOf('decrypt', options);
  const settings = openSettings(given);
  const identities = Identities.of(given);
  const input = takenBytes('bytes', bytes);
  const slots = () => callNative(() => native.bytesProviderSlots(input));
  let plaintext: NodeBuffer = EMPTY;
  try {
    await run('decrypt', given, (how, operation) =>
      identities.use(slots, settings.context, operation, async (offered) => {
        const done = await native.decrypt(input, offered, settings, how);
        plaintext = done.bytes;
        return done.report;
      }),
    );
  } finally {
    input.release();
  }
  return plaintext;
}

/** Options of {@link encrypt}. */
export interface EncryptBytesOptions extends EncryptOptions, OperationOptions {}

/** Options of {@link decrypt}. */
export interface DecryptBytesOptions extends DecryptOptions, OperationOptions {}

const EMPTY = Buffer.alloc(0);
