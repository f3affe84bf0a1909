// Who signs what a command encrypts, and whose sealed files it accepts.

import { SealError, type SenderKey, senderKeyFromFile, sendersFromFile, sshAgentSigner } from '../../index';

import { usageError } from '../errors/command-error';
import { type KeyFileUse, refusedKeyFile } from '../errors/key-file-refusals';
import type { Arguments } from '../runner/arguments';
import { unreadableKeys } from './public-keys';

/**
 * The signer of --sender-key: an OpenSSH private key in a file, or `agent:` and a public key, its file, or nothing.
 *
 * @throws CommandError for a file that holds no such key; SealError if no agent holds it.
 */
export async function senderKeyIn(args: Arguments): Promise<SenderKey | undefined> {
  const named = args.value('sender-key');
  if (named === undefined) return undefined;
  if (named.startsWith(AGENT)) return agentKey(named.slice(AGENT.length));
  const allowReadable = args.has('allow-readable-key');
  return read(named, '--sender-key', 'sender key file', () => senderKeyFromFile(named, { allowReadable }));
}

/**
 * The senders of --sender: public keys, or files of them; `undefined` if it is not given.
 *
 * @throws CommandError for a file without one.
 */
export async function sendersIn(args: Arguments): Promise<string[] | undefined> {
  if (!args.has('sender')) return undefined;
  const found: string[] = [];
  for (const named of args.values('sender')) {
    if (isKey(named)) found.push(named);
    else found.push(...(await sendersOf(named, '--sender')));
  }
  return found;
}

async function agentKey(named: string): Promise<SenderKey> {
  if (named === '') return sshAgentSigner();
  if (isKey(named)) return sshAgentSigner({ publicKey: named });
  const [publicKey, second] = await sendersOf(named, '--sender-key');
  if (second !== undefined) throw usageError(`${named} holds several public keys`, 'name a file with one');
  return sshAgentSigner({ publicKey });
}

function sendersOf(path: string, option: string): Promise<string[]> {
  return read(path, option, 'senders file', () => sendersFromFile(path));
}

async function read<T>(path: string, option: string, name: string, reading: () => Promise<T>): Promise<T> {
  try {
    return await reading();
  } catch (error) {
    const use: KeyFileUse = { name, option, recipient: '-r', recipientsFile: '-R' };
    if (SealError.is(error, 'ERR_SEAL_KEY_FILE_REFUSED')) throw refusedKeyFile(error.failure, use);
    const names = {
      name,
      option,
      ifPublicKey: 'name the file of a key of OpenSSH',
      ifMissing: `check the name after ${option}`,
    };
    if (SealError.is(error, 'ERR_SEAL_IO')) throw unreadableKeys(path, error.failure.code, names) ?? error;
    throw error;
  }
}

function isKey(text: string): boolean {
  return /^\s*(?:sk-)?ssh-ed25519/.test(text) && text.trim().includes(' ');
}

const AGENT = 'agent:';
