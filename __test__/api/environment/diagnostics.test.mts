import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import test from 'ava';
import {
  decrypt,
  decryptChunks,
  decryptFile,
  decryptSegments,
  encrypt,
  encryptChunks,
  encryptFile,
  openReader,
  type OperationContext,
  provider,
  SealError,
} from 'sealstream';

import { errorOf } from '../support/errors.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { listen, listenToTrace, subscribe } from '../support/diagnostics.mjs';
import { key, plaintext, sealed, SEGMENTS, SIZES, withDamage } from '../support/small-segments.mjs';

test.serial('an operation publishes its start, its segments and its end', async (t) => {
  const heard = listen(t);
  const directory = temporaryDirectory(t);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(directory, name)) as [string, string, string];
  writeFileSync(a, plaintext);
  const options = { key, context: 'a secret place' };
  const report = await encryptFile(a, b, { ...options, ...SIZES, flush: false });
  await decryptFile(b, c, { ...options, flush: false });
  await decrypt(await encrypt(plaintext, { ...options, ...SIZES }), options);
  for await (const result of decryptSegments(b, options)) t.true(result.ok);
  t.deepEqual(
    heard.operation.map(({ operation, phase }) => `${operation} ${phase}`),
    ['encryptFile', 'decryptFile', 'encrypt', 'decrypt', 'decryptSegments'].flatMap((name) => [
      `${name} start`,
      `${name} end`,
    ]),
  );
  const ids = new Set(heard.operation.map(({ id }) => id));
  t.is(ids.size, 5);
  for (const id of ids) {
    const segments = heard.segment.filter((segment) => segment.id === id);
    t.deepEqual(
      segments.map(({ segment }) => segment).sort((one, other) => one - other),
      Array.from({ length: SEGMENTS }, (_, index) => index),
    );
    t.is(
      segments.reduce((sum, { plaintextSize }) => sum + plaintextSize, 0),
      plaintext.length,
    );
    for (const { stages, frames, sealedSize, plaintextSize } of segments) {
      t.true(stages.cryptoMs >= 0 && stages.digestMs >= 0 && stages.readMs >= 0);
      t.is(frames, Math.ceil(plaintextSize / SIZES.frameSize));
      t.true(sealedSize > plaintextSize);
    }
  }
  const end = heard.operation[1]!;
  t.true(end.phase === 'end' && end.elapsedMs! > 0);
  t.like(end, { report: { plaintextSize: plaintext.length, streamId: report.streamId } });
  t.deepEqual(heard.damage, []);
});

test.serial('an operation is traced as a promise, with one context', async (t) => {
  const messages = listenToTrace(t);
  const pending = encrypt(plaintext, { key });
  t.deepEqual(
    messages.map(({ name }) => name),
    ['start', 'end'],
  );
  const { id } = messages[0]!.context;
  t.deepEqual(messages[1]!.atThatTime, { id, operation: 'encrypt' });
  const stream = await pending;
  t.deepEqual(
    messages.map(({ name }) => name),
    ['start', 'end', 'asyncStart', 'asyncEnd'],
  );
  t.like(messages[2]!.atThatTime, { id, operation: 'encrypt', error: undefined });
  t.true(messages[2]!.atThatTime.report !== undefined && messages[2]!.atThatTime.elapsedMs! > 0);
  t.is(new Set(messages.map(({ context }) => context)).size, 1);

  messages.length = 0;
  await errorOf(() => decrypt(stream, { key: Buffer.alloc(32) }));
  t.deepEqual(
    messages.map(({ name }) => name),
    ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
  );
  t.like(messages[2]!.atThatTime, {
    operation: 'decrypt',
    report: undefined,
  });
  t.true(SealError.is(messages[2]!.atThatTime.error, 'ERR_SEAL_NO_MATCHING_KEY'));
  t.is(new Set(messages.map(({ context }) => context)).size, 1);
});

