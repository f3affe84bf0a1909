import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import test from 'ava';
import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptChunks,
  decryptFile,
  decryptSegments,
  DecryptionStream,
  encrypt,
  encryptChunks,
  encryptFile,
  EncryptionStream,
  type Identity,
  inspect,
  openReader,
  type Recipient,
  salvage,
  type SecretKey,
  type SlotType,
  verify,
} from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { failureOf } from '../support/errors.mjs';
import { contents, temporaryDirectory } from '../support/files.mjs';
import { keyHolders } from '../support/key-holders.mjs';
import { all } from '../support/conversions.mjs';

const PLAIN = pattern(5000);
const SIZES = { frameSize: 1024, segmentSize: 2048, context: 'docs' } as const;

type Recipients = readonly (Recipient | SecretKey)[];
type Identities = readonly (Identity | SecretKey)[];

/** Seals in every way that there is. */
function sealings(directory: string): Record<string, (recipients: Recipients) => Promise<Buffer>> {
  const [from, to] = [join(directory, 'plain'), join(directory, 'sealed')];
  return {
    async file(recipients) {
      writeFileSync(from, PLAIN);
      await encryptFile(from, to, { recipients, ...SIZES, overwrite: true, flush: false });
      return readFileSync(to);
    },
    bytes: (recipients) => encrypt(PLAIN, { recipients, ...SIZES }),
    node: (recipients) => {
      const stream = createEncryptStream({ recipients, ...SIZES });
      stream.end(PLAIN);
      return buffer(stream);
    },
    web: (recipients) =>
      all(new Blob([PLAIN]).stream().pipeThrough(new EncryptionStream({ recipients, ...SIZES }))),
    chunks: (recipients) => all(encryptChunks([PLAIN], { recipients, ...SIZES })),
  };
}

/** Opens in every way that there is; those that say so tell what opened the stream. */
function openings(
  directory: string,
  stream: Buffer,
): Record<string, (identities: Identities) => Promise<{ plain: Buffer; by?: SlotType }>> {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, stream);
  const source = {
    size: stream.length,
    read: (at: number, size: number) => Promise.resolve(stream.subarray(at, at + size)),
  };
  const reading = async (input: string | typeof source, identities: Identities) => {
    const reader = await openReader(input, { identities, context: 'docs' });
    const plain = await reader.read(0, PLAIN.length);
    await reader.close();
    return { plain };
  };
  return {
    async file(identities) {
      const report = await decryptFile(from, to, {
        identities,
        context: 'docs',
        overwrite: true,
        flush: false,
      });
      return { plain: readFileSync(to), by: report.openedBy.type as SlotType };
    },
    bytes: async (identities) => ({ plain: await decrypt(stream, { identities, context: 'docs' }) }),
    async node(identities) {
      const opening = createDecryptStream({ identities, context: 'docs' });
      opening.end(stream);
      const plain = await buffer(opening);
      return { plain, by: (await opening.report).openedBy.type as SlotType };
    },
    web: async (identities) => ({
      plain: await all(
        new Blob([stream]).stream().pipeThrough(new DecryptionStream({ identities, context: 'docs' })),
      ),
    }),
    chunks: async (identities) => ({
      plain: await all(decryptChunks([stream], { identities, context: 'docs' })),
    }),
    path: (identities) => reading(from, identities),
    source: (identities) => reading(source, identities),
    async segments(identities) {
      const parts: Buffer[] = [];
      for await (const segment of decryptSegments(from, { identities, context: 'docs' })) {
        if (segment.ok) parts.push(segment.data);
      }
      return { plain: Buffer.concat(parts) };
    },
    async verify(identities) {
      const found = await verify(from, { identities, context: 'docs' });
      return { plain: found.authenticated ? PLAIN : Buffer.alloc(0), by: found.openedBy?.type as SlotType };
    },
    async salvage(identities) {
      await salvage(from, to, { identities, context: 'docs', overwrite: true, flush: false });
      return { plain: readFileSync(to) };
    },
  };
}

for (const holder of keyHolders()) {
  test(`an identity opens in every way what was sealed in any way: ${holder.type}`, async (t) => {
    const directory = temporaryDirectory(t);
    for (const [way, seal] of Object.entries(sealings(directory))) {
      const stream = await seal([holder.recipient]);
      for (const [back, unlock] of Object.entries(openings(directory, stream))) {
        const { plain, by = holder.type } = await unlock([holder.stranger, holder.identity]);
        t.true(plain.equals(PLAIN), `${way}, ${back}`);
        t.is(by, holder.type, `${way}, ${back}`);
      }
    }
  });

  test(`a wrong identity gets the right error in every way: ${holder.type}`, async (t) => {
    const directory = temporaryDirectory(t);
    const stream = await encrypt(PLAIN, { recipients: [holder.recipient], ...SIZES });
    const before = contents(directory);
    const expected = holder.type === 'passphrase' ? 'WrongPassphrase' : 'NoMatchingKey';
    for (const [back, unlock] of Object.entries(openings(directory, stream))) {
      const failure = await failureOf(t, () => unlock([holder.stranger]));
      t.is(failure.kind, expected, back);
    }
    t.deepEqual(Object.keys(contents(directory)), [...Object.keys(before), 'from']);
  });
}

test('each of all recipients opens the stream, and the report names its slot', async (t) => {
  const holders = keyHolders();
  const stream = await encrypt(PLAIN, { recipients: holders.map(({ recipient }) => recipient), ...SIZES });
  const { slots, isPostQuantum } = await inspect(stream);
  t.deepEqual(
    slots.map(({ type }) => type),
    holders.map(({ type }) => type),
  );
  t.false(isPostQuantum);
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  writeFileSync(from, stream);
  for (const [slot, { type, identity }] of holders.entries()) {
    const { openedBy } = await decryptFile(from, to, {
      identities: [identity],
      context: 'docs',
      overwrite: true,
    });
    t.like(openedBy, { slotIndex: slot, type });
    const accepted = decryptFile(from, to, {
      identities: holders.map((each) => each.identity),
      acceptSlots: [type],
      context: 'docs',
      overwrite: true,
    });
    t.like((await accepted).openedBy, { slotIndex: slot, type });
    const others = holders.map((each) => each.type).filter((other) => other !== type);
    const refused = await failureOf(t, () =>
      decrypt(stream, { identities: [identity], acceptSlots: others, context: 'docs' }),
    );
    t.is(refused.kind, 'NoMatchingKey');
  }
});
