// Senders: streams are signed with keys of OpenSSH, in files, in an agent and by objects, and readers accept only senders that they name.

import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptChunks,
  decryptFile,
  decryptSync,
  encrypt,
  encryptChunks,
  encryptFile,
  encryptFileDetached,
  encryptSync,
  heal,
  inspect,
  SealError,
  sealedSize,
  SecretKey,
  SenderKey,
  senderKeyFromFile,
  sendersFromFile,
  sshAgentSigner,
  verify,
} from 'sealstream';

const key = SecretKey.generate();
const directory = mkdtempSync(join(tmpdir(), 'sealstream-'));
const at = (name: string) => join(directory, name);
const keygen = (name: string, passphrase = '') =>
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', at(name)]);
keygen('ours');
keygen('theirs');
const ours = await senderKeyFromFile(at('ours'));
const theirs = await senderKeyFromFile(at('theirs'));
const content = Buffer.alloc(300_000, 'text');
writeFileSync(at('plain'), content);
test.after.always(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A signer of the caller's own. */
function signer() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return { publicKey: raw, sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) };
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function unverified(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return SealError.is(error, 'ERR_SEAL_SENDER_UNVERIFIED') ? error.failure.reason : String(error);
}

test('every function that encrypts signs, and every one that decrypts checks the sender', async (t) => {
  const signed = { key, senderKey: ours };
  await encryptFile(at('plain'), at('file.seal'), signed);
  const { header } = await encryptFileDetached(at('plain'), at('file.body'), signed);
  const stream = createEncryptStream(signed);
  stream.end(content);
  const made = [
    await encrypt(content, signed),
    encryptSync(content, signed),
    readFileSync(at('file.seal')),
    Buffer.concat([header, readFileSync(at('file.body'))]),
    await joined(encryptChunks([content], signed)),
    await joined(stream),
  ];
  for (const sealed of made) {
    writeFileSync(at('made.seal'), sealed);
    const readers: ((senders: string | string[]) => Promise<Uint8Array>)[] = [
      (senders) => decrypt(sealed, { key, senders }),
      async (senders) => Promise.resolve(decryptSync(sealed, { key, senders })),
      async (senders) => {
        await decryptFile(at('made.seal'), at('made'), { key, senders, overwrite: true });
        return readFileSync(at('made'));
      },
      (senders) => joined(decryptChunks([sealed], { key, senders })),
      (senders) => {
        const opened = createDecryptStream({ key, senders });
        opened.end(sealed);
        return joined(opened);
      },
    ];
    for (const read of readers) {
      t.deepEqual(Buffer.from(await read(ours.publicKey)), content);
      t.deepEqual(Buffer.from(await read([theirs.publicKey, ours.publicKey])), content);
      t.is(await unverified(read(theirs.publicKey)), 'another-sender');
      t.is(await unverified(read([])), 'another-sender');
    }
    const { sound, sender } = await verify(sealed, { senders: ours.publicKey });
    t.deepEqual([sound, sender], [true, { publicKey: ours.publicKey, verified: true }]);
    t.is((await inspect(sealed)).claimedSender, ours.publicKey);
  }
  t.is(sealedSize(content.length, signed), (made[0] ?? content).length);
});

test('reports name the sender, and verify finds another one without a key', async (t) => {
  const sealed = await encrypt(content, { key, senderKey: ours });
  writeFileSync(at('report.seal'), sealed);
  const sender = { publicKey: ours.publicKey, verified: true };
  t.deepEqual((await decryptFile(at('report.seal'), at('report'), { key, overwrite: true })).sender, sender);
  t.deepEqual((await encryptFile(at('plain'), at('report2.seal'), { key, senderKey: ours })).sender, sender);
  t.is((await encryptFile(at('plain'), at('report3.seal'), { key })).sender, undefined);
  const found = await verify(sealed, { senders: theirs.publicKey });
  t.false(found.sound);
  t.is(found.problems[0]?.code, 'ERR_SEAL_SENDER_UNVERIFIED');
  const unsigned = await encrypt(content, { key, digest: 'blake3' });
  t.is(await unverified(decrypt(unsigned, { key, senders: ours.publicKey })), 'no-signature');
  t.is((await verify(unsigned)).sender, undefined);
});

