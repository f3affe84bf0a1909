// Whether secrets are gone from the memory of a process that has disposed of them. The process is searched from outside, so that
// nothing of what is searched for is in it on the search's account.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import test from 'ava';
import { KeyPair } from 'sealstream';

import { temporaryDirectory } from '../support/files.mjs';
import { openStream } from '../support/independent-opener.mjs';

/** How often each pattern stands in what the process can write to: its heap, its stacks, its data. */
function search(pid: number, patterns: Readonly<Record<string, Buffer>>): Record<string, number> {
  const found = Object.fromEntries(Object.keys(patterns).map((name) => [name, 0]));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const block = Buffer.alloc(BLOCK + OVERLAP);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([\da-f]+)-([\da-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
      for (let at = start; at < end; at += BLOCK) {
        const size = Math.min(block.length, end - at);
        const read = readOrNothing(memory, block, size, at);
        for (const [name, pattern] of Object.entries(patterns)) {
          found[name]! += occurrences(block.subarray(0, read), pattern);
        }
      }
    }
  } finally {
    closeSync(memory);
  }
  return found;
}

/** Some regions are the kernel's own, or have gone since they were listed. */
function readOrNothing(memory: number, block: Buffer, size: number, at: number): number {
  try {
    return readSync(memory, block, 0, size, at);
  } catch {
    return 0;
  }
}

/** Those that begin in the block itself, so that none counts twice. */
function occurrences(bytes: Buffer, pattern: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(pattern); at !== -1 && at < BLOCK; at = bytes.indexOf(pattern, at + 1))
    count += 1;
  return count;
}

/** The secret key of a pair, which its text has in Bech32. */
function secretBytes(text: string): Buffer {
  const digits = Array.from(text.toLowerCase().slice(text.lastIndexOf('1') + 1, -6), (c) =>
    BECH32.indexOf(c),
  );
  const bytes: number[] = [];
  let [bits, count] = [0, 0];
  for (const digit of digits) {
    bits = (bits << 5) | digit;
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 0xff);
      bits &= (1 << count) - 1;
    }
  }
  return Buffer.from(bytes);
}

(process.platform === 'linux' ? test : test.skip)('disposed secrets are nowhere in memory', async (t) => {
  const directory = temporaryDirectory(t);
  const write = (name: string, content: string | Buffer) => {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
  };
  const [key, words] = [randomBytes(32), randomBytes(30).toString('base64')];
  const texts = [KeyPair.generate('x25519'), KeyPair.generate()].map((pair) => pair.exportText());
  write('key', key);
  write('passphrase', words);
  write('pairs', `${texts.join('\n')}\n`);
  const [x25519, hybrid] = texts.map(secretBytes);
  const secrets: Record<string, Buffer> = {
    key,
    keyText: Buffer.from(key.toString('hex')),
    passphrase: Buffer.from(words),
    x25519: x25519!,
    x25519Text: Buffer.from(texts[0]!.slice(20)),
    hybrid: hybrid!,
    hybridText: Buffer.from(texts[1]!.slice(20)),
  };

  const program = join(import.meta.dirname, 'programs', 'use-secrets.mjs');
  const child = spawn(process.execPath, ['--expose-gc', program, directory], {
    cwd: join(import.meta.dirname, '..', '..', '..'),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  t.is((await lines.next()).value, 'used');
  const { keys } = openStream(readFileSync(join(directory, 'for-key')), key, Buffer.alloc(0));
  // All that the search has to find while it is there, or it would find nothing later either.
  const inUse = search(child.pid!, { ...secrets, ...keys });
  for (const name of ['key', 'passphrase', 'x25519', 'hybrid', 'file']) {
    t.true(inUse[name]! > 0, `the search does not find ${name}: ${JSON.stringify(inUse)}`);
  }
  child.stdin.write('\n');
  t.is((await lines.next()).value, 'disposed');
  const left = search(child.pid!, { ...secrets, ...keys });
  t.deepEqual(left, Object.fromEntries(Object.keys(left).map((name) => [name, 0])));
  child.stdin.end('\n');
});

test('the search finds a pattern across the edge of a block once', (t) => {
  const pattern = randomBytes(32);
  const bytes = Buffer.alloc(BLOCK + OVERLAP);
  bytes.set(pattern, BLOCK - 1);
  t.is(occurrences(bytes, pattern), 1);
  bytes.set(Buffer.alloc(32), BLOCK - 1);
  bytes.set(pattern, BLOCK);
  t.is(occurrences(bytes, pattern), 0);
});

const BLOCK = 1 << 20;
/** A pattern that begins in a block is whole in it and this. */
const OVERLAP = 256;
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
