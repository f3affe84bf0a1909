// A program with secrets: it takes them from files, uses them in every way, and disposes of them. It says when it has come so far
// that its memory can be searched, and goes on at each line on its standard input.

import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';

import * as seal from 'sealstream';

const directory = process.argv[2] ?? '';
const file = (name) => `${directory}/${name}`;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function pause(at) {
  process.stdout.write(`${at}\n`);
  await lines.next();
}

/** A buffer that does not share its memory. Its maker overwrites it. */
function passphraseFrom(path, options) {
  const bytes = readFileSync(path);
  try {
    return seal.passphrase(bytes, options);
  } finally {
    bytes.fill(0);
  }
}

async function useAll(identities, recipients) {
  const plain = Buffer.alloc(5000, 'x');
  writeFileSync(file('plain'), plain);
  const options = { frameSize: 1024, segmentSize: 2048 };
  await seal.encryptFile(file('plain'), file('sealed'), { ...options, recipients, overwrite: true });
  await seal.encryptFile(file('plain'), file('for-key'), {
    ...options,
    recipients: recipients.slice(0, 1),
    overwrite: true,
  });
  for (const identity of identities) {
    await seal.decryptFile(file('sealed'), file('opened'), { identities: [identity], overwrite: true });
    const stream = await seal.encrypt(plain, { ...options, recipients });
    await seal.decrypt(stream, { identities: [identity] });
    const opening = seal.createDecryptStream({ identities: [identity] });
    opening.end(stream);
    await buffer(opening);
    const reader = await seal.openReader(file('sealed'), { identities: [identity] });
    await reader.read(0, 100);
    await reader.close();
    await seal.verify(file('sealed'), { identities: [identity] });
  }
  await seal.rewrap(file('sealed'), {
    identities: identities.slice(0, 1),
    add: recipients.slice(1, 2),
    remove: [{ slotIndex: 1 }],
  });
  // So that the keys of this stream, which the searcher knows, have been in use too.
  const [key] = identities;
  seal.decryptSync(readFileSync(file('for-key')), { identities: [key] });
  const reader = await seal.openReader(file('for-key'), { identities: [key] });
  await reader.read(0, 100);
  await pause('used');
  await reader.close();
}

const key = await seal.SecretKey.fromFile(file('key'));
const pairs = await seal.identitiesFromFile(file('pairs'));
const strength = { memoryKiB: 64, passes: 1, lanes: 2 };
const passphrase = passphraseFrom(file('passphrase'), { strength });
const recipients = [seal.secretKey(key), passphrase, ...pairs.map((pair) => seal.publicKey(pair.publicKey))];
await useAll([key, passphrase, ...pairs], recipients);
for (const secret of [key, passphrase, recipients[0], ...pairs]) secret.dispose();
// What operations held goes with their own objects.
for (let round = 0; round < 5; round += 1) {
  globalThis.gc();
  await new Promise((resolve) => setImmediate(resolve));
}
await pause('disposed');
process.exit();
