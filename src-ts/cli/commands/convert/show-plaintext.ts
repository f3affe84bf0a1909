// Shows plaintext on a terminal: only text, and only after all of it is verified.

import { closeSync, openSync, read as readCallback, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { decrypt, inspect, type DecryptOptions, type OperationOptions } from '../../../index';

import { isRetry, STDOUT, writeAll } from '../../terminal/console';
import type { Endpoint } from '../../files/endpoints';
import { refusal } from '../../errors/command-error';

/**
 * Decrypts a short stream in memory and prints it if it is text.
 *
 * @returns Whether the header was damaged and its copy was used.
 * @throws CommandError for binary or long plaintext.
 */
export async function showOnTerminal(
  source: Endpoint,
  options: DecryptOptions & OperationOptions,
): Promise<{ headerFromCopy: boolean }> {
  const sealed = await readAll(source);
  const plaintext = await decrypt(sealed, options);
  try {
    checkTextSize(plaintext.length);
    checkText(plaintext);
    printText(plaintext);
  } finally {
    plaintext.fill(0);
  }
  const { headerFromCopy } = await inspect(sealed);
  return { headerFromCopy };
}

/** Reads a sealed stream that is short enough to show. */
async function readAll(source: Endpoint): Promise<Buffer> {
  const fd = 'fd' in source ? source.fd : openRegular(source.path);
  const sealed = Buffer.alloc(SEALED_LIMIT + 1);
  try {
    for (let size = 0; size < sealed.length;) {
      try {
        const { bytesRead } = await read(fd, sealed, size, sealed.length - size, null);
        if (bytesRead === 0) return sealed.subarray(0, size);
        size += bytesRead;
      } catch (error) {
        // Another program made the pipe non-blocking.
        if (!isRetry(error)) throw error;
        await delay(10);
      }
    }
  } finally {
    if ('path' in source) closeSync(fd);
  }
  throw refuseOnTerminal(TOO_LONG);
}

function openRegular(path: string): number {
  // Opening a named pipe would block.
  const found = statSync(path);
  if (found.isDirectory()) throw refusal(`${path} is a directory`, 'name a sealed file');
  if (!found.isFile()) throw refusal(`${path} is not a regular file`, 'use - for standard input');
  return openSync(path, 'r');
}

/** Prints text. The shell's prompt then starts on a line of its own. */
export function printText(plaintext: Uint8Array): void {
  writeAll(STDOUT, plaintext);
  if (plaintext.length > 0 && plaintext.at(-1) !== NEWLINE) writeAll(STDOUT, '\n');
}

/** Refuses plaintext that is too long for a terminal. */
export function checkTextSize(size: number): void {
  if (size > LIMIT) throw refuseOnTerminal(TOO_LONG);
}

/**
 * Refuses plaintext that is not text.
 *
 * @param isPart Whether it may begin or end within a character.
 */
export function checkText(plaintext: Uint8Array, isPart = false): void {
  let start = 0;
  // In UTF-8, all bytes of a character but the first are 10xxxxxx.
  while (isPart && start < 3 && ((plaintext[start] ?? 0) & 0b1100_0000) === 0b1000_0000) start += 1;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(plaintext.subarray(start), { stream: isPart });
  } catch {
    throw refuseOnTerminal('the plaintext is binary');
  }
  if (CONTROL.test(text))
    throw refuseOnTerminal('the plaintext has control characters, which can change the terminal');
}

function refuseOnTerminal(reason: string) {
  return refusal(
    `${reason}, and standard output is a terminal`,
    'name a file with -o OUT, use a pipe such as "| less", or use --tty to send it anyway',
  );
}

const read = promisify(readCallback);
const LIMIT = 2 ** 20;
// Sealed size of that much text in the smallest frames and segments, with a header.
const SEALED_LIMIT = 2 * LIMIT;
const TOO_LONG = 'the plaintext is too long for a terminal';
const NEWLINE = 0x0a;
// Tabs and line ends are harmless; a carriage return alone lets one text cover another.
const CONTROL = /(?![\t\n]|\r\n)\p{Cc}/u;
