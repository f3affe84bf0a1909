import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import {
  decrypt,
  decryptFile,
  decryptSync,
  inspect,
  type DecryptOptions,
  type DecryptReport,
  type ReportWarning,
  SealError,
  type SealFailure,
  SecretKey,
} from 'sealstream';
import * as floe from 'sealstream/floe';
import { FloeError } from 'sealstream/floe';

import { errorOf } from '../support/errors.mjs';
import { contents, repositoryFile, temporaryDirectory } from '../support/files.mjs';

interface Opened {
  readonly plaintext: Buffer;
  readonly report?: DecryptReport;
}

/** Opens a stream in every way that there is; the report is that of the file. */
async function openInEveryWay(
  directory: string,
  stream: Buffer,
  options: DecryptOptions,
): Promise<(Opened | SealError)[]> {
  const [from, to] = [join(directory, 'stream'), join(directory, 'opened')];
  writeFileSync(from, stream);
  const file = async (threads: number) => {
    const report = await decryptFile(from, to, { ...options, threads, overwrite: true, flush: false });
    return { plaintext: readFileSync(to), report };
  };
  const ways: (() => Opened | Promise<Opened>)[] = [
    () => ({ plaintext: decryptSync(stream, options) }),
    async () => ({ plaintext: await decrypt(stream, options) }),
    () => file(1),
    () => file(2),
  ];
  const outcomes = [];
  for (const way of ways) {
    try {
      outcomes.push(await way());
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      outcomes.push(error);
    }
  }
  return outcomes;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The kind as the vectors write it: `Segment.DigestMismatch`. */
const kindOf = (failure: SealFailure) =>
  failure.kind === 'Segment' ? `Segment.${failure.error.kind}` : failure.kind;

// Made by an implementation that shares no code with this one.
interface Sealed {
  readonly file: string;
  readonly result: string;
  readonly plaintext_sha256: string;
  readonly plaintext_size: number;
  readonly context: string;
  readonly opens_with: readonly string[];
  readonly senders?: readonly string[];
}

test('streams of an independent implementation open, or are refused, as it says', async (t) => {
  const directory = temporaryDirectory(t);
  const { key, vectors } = JSON.parse(repositoryFile('vectors', 'sealed', 'vectors.json').toString()) as {
    key: string;
    vectors: Sealed[];
  };
  let opened = 0;
  t.is(vectors.length, 34);
  for (const vector of vectors) {
    const stream = repositoryFile('vectors', 'sealed', vector.file);
    const senders = vector.senders?.map((hex) => Buffer.from(hex, 'hex'));
    const options = { key: SecretKey.fromHex(key), context: vector.context, senders };
    const due = vector.opens_with.includes('key') ? vector.result : 'NoMatchingKey';
    for (const outcome of await openInEveryWay(directory, stream, options)) {
      if (outcome instanceof SealError) {
        t.is(kindOf(outcome.failure).replace('Segment.', ''), due, vector.file);
      } else {
        t.is(due, 'ok', vector.file);
        t.is(outcome.plaintext.length, vector.plaintext_size, vector.file);
        t.is(sha256(outcome.plaintext), vector.plaintext_sha256, vector.file);
        opened += 1;
      }
    }
    const info = await inspect(stream);
    t.is(info.sealedSize, stream.length);
    t.deepEqual(
      info.slots.map(({ type }) => type),
      [...vector.opens_with],
      vector.file,
    );
    if (vector.result === 'ok') t.is(info.plaintextSize, vector.plaintext_size, vector.file);
  }
  t.is(opened, 16 * 4);
});

// The project's own, which its engine's tests keep up to date.
interface Stream {
  readonly name: string;
  readonly stream: string;
  readonly context: string;
  readonly key?: string;
  readonly max_segment_size?: number;
  readonly plaintext_sha256?: string;
  readonly plaintext_size?: number;
  readonly header_from_copy?: boolean;
  readonly header_copy_damaged?: boolean;
  readonly failure?: Record<string, unknown> & { readonly code: string; readonly kind: string };
}

test('every stream of vectors/streams.json opens, or is refused, as it says', async (t) => {
  const directory = temporaryDirectory(t);
  const { key, streams } = JSON.parse(repositoryFile('vectors', 'streams.json').toString()) as {
    key: string;
    streams: Stream[];
  };
  t.true(streams.length > 100);
  for (const vector of streams) {
    const stream = Buffer.from(vector.stream, 'base64');
    const options: DecryptOptions = {
      key: SecretKey.fromHex(vector.key ?? key),
      context: Buffer.from(vector.context, 'hex'),
      maxSegmentSize: vector.max_segment_size,
    };
    for (const outcome of await openInEveryWay(directory, stream, options)) {
      if (outcome instanceof SealError) {
        t.deepEqual(toldOf(outcome, vector.failure), vector.failure, vector.name);
        t.deepEqual(
          Object.keys(contents(directory)).filter((name) => name.startsWith('.')),
          [],
        );
      } else {
        t.is(vector.failure, undefined, vector.name);
        t.is(outcome.plaintext.length, vector.plaintext_size!, vector.name);
        t.is(sha256(outcome.plaintext), vector.plaintext_sha256!, vector.name);
        if (outcome.report === undefined) continue;
        const warned = (kind: ReportWarning['kind']) =>
          outcome.report?.warnings.some((each) => each.kind === kind);
        t.is(warned('HeaderFromCopy'), vector.header_from_copy ?? false, vector.name);
        t.is(warned('HeaderCopyDamaged'), vector.header_copy_damaged ?? false, vector.name);
      }
    }
    const refused = await errorOf(() => inspect(stream));
    if (vector.failure === undefined) t.is(refused, undefined, vector.name);
    else if (refused instanceof SealError) t.true(refused.code.endsWith(vector.failure.code), vector.name);
  }
});

/** A name as the engine writes it: `header-checksum` is its `HeaderChecksum`. */
const engineName = (value: string) =>
  value.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What an error tells of what the vector names: code, kind, and the fields of the innermost failure. */
function toldOf(error: SealError, due: Stream['failure'] = { code: '', kind: '' }): Record<string, unknown> {
  const { failure } = error;
  const fields: Record<string, unknown> = { ...(failure.kind === 'Segment' ? failure.error : failure) };
  if (failure.kind === 'Truncated') fields['segment'] = failure.nextSegment;
  if (failure.kind === 'NotSealed') fields['looks_like'] = failure.looksLike;
  if (failure.kind === 'NoMatchingKey') fields['slots'] = error.message.replace(/^.* sealed for: /, '');
  // What crosses as a number the engine's test wrote as words.
  if ('supplied' in fields) fields['supplied'] = String(fields['supplied']);
  const told = Object.fromEntries(Object.keys(due).map((name) => [name, fields[name]]));
  for (const name of ['field', 'reason', 'limit', 'part', 'disagreement', 'looks_like']) {
    if (typeof told[name] === 'string') told[name] = engineName(told[name]);
  }
  return { ...told, code: error.code.replace('ERR_SEAL_', ''), kind: kindOf(failure) };
}

interface Message {
  readonly name: string;
  readonly key: string;
  readonly aad: string;
  readonly encrypted_segment_length: number | null;
  readonly message: string;
  readonly plaintext?: string;
  readonly failure?: {
    readonly kind: string;
    readonly frame?: number;
    readonly offset?: number;
    readonly error?: string;
  };
}

test('every message of vectors/floe.json opens, or is refused, as it says', (t) => {
  const { messages } = JSON.parse(repositoryFile('vectors', 'floe.json').toString()) as {
    messages: Message[];
  };
  for (const vector of messages) {
    const options = {
      key: Buffer.from(vector.key, 'hex'),
      aad: Buffer.from(vector.aad, 'hex'),
      segmentLength: vector.encrypted_segment_length ?? undefined,
    };
    const open = () => floe.decrypt(Buffer.from(vector.message, 'base64'), options);
    if (vector.failure === undefined) {
      t.is(open().toString('hex'), vector.plaintext!, vector.name);
      continue;
    }
    const { failure } = t.throws(open, { instanceOf: FloeError }, vector.name);
    const { error, ...due } = vector.failure;
    t.like(failure, error === undefined ? due : { ...due, error: { kind: error } }, vector.name);
  }
});

/** Known answers of the FLOE specification, made by its C++ and Java implementations. */
const ANSWERS: readonly [name: string, segmentLength: number][] = [
  ['cpp_GCM256_IV256_4K', 4096],
  ['cpp_GCM256_IV256_64', 64],
  ['java_GCM256_IV256_4K', 4096],
  ['java_GCM256_IV256_64', 64],
  ['java_lastSegAligned', 40],
  ['java_lastSegEmpty', 40],
];

for (const [name, segmentLength] of ANSWERS) {
  test(`FLOE's known answer ${name} opens`, (t) => {
    const read = (part: string) =>
      Buffer.from(repositoryFile('vectors', 'floe', `${name}_${part}.txt`).toString().trim(), 'hex');
    const options = { key: Buffer.alloc(32), aad: Buffer.from('This is AAD') };
    t.true(floe.decrypt(read('ct'), { ...options, segmentLength }).equals(read('pt')));
    t.true(floe.decrypt(read('ct'), options).equals(read('pt')));
    t.throws(() => floe.decrypt(read('ct'), { ...options, segmentLength: segmentLength + 1 }), {
      code: 'ERR_FLOE_PARAMETERS',
    });
    t.throws(() => floe.decrypt(read('ct'), { ...options, aad: undefined }), { code: 'ERR_FLOE_HEADER_TAG' });
  });
}
