// Every option of every function: a function reads its own options, refuses those of other functions by name, and finds none on a
// prototype.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';
import * as sealstream from 'sealstream';
import * as floe from 'sealstream/floe';
import * as header from 'sealstream/header';

const { SecretKey } = sealstream;
const key = SecretKey.generate();
const other = SecretKey.generate();
const bytes = Buffer.from('text');
const sealed = sealstream.encryptSync(bytes, { key });
const message = floe.encrypt(bytes, { key });
const directory = mkdtempSync(join(tmpdir(), 'sealstream-'));
const at = (name: string) => join(directory, name);
writeFileSync(at('plain'), bytes);
writeFileSync(at('sealed'), sealed);
writeFileSync(at('pair'), sealstream.KeyPair.generate().exportText(), { mode: 0o600 });
execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('sender')]);
writeFileSync(at('key'), SecretKey.generate().exportBytes(), { mode: 0o600 });
await sealstream.encryptFile(at('plain'), at('file'), { key });
const detached = await sealstream.encryptFileDetached(at('plain'), at('body'), { key });
test.after.always(() => {
  rmSync(directory, { recursive: true, force: true });
});

let outputs = 0;
const newPath = () => at(`output-${(outputs += 1)}`);

async function all(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}

/** A call of each function, with what it needs and the options `more`. */
type Call = (more: object) => unknown;

const CALLS: Record<string, Call> = {
  encrypt: (more) => sealstream.encrypt(bytes, { key, ...more }),
  encryptSync: (more) => sealstream.encryptSync(bytes, { key, ...more }),
  encryptFile: (more) => sealstream.encryptFile(at('plain'), newPath(), { key, ...more }),
  encryptFileDetached: (more) => sealstream.encryptFileDetached(at('plain'), newPath(), { key, ...more }),
  createEncryptStream: (more) => sealstream.createEncryptStream({ key, ...more }).destroy(),
  EncryptionStream: (more) => new sealstream.EncryptionStream({ key, ...more }),
  encryptStreamToFile: (more) => sealstream.encryptStreamToFile([bytes], newPath(), { key, ...more }),
  encryptChunks: (more) => all(sealstream.encryptChunks([bytes], { key, ...more })),
  sealedSize: (more) => sealstream.sealedSize(5, more),
  decrypt: (more) => sealstream.decrypt(sealed, { key, ...more }),
  decryptSync: (more) => sealstream.decryptSync(sealed, { key, ...more }),
  decryptFile: (more) => sealstream.decryptFile(at('sealed'), newPath(), { key, ...more }),
  createDecryptStream: (more) => sealstream.createDecryptStream({ key, ...more }).destroy(),
  DecryptionStream: (more) => new sealstream.DecryptionStream({ key, ...more }),
  decryptFileToStream: (more) => all(sealstream.decryptFileToStream(at('sealed'), { key, ...more })),
  decryptChunks: (more) => all(sealstream.decryptChunks([sealed], { key, ...more })),
  decryptSegments: (more) => all(sealstream.decryptSegments(sealed, { key, ...more })),
  openReader: async (more) => (await sealstream.openReader(sealed, { key, ...more })).close(),
  'SealedReader.read': async (more) => {
    await using reader = await sealstream.openReader(sealed, { key });
    return await reader.read(0, 4, more);
  },
  'SealedReader.createReadStream': async (more) => {
    await using reader = await sealstream.openReader(sealed, { key });
    await all(reader.createReadStream(more));
  },
  'SealedReader.segments': async (more) => {
    await using reader = await sealstream.openReader(sealed, { key });
    await all(reader.segments(more));
  },
  verify: (more) => sealstream.verify(sealed, { key, ...more }),
  heal: (more) => sealstream.heal(at('sealed'), [at('sealed')], newPath(), more),
  salvage: (more) => sealstream.salvage(at('sealed'), newPath(), { key, ...more }),
  rewrap: (more) => sealstream.rewrap(at('file'), { key, mend: true, ...more }),
  rewrapHeader: (more) => header.rewrapHeader(detached.header, { key, add: [other], ...more }),
  attachHeader: (more) => header.attachHeader(detached.header, at('body'), newPath(), more),
  detachHeader: (more) => header.detachHeader(at('sealed'), newPath(), more),
  'floe.encrypt': (more) => floe.encrypt(bytes, { key, ...more }),
  'floe.decrypt': (more) => floe.decrypt(message, { key, ...more }),
  passphrase: (more) => sealstream.passphrase('text', more),
  secretKey: (more) => sealstream.secretKey(key, more),
  provider: (more) =>
    sealstream.provider({ name: 'a', wrapKey: () => never(), unwrapKey: () => never() }, 'k', more),
  'SecretKey.fromFile': (more) => SecretKey.fromFile(at('key'), more),
  'KeyPair.fromFile': (more) => sealstream.KeyPair.fromFile(at('pair'), more),
  identitiesFromFile: (more) => sealstream.identitiesFromFile(at('pair'), more),
  senderKeyFromFile: (more) => sealstream.senderKeyFromFile(at('sender'), more),
  sshAgentSigner: async (more) => {
    try {
      await sealstream.sshAgentSigner(more);
    } catch (error) {
      // There may be no agent.
      if (codeOf(error) !== 'ERR_SEAL_SIGNING_FAILED') throw error;
    }
  },
};

