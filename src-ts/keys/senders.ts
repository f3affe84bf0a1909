// Senders: who signs a stream, and whose streams a reader accepts.

import { native } from '../internal/binding';
import { awaitNative } from '../internal/errors';
import { optionsOf } from '../internal/option-tables';
import { path as checkedPath } from '../internal/options';
import type { KeyFileOptions } from './secret-key';
import { type SenderInput, SenderKey } from './sender-key';

/** Options of {@link senderKeyFromFile}. */
export interface SenderKeyFileOptions extends KeyFileOptions {
  /** Opens a private key that is protected by a passphrase. */
  passphrase?: string | Uint8Array | undefined;
}

/** Options of {@link sshAgentSigner}. */
export interface SshAgentOptions {
  /** The public key of the one to use. By default the agent must hold exactly one key of Ed25519. */
  publicKey?: SenderInput | undefined;
  /** How long a signature may take in milliseconds, which can need a touch of a security key: 120,000 by default. */
  timeout?: number | undefined;
}

/**
 * Reads a private key of Ed25519 from a file of OpenSSH.
 *
 * @param path The file, as `ssh-keygen -t ed25519` writes it.
 * @param options Its passphrase; `allowReadable` accepts a file that the group or others can read.
 * @returns What `senderKey` takes.
 * @throws SealError of kind `KeyFileRefused`, such as with the reason `passphrase-needed` or `wrong-passphrase`; or `Io`.
 *
 * @example
 * const senderKey = await senderKeyFromFile('/home/me/.ssh/id_ed25519', { passphrase: 'correct horse' });
 * await encryptFile('a', 'a.seal', { key, senderKey });
 */
export async function senderKeyFromFile(
  path: string | URL,
  options: SenderKeyFileOptions = {},
): Promise<SenderKey> {
  const { passphrase, allowReadable = false } = optionsOf('senderKeyFromFile', options);
  const file = checkedPath('path', path);
  return SenderKey.over(await awaitNative(() => native.readSender(file, passphrase, allowReadable)));
}

/**
 * Finds a key in the SSH agent that `SSH_AUTH_SOCK` names. The agent signs when a stream ends; the key can be on a security key.
 *
 * @param options Which key, and how long to wait.
 * @returns What `senderKey` takes.
 * @throws SealError of kind `SigningFailed` if there is no agent, or it does not hold the key.
 *
 * @example
 * await encryptFile('a', 'a.seal', { key, senderKey: await sshAgentSigner() });
 */
export async function sshAgentSigner(options: SshAgentOptions = {}): Promise<SenderKey> {
  const { publicKey, timeout } = optionsOf('sshAgentSigner', options);
  return SenderKey.over(await awaitNative(() => native.findAgentSender(publicKey, timeout)));
}

/**
 * Reads public keys of senders from a file: lines of public keys, `authorized_keys` or `allowed_signers` of OpenSSH. Keys whose
 * `namespaces` do not include `sealstream` are left out. Principals are not looked at.
 *
 * @param path The file.
 * @returns The keys, in the file's order.
 * @throws SealError of kind `KeyFileRefused`, also for a line with `cert-authority`, `valid-after` or `valid-before`; or `Io`.
 *
 * @example
 * await decryptFile('a.seal', 'a', { key, senders: await sendersFromFile('allowed_signers') });
 */
export async function sendersFromFile(path: string | URL): Promise<string[]> {
  const file = checkedPath('path', path);
  return awaitNative(() => native.readSenders(file));
}
