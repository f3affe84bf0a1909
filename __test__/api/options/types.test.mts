import { readFileSync } from 'node:fs';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import type { ReadableStream } from 'node:stream/web';

import test, { type ExecutionContext } from 'ava';
import {
  decryptSync,
  encryptSync,
  openReader,
  type RandomAccessInput,
  type RandomAccessSource,
  type SealedReader,
  SealError,
  type SealErrorCode,
  type SealFailure,
  SecretKey,
} from 'sealstream';
import * as floe from 'sealstream/floe';
import { FloeError, type FloeErrorCode, type FloeFailure } from 'sealstream/floe';

import { withFlippedByte } from '../support/bytes.mjs';

/** Compiles only while every kind of failure has its case, at every depth. */
function segmentOf(failure: SealFailure): number | undefined {
  switch (failure.kind) {
    case 'Segment':
      switch (failure.error.kind) {
        case 'FrameDecryptionFailed':
        case 'FrameEncryptionFailed':
          switch (failure.error.source.kind) {
            case 'Crypto':
              return failure.error.source.error.kind === 'TagMismatch' ? failure.error.segment : undefined;
            case 'FrameParsing':
            case 'InvalidHeader':
              return failure.error.frame;
            default:
              return never(failure.error.source);
          }
        case 'DigestMismatch':
        case 'FramingError':
        case 'InvalidSegment':
        case 'CheckpointError':
          return failure.error.segment;
        default:
          return never(failure.error);
      }
    case 'Truncated':
      return failure.nextSegment;
    case 'EndTampered':
      return failure.segment;
    case 'NotSealed':
    case 'HeaderError':
    case 'HeaderDamaged':
    case 'NoMatchingKey':
    case 'WrongPassphrase':
    case 'HeaderTampered':
    case 'ContextMismatch':
    case 'HeaderCopyDamaged':
    case 'RewrapInterrupted':
    case 'JournalRefused':
    case 'TargetBusy':
    case 'NotHealed':
    case 'NothingRecovered':
    case 'NoDigests':
    case 'ForeignReplica':
    case 'EndDamaged':
    case 'SenderUnverified':
    case 'SigningFailed':
    case 'TrailingData':
    case 'LimitExceeded':
    case 'Cancelled':
    case 'SourceChanged':
    case 'SameFile':
    case 'TargetExists':
    case 'NotARegularFile':
    case 'KeyFileRefused':
    case 'Io':
    case 'Crypto':
      return undefined;
    case 'Internal':
      return failure.error.kind === 'FrameWorkerDisconnected' ? failure.error.segment : undefined;
    default:
      return never(failure);
  }
}

/** The same for the failures of FLOE messages. */
function frameOf(failure: FloeFailure): number | undefined {
  switch (failure.kind) {
    case 'Frame':
      return failure.frame;
    case 'SegmentLength':
    case 'OutputSize':
    case 'Truncated':
    case 'Parameters':
    case 'HeaderTag':
    case 'Crypto':
      return undefined;
    default:
      return never(failure);
  }
}

function never(value: never): never {
  throw new Error(`unknown: ${JSON.stringify(value)}`);
}

const key = SecretKey.generate();

test("a failure nests as the engine's enums do", (t) => {
  const stream = encryptSync(Buffer.alloc(5000), { key, frameSize: 1024, segmentSize: 1024, digest: 'none' });
  const error = t.throws(() => decryptSync(withFlippedByte(stream, stream.length - 500), { key }), {
    instanceOf: SealError,
    name: 'SealError',
  });
  t.true(error instanceof Error);
  t.is(typeof segmentOf(error.failure), 'number');
  t.is(error.code, 'ERR_SEAL_FRAME_DECRYPTION_FAILED');
  if (error.failure.kind !== 'Segment' || error.failure.error.kind !== 'FrameDecryptionFailed')
    return t.fail();
  t.deepEqual(error.failure.error.source, { kind: 'Crypto', error: { kind: 'TagMismatch' } });
  t.regex(error.message, /^segment 4, frame 0 \(byte \d+\): /);
});

test("an error's stack leads to the caller", (t) => {
  function theCaller() {
    decryptSync(Buffer.from('none'), { key });
  }
  const error = t.throws(theCaller, { instanceOf: SealError });
  t.regex(error.stack ?? '', /^SealError: [^]*theCaller/);
});

test('FLOE failures are of a class of their own', (t) => {
  const message = floe.encrypt(Buffer.from('text'), { key });
  const error = t.throws(() => floe.decrypt(withFlippedByte(message, message.length - 1), { key }), {
    instanceOf: FloeError,
    code: 'ERR_FLOE_FRAME',
  });
  t.is(frameOf(error.failure), 0);
  t.false(error instanceof SealError);
});