function never(): Promise<never> {
  throw new Error('a provider was asked');
}

/** Calls, and returns what it threw. A web stream's own promise may reject later. */
async function outcome(call: Call, more: object): Promise<Error | undefined> {
  try {
    await call(more);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

/** A value that the check of no option takes. */
const WRONG = Symbol('wrong');

/** The names of all options: those that some function refuses as a wrong value instead of an unknown name. */
const NAMES = [
  ...[
    'key',
    'keyId',
    'recipients',
    'identities',
    'context',
    'frameSize',
    'segmentSize',
    'digest',
    'acceptSlots',
  ],
  ...[
    'maxPassphraseMemory',
    'maxPassphraseCost',
    'maxOutputSize',
    'maxSegmentSize',
    'threads',
    'concurrency',
    'signal',
    'onProgress',
    'overwrite',
    'flush',
  ],
  ...['resume', 'resumeSecret', 'header', 'headerTo', 'fallbackHeader', 'lost', 'onDamage', 'highWaterMark'],
  ...['readableHighWaterMark', 'writableHighWaterMark', 'cacheSize', 'start', 'end', 'sample', 'seed'],
  ...['maxBytesPerSecond', 'target', 'add', 'remove', 'replace', 'mend', 'aad', 'segmentLength', 'strength'],
  ...['headerSize', 'headerCopy', 'detachHeader', 'metadata'],
  ...['timeout', 'allowReadable', 'senderKey', 'announceSender', 'senders', 'passphrase', 'publicKey'],
];

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name}: each option is read or refused by name`, async (t) => {
    t.is(await outcome(call, {}), undefined);
    let read = 0;
    for (const option of NAMES) {
      const error = await outcome(call, { [option]: WRONG });
      if (error === undefined) {
        t.fail(`${option} is neither read nor refused`);
        continue;
      }
      const isUnknown = error.message.includes(`${name} has no option "${option}": `);
      if (!isUnknown) read += 1;
      const { code, option: named } = error as { code?: string; option?: string };
      t.is(named, option, error.message);
      const known = error.message.includes('can not be given') ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE';
      t.is(code, isUnknown ? 'ERR_INVALID_ARG_VALUE' : known, error.message);
    }
    t.true(read > 0);
  });

  test.serial(`${name}: nothing is read from Object.prototype`, async (t) => {
    // Getters tell a look at the prototype even if the value would do no harm.
    const looked = new Set<string>();
    const own = ['key', 'signal', 'add', 'end', 'start'];
    const names = NAMES.filter((option) => !own.includes(option));
    for (const option of names) {
      Object.defineProperty(Object.prototype, option, {
        configurable: true,
        get() {
          // The caller of this getter; Node's own modules look at the prototypes of their own objects.
          if (new Error().stack?.split('\n')[2]?.includes('/dist/') === true) looked.add(option);
          return undefined;
        },
        set(value: unknown) {
          Object.defineProperty(this, option, {
            configurable: true,
            writable: true,
            enumerable: true,
            value,
          });
        },
      });
    }
    try {
      await call({});
    } finally {
      for (const option of names) Reflect.deleteProperty(Object.prototype, option);
    }
    t.deepEqual([...looked], []);
  });
}

const HOSTILE: [option: string, value: unknown][] = [
  ['key', other],
  ['recipients', [other]],
  ['identities', [other]],
  ['keyId', 'another'],
  ['context', 'elsewhere'],
  ['digest', 'none'],
  ['frameSize', 1024],
  ['overwrite', true],
  ['resume', true],
  ['onDamage', 'skip'],
  ['header', Buffer.alloc(200)],
  ['headerTo', at('stolen')],
  ['signal', AbortSignal.abort()],
  ['maxSegmentSize', 1],
  ['rewrappable', true],
  ['detached', true],
  ['replace', [other]],
  ['failure', { kind: 'Cancelled' }],
  ['message', 'no'],
  ['cause', other],
  ['total', 5],
  ['callsCaller', true],
  ['direct', { path: at('stolen') }],
  ['fetched', {}],
  ['method', 'DELETE'],
  ['body', 'stolen'],
  ['type', 'bytes'],
  ['size', 5],
  ['autoAllocateChunkSize', 5],
  ['once', false],
  ['objectMode', true],
  ['cacheSize', 0],
  ['close', never],
  ['read', never],
];

/** What can be seen of a stream from outside, besides what is random. */
async function facts(stream: Uint8Array): Promise<object> {
  const { streamId: _, ...rest } = await sealstream.inspect(stream);
  return rest;
}

async function collected(readable: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.serial('hostile values on Object.prototype have no effect', async (t) => {
  const target = newPath();
  writeFileSync(target, 'kept');
  const expected = await facts(sealed);
  const methods: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    methods.push(request.method);
    const [, from = 0, last = 0] = (/(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []).map(Number);
    const end = Math.min(last, sealed.length - 1);
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${end}/${sealed.length}` });
    response.end(sealed.subarray(from, end + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
  for (const [option, value] of HOSTILE) {
    Object.defineProperty(Object.prototype, option, { configurable: true, writable: true, value });
    try {
      const stream = await sealstream.encrypt(bytes, { key });
      t.deepEqual(await facts(stream), expected, option);
      t.deepEqual(await sealstream.decrypt(stream, { key }), bytes, option);
      t.deepEqual(sealstream.decryptSync(sealstream.encryptSync(bytes, { key }), { key }), bytes, option);
      const refused = await outcome(() => sealstream.encryptFile(at('plain'), target, { key }), {});
      t.is(codeOf(refused), 'ERR_SEAL_TARGET_EXISTS', option);
      const to = newPath();
      await sealstream.encryptFile(at('plain'), to, { key });
      const report = await sealstream.decryptFile(to, newPath(), { key });
      t.is(report.damageCount, 0, option);
      const cut = stream.subarray(0, stream.length - 30);
      t.is(codeOf(await outcome(() => sealstream.decrypt(cut, { key }), {})), 'ERR_SEAL_TRUNCATED', option);
      for await (const result of sealstream.decryptSegments(stream, { key })) t.true(result.ok, option);
      const web = new sealstream.DecryptionStream({ key });
      const writer = web.writable.getWriter();
      const written = writer.write(Uint8Array.from(stream)).then(() => writer.close());
      t.deepEqual(await collected(web.readable as AsyncIterable<Uint8Array>), bytes, option);
      await written;
      await using reader = await sealstream.openReader(stream, { key });
      t.deepEqual(await collected(reader.stream() as AsyncIterable<Uint8Array>), bytes, option);
      if (!NODE_FAILS.has(option)) {
        const through = sealstream.createDecryptStream({ key });
        through.end(await collected(sealstream.encryptChunks([bytes], { key })));
        t.deepEqual(await collected(through), bytes, option);
        t.deepEqual(await collected(reader.createReadStream()), bytes, option);
        await using remote = await sealstream.openReader(sealstream.httpSource(url), { key });
        t.deepEqual(await remote.read(0, 4), bytes, option);
      }
      const controller = new AbortController();
      const waiting = sealstream.encrypt(bytes, {
        recipients: sealstream.provider({ name: 'a', wrapKey: pending, unwrapKey: pending }, 'k'),
        signal: controller.signal,
      });
      setTimeout(() => {
        controller.abort(new Error('stopped'));
      }, 5);
      t.is((await outcome(() => waiting, {}))?.message, 'stopped', option);
    } finally {
      Reflect.deleteProperty(Object.prototype, option);
    }
  }
  t.deepEqual([...new Set(methods)], ['GET']);
});

