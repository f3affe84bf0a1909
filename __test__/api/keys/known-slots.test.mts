import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import {
  decrypt,
  decryptFile,
  encrypt,
  identitiesFromFile,
  type Identity,
  KeyPair,
  passphrase,
  provider,
  recipientsFromFile,
  SealError,
  secretKey,
  type SecretKey,
  type SlotType,
} from 'sealstream';

import { errorOf, failureOf } from '../support/errors.mjs';
import { repositoryFile, temporaryDirectory } from '../support/files.mjs';

test('key pairs go through files', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'pairs');
  for (const type of ['x25519', 'hybrid'] as const) {
    const pair = KeyPair.generate(type);
    await pair.toFile(`${path}.${type}`);
    const read = await KeyPair.fromFile(`${path}.${type}`);
    t.is(read.publicKey, pair.publicKey);
    t.is(read.type, type);
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

test('a file of several identities is read and disposed of as a whole', async (t) => {
  const path = join(temporaryDirectory(t), 'identities');
  const pairs = [KeyPair.generate(), KeyPair.generate('x25519')];
  const lines = pairs.flatMap((pair) => [`# ${pair.publicKey}`, pair.exportText(), '']);
  writeFileSync(path, lines.join('\r\n'), { mode: 0o600 });
  const identities = await identitiesFromFile(path);
  t.true(Array.isArray(identities));
  t.deepEqual(
    identities.map(({ publicKey }) => publicKey),
    pairs.map(({ publicKey }) => publicKey),
  );
  t.deepEqual(Object.keys(identities), ['0', '1']);
  const sealed = await encrypt(Buffer.from('text'), { recipients: pairs[1]! });
  t.is((await decrypt(sealed, { identities })).toString(), 'text');
  t.like(await errorOf(() => KeyPair.fromFile(path)), {
    name: 'RangeError',
    message: 'path names a file of 2 key pairs: identitiesFromFile reads them',
  });
  identities[Symbol.dispose]();
  t.like(await errorOf(() => decrypt(sealed, { identities })), { code: 'ERR_INVALID_STATE' });
  identities.dispose();
});

test('a file of recipients is read', async (t) => {
  const path = join(temporaryDirectory(t), 'recipients');
  const pairs = [KeyPair.generate(), KeyPair.generate('x25519')];
  writeFileSync(path, `# the team\r\n\n${pairs.map(({ publicKey }) => `  ${publicKey} `).join('\n')}`);
  const recipients = await recipientsFromFile(path);
  t.deepEqual(
    recipients.map(({ type }) => type),
    ['hybrid', 'x25519'],
  );
  const sealed = await encrypt(Buffer.from('text'), { recipients });
  for (const identities of pairs) t.is((await decrypt(sealed, { identities })).toString(), 'text');
  writeFileSync(path, `${pairs[0]!.publicKey}\n${pairs[0]!.exportText()}\n`);
  const error = await errorOf(() => recipientsFromFile(path));
  t.true(SealError.is(error, 'ERR_SEAL_KEY_FILE_REFUSED') && error.failure.line === 2);
  t.notRegex(String(error), /AGE-SECRET/);
  writeFileSync(path, '# no key\n');
  t.like(await failureOf(t, () => recipientsFromFile(path)), { kind: 'KeyFileRefused', path });
  t.like(await failureOf(t, () => recipientsFromFile(`${path}.no`)), { kind: 'Io', code: 'ENOENT' });
});

interface KnownStream {
  readonly name: string;
  readonly identity: Record<string, string>;
  readonly slot: number;
  readonly slot_type: SlotType;
  readonly stream: string;
}

/** What opens a known stream, of which providers are asked for the key that is known. */
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