test.serial('the error of the context is the one that the caller gets, of any type', async (t) => {
  const messages = listenToTrace(t);
  const failure = await errorOf(() => decrypt(sealed, { key: Buffer.alloc(32) }));
  t.is(messages.find(({ name }) => name === 'error')!.context.error, failure);

  messages.length = 0;
  const onProgress = () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a caller may
    throw undefined;
  };
  t.is(await encrypt(plaintext, { key, onProgress }).catch((error: unknown) => error), undefined);
  t.deepEqual(
    messages.map(({ name }) => name),
    ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
  );
  t.true('error' in messages[2]!.context);
});

test.serial(
  'what an operation calls and publishes is in the stores that are bound to the channel',
  async (t) => {
    const store = new AsyncLocalStorage<string>();
    const { start } = tracingChannel('sealstream:operation');
    start.bindStore(store, (context) => `span of ${(context as OperationContext).operation}`);
    t.teardown(() => start.unbindStore(store));
    const seen: [string, string | undefined][] = [];
    const see = (what: string) => {
      seen.push([what, store.getStore()]);
    };
    subscribe(t, 'tracing:sealstream:operation:end', () => {
      see('end');
    });
    subscribe(t, 'tracing:sealstream:operation:asyncEnd', () => {
      see('asyncEnd');
    });
    subscribe(t, 'sealstream:segment', () => {
      see('segment');
    });
    subscribe(t, 'sealstream:damage', () => {
      see('damage');
    });
    const vault = provider(
      {
        name: 'vault',
        wrapKey: ({ key: given }) => {
          see('wrapKey');
          return Promise.resolve(given.map((byte) => byte ^ 1));
        },
        unwrapKey: ({ wrappedKey }) => {
          see('unwrapKey');
          return Promise.resolve(wrappedKey.map((byte) => byte ^ 1));
        },
      },
      'a key',
    );
    const onProgress = () => {
      see('onProgress');
    };
    const damaged = async function* () {
      yield Promise.resolve(withDamage(1));
    };
    const ofVault = await encrypt(plaintext, { recipients: vault });
    const calls: Record<string, () => Promise<unknown>> = {
      encrypt: () => encrypt(plaintext, { recipients: vault, onProgress, ...SIZES }),
      decrypt: () => decrypt(ofVault, { identities: vault }),
      decryptSegments: async () => {
        for await (const { ok } of decryptSegments(withDamage(1), { key })) see(String(ok));
      },
      openReader: async () => (await openReader(sealed, { key })).close(),
      encryptChunks: async () => {
        for await (const _ of encryptChunks([plaintext], { recipients: vault, ...SIZES }));
      },
      decryptChunks: async () => {
        const onDamage = () => {
          see('onDamage');
          return 'skip' as const;
        };
        for await (const _ of decryptChunks(damaged(), { key, onDamage }));
      },
    };
    for (const [name, call] of Object.entries(calls)) {
      seen.length = 0;
      await store.run('the caller', call);
      const inside = seen.filter(([what]) => !['true', 'false'].includes(what));
      t.true(inside.length >= 2, name);
      for (const [what, span] of inside) t.is(span, `span of ${name}`, `${name} ${what}`);
      // A loop's body is the caller's.
      for (const [what, span] of seen) if (what === 'true' || what === 'false') t.is(span, 'the caller');
      t.is(store.getStore(), undefined);
    }
  },
);

test.serial('what a subscriber keeps in the context stays out of other events', async (t) => {
  const { segment } = listen(t);
  subscribe(t, 'tracing:sealstream:operation:start', (context) => {
    Object.assign(context as object, { span: 'mine' });
  });
  const messages = listenToTrace(t);
  await encrypt(plaintext, { key, ...SIZES });
  t.like(messages.at(-1)!.context, { span: 'mine' });
  t.is(segment.length, SEGMENTS);
  t.true(segment.every((event) => !('span' in event)));
});

