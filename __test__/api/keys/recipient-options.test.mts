import { buffer } from 'node:stream/consumers';
import { inspect as inspectValue } from 'node:util';

import test from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptSegments,
  decryptSync,
  encrypt,
  encryptSync,
  inspect,
  KeyPair,
  passphrase,
  provider,
  publicKey,
  type Recipient,
  sealedSize,
  SecretKey,
  secretKey,
} from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { errorOf, failureOf } from '../support/errors.mjs';
import { CHEAP, FakeProvider, keyHolders } from '../support/key-holders.mjs';

const PLAIN = pattern(5000);

test('inspect reports what is visible of each slot', async (t) => {
  const pair = KeyPair.generate();
  const recipients = [
    secretKey(SecretKey.generate(), { keyId: 'vault 7' }),
    passphrase('x', { strength: CHEAP }),
    provider(new FakeProvider('kms'), 'alias/a'),
    publicKey(pair.publicKey),
  ];
  const { slots, isPostQuantum } = await inspect(await encrypt(PLAIN, { recipients }));
  t.deepEqual(slots, [
    { slotIndex: 0, type: 'key', keyId: 'vault 7' },
    { slotIndex: 1, type: 'passphrase', passphraseCost: CHEAP },
    { slotIndex: 2, type: 'provider', keyId: 'alias/a', provider: 'kms' },
    { slotIndex: 3, type: 'hybrid' },
  ]);
  t.true(isPostQuantum);
});

test('the size is known for all recipients except providers', async (t) => {
  const holders = keyHolders().filter(({ type }) => type !== 'provider');
  for (const { recipient } of holders) {
    const recipients = [recipient, recipient];
    t.is((await encrypt(PLAIN, { recipients })).length, sealedSize(5000, { recipients }));
  }
  const providers = [provider(new FakeProvider(), 'a')];
  t.throws(() => sealedSize(5000, { recipients: providers }), {
    instanceOf: TypeError,
    message: /provider/,
  });
});

test('a passphrase is the same in every Unicode composition, and as bytes', async (t) => {
  const stream = await encrypt(PLAIN, { recipients: [passphrase('caf\u{e9}', { strength: CHEAP })] });
  for (const text of ['cafe\u{301}', new TextEncoder().encode('caf\u{e9}')]) {
    t.deepEqual(await decrypt(stream, { identities: [passphrase(text)] }), PLAIN);
  }
});

test('what a header may cost is limited before any passphrase is tried', async (t) => {
  const strength = { memoryKiB: 64, passes: 2, lanes: 1 };
  const recipients = [passphrase('a', { strength }), passphrase('b', { strength }), keyRecipient()];
  const stream = await encrypt(PLAIN, { recipients });
  const identities = [passphrase('b')];
  t.deepEqual(await decrypt(stream, { identities, maxPassphraseCost: 256 }), PLAIN);
  const failure = await failureOf(t, () => decrypt(stream, { identities, maxPassphraseCost: 255 }));
  t.like(failure, { kind: 'LimitExceeded', limit: 'passphrase-cost', maximum: 255, value: 256 });
  const tooMuch = await failureOf(t, () => decrypt(stream, { identities, maxPassphraseMemory: 7 }));
  t.like(tooMuch, { kind: 'LimitExceeded', limit: 'passphrase-memory', maximum: 7 });
});

function keyRecipient(): Recipient {
  return secretKey(SecretKey.generate());
}

test('a short payload is sealed synchronously for all fast recipients', (t) => {
  const key = SecretKey.generate();
  const pairs = [KeyPair.generate(), KeyPair.generate('x25519')];
  const many = Array.from({ length: 60 }, () => secretKey(SecretKey.generate(), { keyId: 'é'.repeat(127) }));
  for (const others of [[], [publicKey(pairs[0]!.publicKey)], [publicKey(pairs[1]!.publicKey)], many]) {
    for (const recipients of [[...others, key], others.length === 1 ? others : [key]]) {
      for (const size of [0, 10, 8192, 8193]) {
        const stream = encryptSync(pattern(size), { recipients });
        t.is(stream.length, sealedSize(size, { recipients }));
        t.deepEqual(decryptSync(stream, { identities: [key, ...pairs] }), pattern(size));
      }
    }
  }
});

test('stretching a passphrase blocks neither the event loop nor small operations', async (t) => {
  const recipients = [passphrase('a', { strength: { memoryKiB: 65_536, passes: 3, lanes: 1 } })];
  const key = SecretKey.generate();
  const state = { isDone: false };
  const sealing = Promise.all([1, 2, 3, 4].map(() => encrypt(PLAIN, { recipients }))).then((streams) => {
    state.isDone = true;
    return streams;
  });
  let meanwhile = 0;
  while (!state.isDone) {
    await encrypt(PLAIN, { key });
    meanwhile += 1;
  }
  // Far more than if each had waited for one of the four.
  t.true(meanwhile > 20, `${meanwhile}`);
  t.is((await sealing).length, 4);
});