test('every code of the engine is in the union, and the union has no other', (t) => {
  // The lists below are checked by the compiler against the unions, and here against what the binding declares.
  const declared = readFileSync(
    join(import.meta.dirname, '..', '..', '..', 'native', 'binding.d.ts'),
    'utf8',
  );
  for (const [name, codes] of [
    ['SealErrorCode', Object.keys(SEAL_CODES)],
    ['FloeErrorCode', Object.keys(FLOE_CODES)],
  ] as const) {
    const line = new RegExp(`^export type ${name} = (.*)$`, 'm').exec(declared)?.[1] ?? '';
    t.deepEqual([...line.matchAll(/'([^']+)'/g)].map(([, code]) => code).sort(), [...codes].sort());
  }
});

/** Compiles only while all of these are sources, and the reader is what it says. */
async function readerOf(t: ExecutionContext, handle: FileHandle): Promise<void> {
  const own: RandomAccessSource = { size: 5, read: () => Promise.resolve(new Uint8Array(5)) };
  const sources: RandomAccessInput[] = [
    'path',
    new URL('file:///a'),
    new Uint8Array(),
    handle,
    new Blob([]),
    own,
  ];
  t.is(sources.length, 6);
  await using reader: SealedReader = await openReader(encryptSync(Buffer.from('text'), { key }), {
    key,
    cacheSize: 0,
  });
  const size: number = reader.size;
  const [first, count]: [Buffer, number] = [
    await reader.read(0, size),
    await reader.readInto(new Uint8Array(size), 0),
  ];
  t.deepEqual([String(first), count], ['text', size]);
  const node: Readable = reader.createReadStream({ start: 0, end: 3 });
  const web: ReadableStream<Uint8Array> = reader.stream({ offset: 0, length: 4 });
  t.deepEqual(String(await buffer(node)), await text(web));
}

test('a reader and its sources have types, and a reader disposes of itself', async (t) => {
  const handle = await openFile(import.meta.filename);
  t.teardown(() => handle.close());
  await readerOf(t, handle);
});

const SEAL_CODES: Record<SealErrorCode, true> = {
  ERR_SEAL_NOT_SEALED: true,
  ERR_SEAL_HEADER_ERROR: true,
  ERR_SEAL_HEADER_DAMAGED: true,
  ERR_SEAL_NO_MATCHING_KEY: true,
  ERR_SEAL_WRONG_PASSPHRASE: true,
  ERR_SEAL_HEADER_TAMPERED: true,
  ERR_SEAL_CONTEXT_MISMATCH: true,
  ERR_SEAL_HEADER_COPY_DAMAGED: true,
  ERR_SEAL_REWRAP_INTERRUPTED: true,
  ERR_SEAL_JOURNAL_REFUSED: true,
  ERR_SEAL_TARGET_BUSY: true,
  ERR_SEAL_NOT_HEALED: true,
  ERR_SEAL_NOTHING_RECOVERED: true,
  ERR_SEAL_NO_DIGESTS: true,
  ERR_SEAL_FOREIGN_REPLICA: true,
  ERR_SEAL_FRAME_ENCRYPTION_FAILED: true,
  ERR_SEAL_FRAME_DECRYPTION_FAILED: true,
  ERR_SEAL_DIGEST_MISMATCH: true,
  ERR_SEAL_FRAMING_ERROR: true,
  ERR_SEAL_INVALID_SEGMENT: true,
  ERR_SEAL_CHECKPOINT_ERROR: true,
  ERR_SEAL_TRUNCATED: true,
  ERR_SEAL_END_DAMAGED: true,
  ERR_SEAL_END_TAMPERED: true,
  ERR_SEAL_SENDER_UNVERIFIED: true,
  ERR_SEAL_SIGNING_FAILED: true,
  ERR_SEAL_TRAILING_DATA: true,
  ERR_SEAL_LIMIT_EXCEEDED: true,
  ERR_SEAL_CANCELLED: true,
  ERR_SEAL_SOURCE_CHANGED: true,
  ERR_SEAL_SAME_FILE: true,
  ERR_SEAL_TARGET_EXISTS: true,
  ERR_SEAL_NOT_A_REGULAR_FILE: true,
  ERR_SEAL_KEY_FILE_REFUSED: true,
  ERR_SEAL_INTERNAL: true,
  ERR_SEAL_IO: true,
  ERR_SEAL_CRYPTO: true,
};

const FLOE_CODES: Record<FloeErrorCode, true> = {
  ERR_FLOE_SEGMENT_LENGTH: true,
  ERR_FLOE_OUTPUT_SIZE: true,
  ERR_FLOE_TRUNCATED: true,
  ERR_FLOE_PARAMETERS: true,
  ERR_FLOE_HEADER_TAG: true,
  ERR_FLOE_FRAME: true,
  ERR_FLOE_CRYPTO: true,
};