test.serial('damage is published with the decision, and failures with their kind', async (t) => {
  const heard = listen(t);
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, withDamage(1, 5));
  await decryptFile(from, to, { key, onDamage: ({ segment }) => (segment === 1 ? 'skip' : 'zero') });
  t.deepEqual(
    heard.damage
      .splice(0)
      .map(({ operation, segment, decision, failure }) => [operation, segment, decision, failure?.kind]),
    [
      ['decryptFile', 1, 'skip', 'Segment'],
      ['decryptFile', 5, 'zero', 'Segment'],
    ],
  );
  for await (const result of decryptSegments(from, { key }))
    t.is(result.ok, ![1, 5].includes(result.segment));
  t.deepEqual(
    heard.damage.splice(0).map(({ operation, segment, decision }) => [operation, segment, decision]),
    [
      ['decryptSegments', 1, undefined],
      ['decryptSegments', 5, undefined],
    ],
  );
  await errorOf(() => decryptFile(from, join(directory, 'other'), { key }));
  t.deepEqual(
    heard.damage.map(({ operation, decision, failure }) => [operation, decision, failure?.kind]),
    [['decryptFile', 'abort', 'Segment']],
  );
  const last = heard.operation.at(-1)!;
  t.is(last.phase, 'end');
  t.true(SealError.is(last.error, 'ERR_SEAL_DIGEST_MISMATCH'));
});

test.serial('a wrong end is reported besides damaged segments', async (t) => {
  const heard = listen(t);
  const cut = withDamage(1).subarray(0, sealed.length - 30);
  await errorOf(async () => {
    for await (const _ of decryptSegments(cut, { key }));
  });
  t.deepEqual(
    heard.damage.map(({ segment, decision, failure }) => [segment, decision, failure?.kind]),
    [
      [1, undefined, 'Segment'],
      [undefined, 'abort', 'Truncated'],
    ],
  );
});

test.serial('an operation publishes nothing after its end', async (t) => {
  const { order } = listen(t);
  const heard = () => order.map(({ what }) => what);

  for await (const { segment } of decryptSegments(sealed, { key, concurrency: 4 })) if (segment === 1) break;
  t.is(heard().indexOf('end'), order.length - 1, String(heard()));

  order.length = 0;
  const directory = temporaryDirectory(t);
  const from = join(directory, 'from');
  writeFileSync(from, withDamage(1));
  const controller = new AbortController();
  let answer: (decision: 'skip') => void = () => undefined;
  const onDamage = () => {
    controller.abort();
    return new Promise<'skip'>((resolve) => (answer = resolve));
  };
  await errorOf(() => decryptFile(from, join(directory, 'to'), { key, signal: controller.signal, onDamage }));
  answer('skip');
  await new Promise((resolve) => setImmediate(resolve));
  t.is(heard().indexOf('end'), order.length - 1, String(heard()));
});

test.serial('events hold no secret', async (t) => {
  const heard = listen(t);
  const secret = Buffer.alloc(32, 0x5a);
  const context = 'context-that-stays-secret';
  const stream = await encrypt(plaintext, { key: secret, context });
  await decrypt(stream, { key: secret, context });
  await errorOf(() => decrypt(stream, { key: secret, context: 'another-context' }));
  await errorOf(() => decrypt(sealed, { key: secret }));
  // With the messages and causes of errors.
  const all = inspect(heard, {
    depth: Infinity,
    showHidden: true,
    maxArrayLength: null,
    maxStringLength: null,
  });
  t.true(heard.operation.length === 8);
  for (const hidden of [secret.toString('hex'), secret.toString('base64'), context, 'another-context']) {
    t.false(all.includes(hidden), hidden);
  }
});

test.serial(
  'an open reader is one operation until it is closed, and publishes the damage of its reads',
  async (t) => {
    const heard = listen(t);
    const reader = await openReader(withDamage(2), { key });
    await reader.read(0, 100);
    await errorOf(() => reader.read(0, plaintext.length));
    t.deepEqual(
      heard.operation.map(({ operation, phase }) => `${operation} ${phase}`),
      ['openReader start'],
    );
    t.like(heard.damage, [{ operation: 'openReader', failure: { kind: 'Segment', error: { segment: 2 } } }]);
    await reader.close();
    await reader.close();
    t.is(heard.operation.length, 2);
    t.like(heard.operation[1], { phase: 'end', report: { reads: 1, plaintextSize: 100, damageCount: 1 } });
    await errorOf(() => openReader(sealed.subarray(1), { key }));
    t.like(heard.operation[3], { operation: 'openReader', phase: 'end' });
    t.true(SealError.is(heard.operation[3]!.error));
  },
);
