import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import {
  decrypt,
  decryptFile,
  type Identity,
  KeyPair,
  passphrase,
  provider,
  secretKey,
  type SecretKey,
  type SlotType,
} from 'sealstream';

import { failureOf } from '../support/errors.mjs';
import { repositoryFile, temporaryDirectory } from '../support/files.mjs';

test('key pairs go through files', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'pairs');
  for (const type of ['x25519', 'hybrid'] as const) {
    const pair = KeyPair.generate(type);
    await pair.toFile(`${path}.${type}`);
    const [read, ...more] = await KeyPair.fromFile(`${path}.${type}`);
    t.deepEqual(more, []);
    t.is(read?.publicKey, pair.publicKey);
    t.is(read?.type, type);
    t.is(KeyPair.fromText(pair.exportText()).publicKey, pair.publicKey);
    t.is((await failureOf(t, () => pair.toFile(`${path}.${type}`))).kind, 'TargetExists');
  }
  writeFileSync(path, '# nothing\nhello\n', { mode: 0o600 });
  t.like(await failureOf(t, () => KeyPair.fromFile(path)), {
    kind: 'KeyFileRefused',
    reason: 'no-secret-key',
    path,
    line: 2,
  });
});

interface KnownStream {
  readonly name: string;
  readonly identity: Record<string, string>;
  readonly slot: number;
  readonly slot_type: SlotType;
  readonly stream: string;
}

/** What opens a known stream, of which services are asked for the key that is known. */
function identityOf({ identity }: KnownStream): Identity | SecretKey {
  const [[kind, text] = ['', '']] = Object.entries(identity);
  switch (kind) {
    case 'key':
      return secretKey(Buffer.from(text, 'hex'));
    case 'passphrase':
      return passphrase(text);
    case 'x25519':
    case 'hybrid':
      return KeyPair.fromText(text);
    default: {
      const { provider: name = '', kek = '', key_id: id = '' } = identity;
      const unwrapKey = () => Promise.resolve(Uint8Array.from(Buffer.from(kek, 'hex')));
      return provider({ name, wrapKey: unwrapKey, unwrapKey }, id);
    }
  }
}

const known = JSON.parse(repositoryFile('vectors', 'slots.json').toString()) as { streams: KnownStream[] };
for (const entry of known.streams) {
  test(`a known stream opens with its identity: ${entry.name}`, async (t) => {
    const stream = Buffer.from(entry.stream, 'base64');
    const directory = temporaryDirectory(t);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    writeFileSync(from, stream);
    const report = await decryptFile(from, to, { identities: [identityOf(entry)] });
    t.like(report, { plaintextSize: 5, openedBy: { slotIndex: entry.slot, type: entry.slot_type } });
    t.is((await decrypt(stream, { identities: [identityOf(entry)] })).length, 5);
  });
}
