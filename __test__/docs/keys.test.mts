// The guide's code, as it stands there.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import {
  type DecryptReport,
  decryptFile,
  encryptFile,
  KeyPair,
  passphrase,
  SecretKey,
  type EncryptReport,
} from 'sealstream';

import { failureOf } from '../api/support/errors.mjs';
import { temporaryDirectory } from '../api/support/files.mjs';
import { guideModule } from './support/guide.mjs';

interface Guide {
  backUp: (path: string, readerKey: string, lastWayIn: Uint8Array) => Promise<EncryptReport>;
  restore: (sealed: string, path: string, pairFile: string) => Promise<DecryptReport['openedBy']>;
  receive: (sealed: string, path: string, keyFile: string) => Promise<void>;
}

test('the guide’s host backs up with a public key, and the pair or the passphrase restores', async (t) => {
  const { backUp, restore } = (await import(guideModule(t, 'keys'))) as Guide;
  const directory = temporaryDirectory(t);
  const [path, sealed, back] = ['a', 'a.seal', 'b'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(path, 'some text');
  const pair = KeyPair.generate();
  await pair.toFile(join(directory, 'pair.key'));
  await backUp(path, pair.publicKey, Buffer.from('last way in'));
  const openedBy = await restore(sealed, back, join(directory, 'pair.key'));
  t.like(openedBy, { slotIndex: 0, type: 'hybrid' });
  t.is(readFileSync(back, 'utf8'), 'some text');
  await decryptFile(sealed, back, { identities: [passphrase('last way in')], overwrite: true });
});

test('the guide’s receiver takes nothing that was sealed without the shared key', async (t) => {
  const { backUp, receive } = (await import(guideModule(t, 'keys'))) as Guide;
  const directory = temporaryDirectory(t);
  const [path, back, keyFile] = ['a', 'b', 'k'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(path, 'some text');
  const key = SecretKey.generate();
  await key.toFile(keyFile);
  await encryptFile(path, `${path}.theirs`, { key });
  await receive(`${path}.theirs`, back, keyFile);
  t.is(readFileSync(back, 'utf8'), 'some text');
  await backUp(path, KeyPair.generate().publicKey, Buffer.from('another'));
  const failure = await failureOf(t, () => receive(`${path}.seal`, join(directory, 'c'), keyFile));
  t.is(failure.kind, 'NoMatchingKey');
});