function pending(): Promise<never> {
  return new Promise(() => undefined);
}

/** Names with which Node's own streams and `fetch` fail, whoever uses them. */
const NODE_FAILS: ReadonlySet<string> = new Set(['signal', 'body']);

test('options without `key` and recipients are refused, also if Object.prototype has one', async (t) => {
  for (const call of [
    () => sealstream.encrypt(bytes, {}),
    () => sealstream.decrypt(sealed, {}),
    () => sealstream.encrypt(bytes, Object.create({ key }) as { key: typeof key }),
  ]) {
    t.is(codeOf(await outcome(call, {})), 'ERR_INVALID_ARG_TYPE');
  }
});

test('each option is read once', async (t) => {
  const reads = new Map<string, number>();
  const options = new Proxy(
    { key, context: 'a', threads: 1 },
    {
      get(target, name, receiver) {
        reads.set(String(name), (reads.get(String(name)) ?? 0) + 1);
        return Reflect.get(target, name, receiver) as unknown;
      },
    },
  );
  await sealstream.encrypt(bytes, options);
  t.deepEqual(Object.fromEntries(reads), { key: 1, context: 1, threads: 1 });
});

test('an option that is undefined is absent, whatever its name', (t) => {
  t.notThrows(() => sealstream.encryptSync(bytes, { key, header: undefined, contxt: undefined } as never));
});

