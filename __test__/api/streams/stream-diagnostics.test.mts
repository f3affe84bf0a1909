// What streams tell on the diagnostics channels, and that they leave nothing behind.

import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';

import test from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  DecryptionStream,
  decryptChunks,
  EncryptionStream,
  encryptChunks,
} from 'sealstream';

import { all, DAMAGED, heard, outcome, over, quiet } from '../support/conversions.mjs';
import { listen } from '../support/diagnostics.mjs';
import { key, plaintext, sealed, SEGMENTS, SIZES, withDamage } from '../support/small-segments.mjs';

test.serial('a stream publishes its start, its segments, and its end with the report', async (t) => {
  const told = listen(t);
  const node = [createEncryptStream({ key, ...SIZES }), createDecryptStream({ key })] as const;
  await all(Readable.from([plaintext]).pipe(node[0]).pipe(node[1]));
  const web = [new EncryptionStream({ key, ...SIZES }), new DecryptionStream({ key })] as const;
  await all(ReadableStream.from([plaintext]).pipeThrough(web[0]).pipeThrough(web[1]));
  const ends = told.operation.filter(({ phase }) => phase === 'end');
  t.is(told.operation.length, 8);
  for (const [name, { report }] of [
    ['createEncryptStream', node[0]],
    ['createDecryptStream', node[1]],
    ['EncryptionStream', web[0]],
    ['DecryptionStream', web[1]],
  ] as const) {
    const end = ends.find(({ operation }) => operation === name);
    t.is(end?.report, await report, name);
    const order = told.order.filter(({ id }) => id === end?.id).map(({ what }) => what);
    t.deepEqual(order, ['start', ...Array.from({ length: SEGMENTS }, () => 'segment'), 'end'], name);
    const segments = told.segment.filter(({ id }) => id === end?.id);
    t.deepEqual(
      segments.map(({ segment }) => segment).sort((one, other) => one - other),
      Array.from({ length: SEGMENTS }, (_, index) => index),
    );
    t.is(
      segments.reduce((sum, { plaintextSize }) => sum + plaintextSize, 0),
      plaintext.length,
    );
  }
  t.deepEqual(told.damage, []);
  t.false(JSON.stringify(told).includes(Buffer.from(key.exportBytes()).toString('hex')));
});

test.serial('an abandoned stream publishes one end, and nothing after it', async (t) => {
  const told = listen(t);
  const mine = new RangeError('mine');
  const abandoned: [expected: string, () => Promise<unknown>][] = [
    [
      'AbortError',
      () => {
        const stream = createEncryptStream({ key, ...SIZES });
        stream.write(plaintext);
        stream.destroy();
        return over(stream);
      },
    ],
    [
      'RangeError',
      async () => {
        const stream = createDecryptStream({ key });
        stream.end(sealed);
        await heard(stream, 'readable');
        stream.on('error', () => undefined);
        stream.destroy(mine);
        await over(stream);
      },
    ],
    [
      'AbortError',
      async () => {
        const { readable, writable } = new EncryptionStream({ key, ...SIZES });
        writable
          .getWriter()
          .write(plaintext)
          .catch(() => undefined);
        await readable.cancel();
      },
    ],
    ['AbortError', () => new DecryptionStream({ key }).writable.abort()],
    ['RangeError', () => new DecryptionStream({ key }).readable.cancel(mine)],
    ['AbortError', () => outcome(encryptChunks([plaintext], { key, signal: AbortSignal.abort() }))],
    [
      'AbortError',
      async () => {
        const loop = decryptChunks([sealed], { key });
        await loop.next();
        await loop.return(undefined);
      },
    ],
  ];
  for (const [expected, abandon] of abandoned) {
    told.operation.length = told.order.length = 0;
    await abandon();
    await quiet();
    const { id } = told.operation[0]!;
    const [start, end, ...others] = told.operation.filter((event) => event.id === id);
    t.deepEqual(others, []);
    t.is(start?.phase, 'start');
    t.is((end?.error as Error).name, expected, abandon.toString());
    t.is(told.order.filter((event) => event.id === id).at(-1)?.what, 'end');
  }
});

test.serial('a loop that never begins is no operation', async (t) => {
  const told = listen(t);
  t.truthy([encryptChunks([plaintext], { key }), decryptChunks([sealed], { key })]);
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(told.operation, []);
});

test.serial('damage is published once, with the end', async (t) => {
  const told = listen(t);
  for (const stream of [withDamage(3), DAMAGED["a record's header"]!.stream, sealed.subarray(0, 9000)]) {
    told.damage.length = told.operation.length = 0;
    const { error } = await outcome(decryptChunks([stream], { key }));
    const end = told.operation.find(({ phase }) => phase === 'end');
    const { failure, message } = error as Error & { failure: object };
    t.is(end?.error, error);
    t.is(told.damage.length, 1);
    t.like(told.damage[0], { operation: 'decryptChunks', failure, message, decision: 'abort' });
  }
});

test('a signal that many streams share has no listeners after they end', async (t) => {
  const { signal } = new AbortController();
  for (let round = 0; round < 15; round += 1) {
    const node = createEncryptStream({ key, signal });
    node.end(plaintext);
    await all(node);
    await over(node);
    createDecryptStream({ key, signal }).destroy();
    await all(ReadableStream.from([plaintext]).pipeThrough(new EncryptionStream({ key, signal })));
    await outcome(ReadableStream.from([plaintext]).pipeThrough(new DecryptionStream({ key, signal })));
    await new EncryptionStream({ key, signal }).readable.cancel();
    await new EncryptionStream({ key, signal }).writable.abort();
    await all(encryptChunks([plaintext], { key, signal }));
    await encryptChunks([plaintext], { key, signal }).return(undefined);
    const loop = encryptChunks([plaintext], { key, signal });
    await loop.next();
    await loop.return(undefined);
  }
  await quiet();
  t.is(getEventListeners(signal, 'abort').length, 0);
});