test('heal accepts only a copy that is signed', async (t) => {
  const sealed = await encrypt(content, { key, senderKey: ours });
  const damaged = Buffer.from(sealed);
  damaged[1000] = 0xff - (damaged[1000] ?? 0);
  const report = await heal(damaged, [sealed], at('healed'), { senders: ours.publicKey });
  t.deepEqual(report.sender, { publicKey: ours.publicKey, verified: true });
  t.is(
    await unverified(heal(damaged, [sealed], at('refused'), { senders: theirs.publicKey })),
    'another-sender',
  );
  t.false(existsSync(at('refused')));
});

test('a signer of the caller signs in every way that can wait for it', async (t) => {
  const own = signer();
  const asked: number[] = [];
  const senderKey = {
    publicKey: own.publicKey,
    sign: async (bytes: Uint8Array) => {
      asked.push(bytes.length);
      await delay(1);
      return own.sign(bytes);
    },
  };
  const sealed = await encrypt(content, { key, senderKey });
  await encryptFile(at('plain'), at('own.seal'), { key, senderKey });
  const chunks = await joined(encryptChunks([content], { key, senderKey }));
  t.deepEqual(asked, [102, 102, 102]);
  for (const stream of [sealed, readFileSync(at('own.seal')), chunks]) {
    t.deepEqual(Buffer.from(await decrypt(stream, { key, senders: own.publicKey })), content);
  }
  t.throws(() => encryptSync(content, { key, senderKey }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /senderKey must be usable at once/,
  });
});

test('a signer that fails fails the operation, and leaves no file', async (t) => {
  const { publicKey } = signer();
  const wrong: (() => unknown)[] = [
    () => undefined,
    () => new Uint8Array(63),
    () => new Uint8Array(64),
    () => {
      throw new Error('the service is down');
    },
    () => Promise.reject(new Error('the service is down')),
  ];
  for (const answer of wrong) {
    const senderKey = { publicKey, sign: answer as () => Uint8Array };
    const error = await t.throwsAsync(encryptFile(at('plain'), at('failed.seal'), { key, senderKey }));
    t.true(SealError.is(error, 'ERR_SEAL_SIGNING_FAILED'));
    t.false(existsSync(at('failed.seal')));
  }
});

test('an operation that waits for a signer can be cancelled', async (t) => {
  const { publicKey } = signer();
  const controller = new AbortController();
  const senderKey = {
    publicKey,
    sign: () => {
      controller.abort();
      return new Promise<Uint8Array>(() => undefined);
    },
  };
  const error: unknown = await encrypt(content, { key, senderKey, signal: controller.signal }).catch(
    (reason: unknown) => reason,
  );
  t.is(error, controller.signal.reason);
});

test('a weak digest is not signed, and resuming takes a secret that recipients do not know', async (t) => {
  for (const digest of ['none', 'crc64-nvme'] as const) {
    await t.throwsAsync(encrypt(content, { key, senderKey: ours, digest }), {
      code: 'ERR_OUT_OF_RANGE',
      message: /digest/,
    });
  }
  await t.throwsAsync(encryptFile(at('plain'), at('resumed.seal'), { key, senderKey: ours, resume: true }), {
    code: 'ERR_OUT_OF_RANGE',
    message: /resumeSecret/,
  });
  const resumeSecret = Buffer.alloc(32, 9);
  const options = { key, senderKey: ours, resume: true, resumeSecret };
  const report = await encryptFile(at('plain'), at('resumed.seal'), options);
  t.true(report.sender?.verified);
});

