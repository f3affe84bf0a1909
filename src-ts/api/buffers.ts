// Bytes in memory, beside JavaScript.

import { native } from '../internal/binding';
import { fixedBytes } from '../internal/bytes';
import { calling } from './errors';
import { Identities } from '../keys/identities';
import { run } from '../internal/operation';
import { checkedOptions, openSettings, sealSettings } from '../internal/options';
import { Recipients } from '../keys/recipients';
import { plaintextSize } from './reports';
import type { OpenOptions, OperationOptions, SealOptions } from '../internal/types';

/**
 * Seals bytes into a stream with a compact header, on other threads.
 *
 * Do not touch `bytes` until the promise settles: other threads read it. What is changed meanwhile comes out as it was at
 * one moment or another. **Transferring or detaching its ArrayBuffer meanwhile is not memory-safe**: the threads go on
 * reading where the bytes were, which may crash the process or seal what is there by then. Memory that can be resized or
 * is shared is copied first.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options.
 */
export async function encrypt(bytes: Uint8Array, options: SealOptions & OperationOptions): Promise<Buffer> {
  const input = fixedBytes('bytes', bytes);
  const settings = sealSettings(checkedOptions(options));
  const recipients = Recipients.of(options);
  let output = EMPTY;
  await run(options, {
    name: 'encrypt',
    start: (how, running) =>
      recipients.use(settings.context, running, (chosen) => {
        output = Buffer.allocUnsafeSlow(native.ciphertextSize(input.length, chosen, settings));
        return native.encryptInto(input, output, chosen, settings, how);
      }),
    done: plaintextSize,
  });
  return output;
}

/**
 * Opens a sealed stream, on other threads. Nothing of the plaintext is returned unless all of it verified.
 *
 * Do not touch `bytes` until the promise settles: other threads read it. What is changed meanwhile may fail to verify.
 * **Transferring or detaching its ArrayBuffer meanwhile is not memory-safe**: the threads go on reading where the bytes
 * were, which may crash the process. Memory that can be resized or is shared is copied first.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options.
 */
export async function decrypt(bytes: Uint8Array, options: OpenOptions & OperationOptions): Promise<Buffer> {
  const input = fixedBytes('bytes', bytes);
  const settings = openSettings(checkedOptions(options));
  const identities = Identities.of(options);
  let output = EMPTY;
  const report = await run(options, {
    name: 'decrypt',
    start: (how, running) =>
      identities.use(
        () => calling(() => native.headerServiceSlots(input)),
        settings.context,
        running,
        (offered) => {
          output = Buffer.allocUnsafeSlow(calling(() => native.roomForPlaintext(input)));
          return native.decryptInto(input, output, offered, settings, how);
        },
      ),
    done: plaintextSize,
  });
  return output.length === report.plaintextSize ? output : output.subarray(0, report.plaintextSize);
}

const EMPTY = Buffer.alloc(0);