test('synchronous functions refuse passphrases and providers', (t) => {
  const [pass, keyProvider] = [passphrase('a', { strength: CHEAP }), provider(new FakeProvider(), 'a')];
  const key = SecretKey.generate();
  const stream = encryptSync(PLAIN, {
    recipients: [secretKey(key), publicKey(KeyPair.generate('x25519').publicKey)],
  });
  t.deepEqual(decryptSync(stream, { identities: [key] }), PLAIN);
  for (const slow of [pass, keyProvider]) {
    t.throws(() => encryptSync(PLAIN, { recipients: [slow] }), {
      instanceOf: TypeError,
      message: /use encrypt instead/,
    });
    t.throws(() => decryptSync(stream, { identities: [slow] }), {
      instanceOf: TypeError,
      message: /use decrypt instead/,
    });
  }
});

test('invalid recipients and identities are refused with the reason', async (t) => {
  const key = SecretKey.generate();
  const pair = KeyPair.generate();
  const secret = pair.exportText();
  const seal = (options: unknown) => errorOf(() => encrypt(PLAIN, options as { key: SecretKey }));
  const unseal = (options: unknown) => errorOf(() => decrypt(PLAIN, options as { key: SecretKey }));
  const five = Array.from({ length: 5 }, () => passphrase('a', { strength: CHEAP }));
  const cases: [unknown, RegExp][] = [
    [await seal({}), /key must be given, or recipients/],
    [await seal({ recipients: [] }), /recipients must have 1 to 64 items, not 0/],
    [await seal({ recipients: Array.from({ length: 65 }, () => key) }), /1 to 64 items, not 65/],
    [await seal({ recipients: 7 }), /^recipients must be a recipient: /],
    [await seal({ recipients: [key], key }), /with key/],
    [await seal({ recipients: [key], keyId: 'a' }), /with key/],
    [await seal({ recipients: [key, 'age1'] }), /^recipients\[1\] .*not such a key, or not complete/],
    [await seal({ recipients: 'swordfish' }), /^recipients is a text.*no public key.*passphrase\(text\)/],
    [await seal({ recipients: [secret] }), /^recipients\[0\] is the text of a secret key/],
    [await seal({ recipients: secret.toLowerCase() }), /^recipients is the text of a secret key/],
    [await unseal({ identities: 'swordfish' }), /^identities is a text.*no secret key.*passphrase\(text\)/],
    [await unseal({ identities: [pair.publicKey] }), /^identities\[0\] is the text of a public key/],
    [await unseal({ identities: secret.slice(0, -1) }), /^identities is no secret key: /],
    [await unseal({ identities: 7 }), /^identities must be an identity: /],
    [await seal({ recipients: [{ type: 'key' }] }), /recipients\[0\] must be a recipient/],
    [await seal({ recipients: [, key] }), /recipients\[0\]/], // eslint-disable-line no-sparse-arrays
    [await seal({ recipients: five }), /passphrase/],
    [await unseal({}), /key must be given, or identities/],
    [await unseal({ identities: [] }), /identities must have at least one item/],
    [
      await unseal({ identities: [publicKey(pair.publicKey)] }),
      /identities\[0\].*public key, which opens nothing/,
    ],
    [await unseal({ identities: [key], key }), /with key/],
    [await unseal({ key, acceptSlots: [] }), /acceptSlots must have at least one item/],
    [await unseal({ key, acceptSlots: ['keys'] }), /acceptSlots must be one of 'key', 'passphrase'/],
    [await unseal({ key, maxPassphraseCost: -1 }), /maxPassphraseCost must be an integer/],
  ];
  for (const [error, message] of cases) {
    t.true(error instanceof Error);
    const text = (error as Error).message;
    t.regex(text, message);
    for (const value of ['swordfish', secret.slice(20, -1), pair.publicKey.slice(20)]) {
      t.false(text.toLowerCase().includes(value.toLowerCase()));
    }
  }
});