test('a misspelt option gets the name that it probably means', async (t) => {
  const error = await outcome(() => sealstream.encrypt(bytes, { key, contxt: 'a' } as never), {});
  t.is(error?.message, 'encrypt has no option "contxt": do you mean context?');
});

test('names that people try get the name that works', async (t) => {
  for (const [call, option, advice] of [
    [CALLS['encrypt'], 'passphrase', 'give recipients: passphrase(text)'],
    [CALLS['decryptFile'], 'password', 'give identities: passphrase(text)'],
    [CALLS['decrypt'], 'identity', 'to decrypt, give identities'],
    [CALLS['encryptFile'], 'identities', 'to encrypt, give recipients'],
    [CALLS['decrypt'], 'recipients', 'to decrypt, give identities'],
    [CALLS['salvage'], 'header', 'give it as fallbackHeader'],
    [CALLS['createEncryptStream'], 'chunkSize', 'give segmentSize or frameSize'],
  ] as const) {
    const error = call && (await outcome(call, { [option]: 'a' }));
    t.true(error?.message.endsWith(`has no option "${option}": ${advice}`), error?.message);
  }
});

test('a credential in the place of a key says where it belongs', async (t) => {
  const pair = sealstream.KeyPair.generate();
  for (const [value, found] of [
    [pair, 'a KeyPair: give it as recipients or identities'],
    [sealstream.passphrase('a'), 'a passphrase or another credential: give it as recipients or identities'],
    [sealstream.publicKey(pair.publicKey), 'a public key: give it as recipients'],
  ] as const) {
    const error = await outcome(() => sealstream.encrypt(bytes, { key: value as never }), {});
    t.true(error?.message.endsWith(`, not ${found}`), error?.message);
  }
});

test('a public key selects no slot, and the error says what does', async (t) => {
  const pair = sealstream.KeyPair.generate();
  for (const remove of [pair.publicKey, [sealstream.publicKey(pair.publicKey)]]) {
    const error = await outcome(() => sealstream.rewrap(at('file'), { key, remove: remove as never }), {});
    t.regex(
      String(error?.message),
      /which slots do not name: without the KeyPair, give those who stay as replace$/,
    );
  }
});
