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
  const message = memory.subarray(1000, 1000 + native.floeSize(100, 65_568));
  const inputs = [memory.subarray(901, 1001), memory.subarray(2999, 3099), memory.subarray(1500, 1600)];
  const calls = inputs.flatMap((input) => [
    () => native.encryptSync(input, output, [secret], {}),
    () => native.decryptSync(input, output, [secret], {}),
  ]);
  calls.push(() => {
    native.floeSeal(memory.subarray(901, 1001), message, secret, undefined, 65_568);
    return 0;
  });
  for (const [index, call] of calls.entries()) {
    t.throws(call, { message: 'input and output overlap' }, `${index}`);
  }
  t.deepEqual(memory, pattern(4096));
});

test('keys, context and associated data in the output are read before it is written', (t) => {
  const inside = () => {
    const memory = pattern(4096);
    return {
      output: memory.subarray(0, 3000),
      key: memory.subarray(10, 42),
      context: memory.subarray(50, 90),
    };
  };
  const former = { key: Buffer.from(inside().key), context: Buffer.from(inside().context) };
  const sealing = inside();
  const size = native.encryptSync(pattern(1000), sealing.output, [sealing.key], { context: sealing.context });
  const stream = Buffer.from(sealing.output.subarray(0, size));
  t.deepEqual(decryptSync(stream, former), pattern(1000));
  const opening = inside();
  t.is(native.decryptSync(stream, opening.output, [opening.key], { context: opening.context }), 1000);
  t.deepEqual(opening.output.subarray(0, 1000), pattern(1000));
  const message = inside();
  const room = message.output.subarray(0, native.floeSize(100, 65_568));
  native.floeSeal(pattern(100), room, message.key, message.context, 65_568);
  t.deepEqual(floe.decrypt(room, { key: former.key, aad: former.context }), pattern(100));
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