test('recipients and identities take one or a list, texts of keys, and key pairs', async (t) => {
  const own = SecretKey.generate();
  for (const pair of [KeyPair.generate(), KeyPair.generate('x25519')]) {
    const identities = [pair, [pair], pair.exportText(), [own, `${pair.exportText()}\n`]];
    for (const recipients of [
      pair,
      [pair],
      pair.publicKey,
      [own, ` ${pair.publicKey}\n`],
      publicKey(pair.publicKey),
    ]) {
      const sealed = await encrypt(PLAIN, { recipients });
      for (const identity of identities) t.deepEqual(await decrypt(sealed, { identities: identity }), PLAIN);
      t.deepEqual(decryptSync(encryptSync(PLAIN, { recipients }), { identities: pair.exportText() }), PLAIN);
    }
    // A recipient that is a pair leaves no secret key in what opens.
    const sealed = await encrypt(PLAIN, { recipients: pair });
    t.is((await failureOf(t, () => decrypt(sealed, { identities: own }))).kind, 'NoMatchingKey');
    pair.dispose();
    t.throws(() => encryptSync(PLAIN, { recipients: pair }), { message: 'recipients was disposed of' });
  }
});

test('functions that make recipients refuse invalid values without showing them', (t) => {
  const short = KeyPair.generate('x25519');
  const secret = short.exportText();
  const cases: [() => unknown, RegExp][] = [
    [() => passphrase(''), /^text must not be empty$/],
    [() => passphrase('\u{d800}'), /well-formed Unicode/],
    [() => passphrase(Uint8Array.of(0xff)), /well-formed UTF-8/],
    [() => passphrase('a', { strength: 'strong' as 'default' }), /strength must be one of/],
    [
      () => passphrase('a', { strength: { memoryKiB: 7, passes: 1, lanes: 1 } }),
      /memoryKiB must be an integer from 8/,
    ],
    [() => passphrase('a', { strength: { memoryKiB: 4096, passes: 0, lanes: 1 } }), /passes/],
    [() => passphrase('a', { strength: { memoryKiB: 4096, passes: 1, lanes: 256 } }), /lanes/],
    [() => publicKey(7 as unknown as string), /^text must be a string/],
    [() => publicKey(secret), /expected a key such as age1/],
    [() => publicKey(short.publicKey.slice(0, -1)), /not such a key, or not complete/],
    [() => KeyPair.fromText(short.publicKey), /AGE-SECRET-KEY-1/],
    [() => KeyPair.fromText(secret.toLowerCase()), /no secret key/],
    [() => KeyPair.generate('p256' as 'hybrid'), /hybrid/],
    [() => secretKey(SecretKey.generate(), { keyId: 'x'.repeat(256) }), /at most 255 bytes/],
    [() => provider(new FakeProvider(''), 'a'), /keyProvider.name/],
    [() => provider(new FakeProvider(), 'a', { timeout: 0 }), /timeout/],
    [() => passphrase('a', { strengths: 1 } as object), /no option "strengths"/],
  ];
  for (const [call, message] of cases) {
    const error = t.throws(call);
    t.regex(error.message, message);
    t.false(error.message.includes(secret.slice(20)));
  }
});

test('passphrases, pairs and providers print their type', (t) => {
  const pair = KeyPair.generate('x25519');
  t.is(String(pair), '[KeyPair]');
  t.is(inspectValue(passphrase('swordfish')), '[passphrase]');
  t.is(JSON.stringify({ a: passphrase('swordfish') }), '{"a":"[passphrase]"}');
  t.is(inspectValue(publicKey(pair.publicKey)), '[x25519]');
});

test('disposed secrets cannot be used, and running operations continue', async (t) => {
  const pass = passphrase('a', { strength: CHEAP });
  const pair = KeyPair.generate('x25519');
  const sealing = encrypt(PLAIN, { recipients: [pass, publicKey(pair.publicKey)] });
  pass.dispose();
  const stream = await sealing;
  const opening = decrypt(stream, { identities: [pair] });
  pair[Symbol.dispose]();
  t.deepEqual(await opening, PLAIN);
  for (const call of [
    () => encrypt(PLAIN, { recipients: [pass] }),
    () => decrypt(stream, { identities: [pair] }),
    () => pair.toFile('unused'),
    () => pair.exportText(),
  ]) {
    const error = await errorOf(call);
    t.true(error instanceof TypeError && error.message.includes('disposed of'), String(error));
  }
});

test('streams and readers copy their secrets', async (t) => {
  const pass = passphrase('a', { strength: CHEAP });
  const sealing = createEncryptStream({ recipients: [pass] });
  pass.dispose();
  sealing.end(PLAIN);
  const stream = await buffer(sealing);
  const again = passphrase('a');
  const opening = createDecryptStream({ identities: [again] });
  const segments = decryptSegments(stream, { identities: [again] });
  again.dispose();
  opening.end(stream);
  t.deepEqual(await buffer(opening), PLAIN);
  t.true((await segments.next()).value?.ok);
  await segments.return();
});
