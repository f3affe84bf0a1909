// The promise of a stream's report: it settles however the stream ends, and never causes an unhandled rejection.

import { Readable } from 'node:stream';

import test, { type ExecutionContext } from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  DecryptionStream,
  EncryptionStream,
  SealError,
} from 'sealstream';

import { heard, quiet } from '../support/conversions.mjs';
import { errorOf, isPending } from '../support/errors.mjs';
import { key, plaintext, sealed, SIZES } from '../support/small-segments.mjs';

/** Fails the test if a rejection is unhandled while `work` runs. */
async function handled(t: ExecutionContext, work: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', listener);
  try {
    await work();
    await quiet();
  } finally {
    process.off('unhandledRejection', listener);
  }
  t.deepEqual(unhandled, []);
}

test.serial('a stream that is destroyed rejects its report', (t) =>
  handled(t, async () => {
    for (const make of [() => createEncryptStream({ key }), () => createDecryptStream({ key })]) {
      const abandoned = make();
      t.true(isPending(abandoned.report));
      abandoned.destroy();
      t.like(await errorOf(() => abandoned.report), { name: 'AbortError' });

      const reason = new Error('no more');
      const failed = make();
      failed.on('error', () => undefined);
      failed.destroy(reason);
      t.is(await errorOf(() => failed.report), reason);
      // Nobody looks at this one.
      make()
        .on('error', () => undefined)
        .destroy(reason);
    }
  }),
);

test.serial('an aborted stream rejects its report', (t) =>
  handled(t, async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const node = createEncryptStream({ key, signal });
    node.on('error', () => undefined);
    const web = new EncryptionStream({ key, signal });
    const reason = new Error('stop');
    controller.abort(reason);
    t.like(await errorOf(() => node.report), { name: 'AbortError', cause: reason });
    t.is(await errorOf(() => web.report), reason);
  }),
);

test.serial('a damaged stream rejects its report with its error', (t) =>
  handled(t, async () => {
    const cut = sealed.subarray(0, sealed.length - 100);
    const node = createDecryptStream({ key });
    const error = heard(node, 'error');
    Readable.from([cut]).pipe(node).resume();
    const failure = await errorOf(() => node.report);
    t.true(SealError.is(failure));
    t.is(failure, await error);

    const web = new DecryptionStream({ key });
    const reading = errorOf(() => new Response(new Blob([cut]).stream().pipeThrough(web)).arrayBuffer());
    t.true(SealError.is(await errorOf(() => web.report)));
    t.true(SealError.is(await reading));
  }),
);

test.serial('web streams that are cancelled or aborted reject their report', (t) =>
  handled(t, async () => {
    const reason = new Error('enough');
    const cancelled = new EncryptionStream({ key });
    await cancelled.readable.cancel(reason);
    t.is(await errorOf(() => cancelled.report), reason);
    const aborted = new DecryptionStream({ key });
    await aborted.writable.abort(reason);
    t.is(await errorOf(() => aborted.report), reason);
  }),
);

test.serial('the report of a stream that was read is there afterwards', async (t) => {
  const stream = createEncryptStream({ key, ...SIZES });
  stream.end(plaintext);
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) size += chunk.length;
  t.like(await stream.report, { plaintextSize: plaintext.length, sealedSize: size });
  stream.destroy();
  t.like(await stream.report, { sealedSize: size });
});
