// The memory that the addon writes to: what it shares with what is read, and what a failure leaves there.

import test from 'ava';
import { decryptSync, encryptSync, SecretKey } from 'sealstream';
import * as floe from 'sealstream/floe';

import { native } from '../../../dist/internal/binding.js';

import { pattern } from '../support/bytes.mjs';

const key = SecretKey.generate();
const secret = Buffer.alloc(32, 7);

test('small ciphertexts that share a pool are sealed again, as text, key and associated data', (t) => {
  const first = encryptSync(pattern(100), { key });
  const second = encryptSync(first, { key });
  t.is(first.buffer, second.buffer, 'they share no pool, so that this shows nothing');
  t.true(decryptSync(decryptSync(second, { key }), { key }).equals(pattern(100)));
  const pooledKey = first.subarray(0, 32);
  const message = floe.encrypt(second, { key: pooledKey, aad: first });
  t.is(message.buffer, first.buffer);
  t.true(floe.decrypt(message, { key: pooledKey, aad: first }).equals(second));
  t.true(decryptSync(encryptSync(message, { key: pooledKey }), { key: pooledKey }).equals(message));
});

test('slices of a pool of any sizes do not overlap', (t) => {
  const slices = Array.from({ length: 400 }, (_, index) =>
    index % 2 === 0
      ? { size: index * 7, sealed: encryptSync(pattern(index * 7), { key }), open: decryptSync }
      : { size: index * 7, sealed: floe.encrypt(pattern(index * 7), { key }), open: floe.decrypt },
  );
  for (const { size, sealed, open } of slices) t.true(open(sealed, { key }).equals(pattern(size)), `${size}`);
});

test('an output that overlaps the input is refused, and is unchanged', (t) => {
  const memory = pattern(4096);
  const output = memory.subarray(1000, 3000);
  const size = native.floeSize(100, 65_568);
  const message = memory.subarray(1000, 1000 + size);
  const [before, after] = [memory.subarray(901, 1001), memory.subarray(2999, 3099)];
  const [keyBefore, keyAfter] = [memory.subarray(969, 1001), memory.subarray(2999, 3031)];
  const calls = [
    ...[before, after].flatMap((input) => [
      () => native.encryptSync(input, output, [secret], {}),
      () => native.decryptSync(input, output, [secret], {}),
      () => native.encryptInto(input, output, [secret], {}, { threads: 1 }),
      () => native.decryptInto(input, output, [secret], {}, { threads: 1 }),
    ]),
    ...[keyBefore, keyAfter].flatMap((inside) => [
      () => native.encryptSync(secret, output, [inside], {}),
      () => native.decryptSync(secret, output, [secret, inside], {}),
    ]),
    () => {
      native.floeSeal(before, message, secret, undefined, 65_568);
    },
    () => {
      native.floeSeal(pattern(100), message, secret, before, 65_568);
    },
    () => {
      native.floeSeal(pattern(100), message, keyBefore, undefined, 65_568);
    },
  ];
  for (const [index, call] of calls.entries()) {
    t.throws(call, { message: 'input and output overlap' }, `${index}`);
  }
  t.deepEqual(memory, pattern(4096));
});

test('a failure leaves zeros in the output', (t) => {
  const stream = encryptSync(pattern(3000), { key: secret });
  stream[stream.length - 200]! ^= 1;
  const calls = [
    (output: Uint8Array) => native.encryptSync(pattern(3000), output, [secret], {}),
    (output: Uint8Array) => native.decryptSync(stream, output, [secret], {}),
    (output: Uint8Array) => {
      native.floeSeal(pattern(3000), output, secret, undefined, 65_568);
    },
  ];
  for (const [index, call] of calls.entries()) {
    for (const size of [3000, 2000, 100, 1]) {
      const output = Buffer.alloc(size, 7);
      t.throws(
        () => {
          call(output);
        },
        undefined,
        `${index}, ${size}`,
      );
      t.deepEqual(output, Buffer.alloc(size), `${index}, ${size}`);
    }
  }
});