test('wrong senders and sender keys are refused by name', async (t) => {
  const sealed = await encrypt(content, { key, senderKey: ours });
  for (const [senders, code] of [
    ['ssh-ed25519 AAAA', 'ERR_OUT_OF_RANGE'],
    ['ssh-rsa AAAA', 'ERR_OUT_OF_RANGE'],
    [new Uint8Array(31), 'ERR_OUT_OF_RANGE'],
    [[7], 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    await t.throwsAsync(decrypt(sealed, { key, senders: senders as string }), { code, message: /senders/ });
  }
  for (const senderKey of [
    7,
    'ssh-ed25519 AAAA',
    {},
    { publicKey: new Uint8Array(32) },
    { sign: () => new Uint8Array(64) },
  ]) {
    await t.throwsAsync(encrypt(content, { key, senderKey: senderKey as unknown as SenderKey }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /senderKey/,
    });
  }
  await t.throwsAsync(encrypt(content, { key, announceSender: true }), { message: /announceSender/ });
  t.throws(() => new (SenderKey as unknown as new () => SenderKey)(), { message: /senderKeyFromFile/ });
});

test('a sender key is disposed of', async (t) => {
  const own = await senderKeyFromFile(at('ours'));
  own.dispose();
  own.dispose();
  await t.throwsAsync(encrypt(content, { key, senderKey: own }), { code: 'ERR_INVALID_STATE' });
});

test('files of OpenSSH are read', async (t) => {
  keygen('protected', 'correct horse');
  const reasonOf = async (promise: Promise<unknown>) => {
    const error = await t.throwsAsync(promise);
    return SealError.is(error, 'ERR_SEAL_KEY_FILE_REFUSED') ? error.failure.reason : error.message;
  };
  t.is(await reasonOf(senderKeyFromFile(at('protected'))), 'passphrase-needed');
  t.is(await reasonOf(senderKeyFromFile(at('protected'), { passphrase: 'wrong' })), 'wrong-passphrase');
  t.is(await reasonOf(senderKeyFromFile(at('plain'), { allowReadable: true })), 'too-large');
  const read = await senderKeyFromFile(at('protected'), { passphrase: Buffer.from('correct horse') });
  const line = readFileSync(at('protected.pub'), 'utf8');
  t.true(line.startsWith(read.publicKey));
  writeFileSync(at('signers'), `me namespaces="git" ${ours.publicKey}\nme ${line}`);
  t.deepEqual(await sendersFromFile(at('signers')), [read.publicKey]);
  writeFileSync(at('signers'), `me cert-authority ${line}`);
  t.is(await reasonOf(sendersFromFile(at('signers'))), 'cert-authority');
});

test.serial('an agent signs', async (t) => {
  const socket = at('agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  const before = process.env['SSH_AUTH_SOCK'];
  try {
    while (!existsSync(socket)) await delay(10);
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    process.env['SSH_AUTH_SOCK'] = socket;
    await t.throwsAsync(sshAgentSigner(), { code: 'ERR_SEAL_SIGNING_FAILED', message: /ssh-add/ });
    execFileSync('ssh-add', ['-q', at('ours')], { env });
    const senderKey = await sshAgentSigner();
    t.is(senderKey.publicKey, ours.publicKey);
    const sealed = await encrypt(content, { key, senderKey });
    t.deepEqual(Buffer.from(await decrypt(sealed, { key, senders: ours.publicKey })), content);
    await t.throwsAsync(sshAgentSigner({ publicKey: theirs.publicKey }), { code: 'ERR_SEAL_SIGNING_FAILED' });
    execFileSync('ssh-add', ['-q', '-D'], { env });
    await t.throwsAsync(encrypt(content, { key, senderKey }), { code: 'ERR_SEAL_SIGNING_FAILED' });
  } finally {
    if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
    else process.env['SSH_AUTH_SOCK'] = before;
    agent.kill();
    await once(agent, 'exit');
  }
});
