// How key services are asked, with services that are slow, dead, wrong or rude.

import { getEventListeners } from 'node:events';
import { runInNewContext } from 'node:vm';

import test from 'ava';
import type { KeyContext, KeyProvider, ProviderError, ProviderErrorCode } from 'sealstream';

import {
  accessTo,
  askToUnwrap,
  askToWrap,
  checkedProvider,
  KEK,
  type ProviderAccess,
  providerError,
} from '../support/key-service-calls.mjs';
import { errorOf } from '../support/errors.mjs';

const BLOB = Buffer.from('blob');
const NOTHING: Uint8Array = new Uint8Array();

function access(functions: Partial<KeyProvider>, timeout?: number): ProviderAccess {
  const unexpected = () => Promise.reject(new Error('it is not to be asked'));
  const service = { name: 'vault', wrapKey: unexpected, unwrapKey: unexpected, ...functions };
  return accessTo(service, 'team/a', timeout);
}

function unwrapping(unwrapKey: () => unknown, timeout?: number): ProviderAccess {
  return access({ unwrapKey: unwrapKey as KeyProvider['unwrapKey'] }, timeout);
}

/** What becomes of what a service throws. */
function failing(thrown: unknown): Promise<ProviderError> {
  const service = unwrapping(() => {
    throw thrown;
  });
  return providerError(() => askToUnwrap(service, BLOB, NOTHING));
}

const never = () => new Promise<Uint8Array>(() => undefined);

test('a service that answers with the memory that it was lent is heard before that is overwritten', async (t) => {
  const inPlace = {
    name: 'in-place',
    wrapKey: (kek: Uint8Array) => Promise.resolve(kek.map((byte, index) => (kek[index] = byte ^ 0xff))),
    unwrapKey: (blob: Uint8Array) => {
      for (const [index, byte] of blob.entries()) blob[index] = byte ^ 0xff;
      return Promise.resolve(blob);
    },
  };
  const lent = { ...inPlace, wrapKey: (kek: Uint8Array) => inPlace.unwrapKey(kek) };
  for (const service of [inPlace, lent]) {
    const blob = await askToWrap(accessTo(service, 'a'), KEK, new Uint8Array());
    t.deepEqual(
      blob,
      KEK.map((byte) => byte ^ 0xff),
    );
    t.deepEqual(await askToUnwrap(accessTo(service, 'a'), blob, new Uint8Array()), KEK);
  }
});

test('a service that does not wrap at all is found out', async (t) => {
  const clear = {
    name: 'clear',
    wrapKey: (kek: Uint8Array) => Promise.resolve(kek),
    unwrapKey: () => Promise.reject(new Error()),
  };
  const error = await providerError(() => askToWrap(accessTo(clear, 'a'), KEK, new Uint8Array()));
  t.is(error.code, 'ERR_PROVIDER_ANSWER');
  t.regex(error.message, /the key in clear/);
});

test('a service gets the key, the id of its key and the context, and gives the blob', async (t) => {
  let asked: unknown[] = [];
  const service = access({
    wrapKey: (kek, keyId, context) => {
      asked = [Buffer.from(kek), keyId, Buffer.from(context.context), context.signal.aborted];
      return Promise.resolve(BLOB);
    },
  });
  const blob = await askToWrap(service, KEK, Buffer.from('tenant=7'));
  t.deepEqual(asked, [Buffer.from(KEK), 'team/a', Buffer.from('tenant=7'), false]);
  t.deepEqual(Buffer.from(blob), BLOB);
  t.not(blob.buffer, BLOB.buffer);
});

test('a service gets the blob back, and gives the key', async (t) => {
  let asked: unknown[] = [];
  const service = access({
    unwrapKey: (blob, keyId, { context }) => {
      asked = [Buffer.from(blob), keyId, context.length];
      return Promise.resolve(KEK.slice());
    },
  });
  t.deepEqual(await askToUnwrap(service, BLOB, NOTHING), KEK);
  t.deepEqual(asked, [BLOB, 'team/a', 0]);
});

test('the key that a service gets is a copy, which is overwritten when it has answered', async (t) => {
  let lent: Uint8Array = NOTHING;
  const kek = KEK.slice();
  await askToWrap(
    access({
      wrapKey: (bytes) => {
        lent = bytes;
        bytes[0] = 255;
        return Promise.resolve(BLOB);
      },
    }),
    kek,
    NOTHING,
  );
  t.deepEqual(lent, new Uint8Array(32));
  t.deepEqual(kek, KEK);
});

test('it is overwritten as well when the service fails, and when it does not answer', async (t) => {
  for (const fate of [() => Promise.reject(new Error('no')), never]) {
    let lent: Uint8Array = NOTHING;
    const wrapKey = (bytes: Uint8Array) => {
      lent = bytes;
      return fate();
    };
    await providerError(() => askToWrap(access({ wrapKey }, 20), KEK, NOTHING));
    t.deepEqual(lent, new Uint8Array(32));
  }
});

test('the key that a service gives is copied into memory of its own, and overwritten there', async (t) => {
  const given = KEK.slice();
  const kek = await askToUnwrap(
    unwrapping(() => given),
    BLOB,
    NOTHING,
  );
  t.deepEqual(kek, KEK);
  t.is(kek.buffer.byteLength, 32);
  t.deepEqual(given, new Uint8Array(32));
});

test('a key of a wrong size is overwritten, too', async (t) => {
  const given = new Uint8Array(33).fill(7);
  await providerError(() =>
    askToUnwrap(
      unwrapping(() => given),
      BLOB,
      NOTHING,
    ),
  );
  t.deepEqual(given, new Uint8Array(33));
});

test('a key that comes after the time limit is overwritten', async (t) => {
  const given = KEK.slice();
  let answer: (kek: Uint8Array) => void = () => undefined;
  const late = new Promise<Uint8Array>((resolve) => {
    answer = resolve;
  });
  await providerError(() =>
    askToUnwrap(
      unwrapping(() => late, 10),
      BLOB,
      NOTHING,
    ),
  );
  answer(given);
  await new Promise(setImmediate);
  t.deepEqual(given, new Uint8Array(32));
});

test('a service that never answers is given up on, and told so', async (t) => {
  let told: KeyContext | undefined;
  const service = access(
    {
      unwrapKey: (_blob, _keyId, context) => {
        told = context;
        return never();
      },
    },
    20,
  );
  const error = await providerError(() => askToUnwrap(service, BLOB, NOTHING));
  t.is(error.code, 'ERR_PROVIDER_TIMEOUT');
  t.is(
    error.message,
    'the key service "vault" did not unwrap the key of "team/a": timed out after 20 ms; ' +
      'check that it can be reached, or give it a longer `timeout`',
  );
  t.deepEqual(
    [error.name, error.provider, error.keyId, error.operation],
    ['ProviderError', 'vault', 'team/a', 'unwrap'],
  );
  t.is(told?.signal.reason, error);
});

test('a service that fails because it was told to stop does not hide why', async (t) => {
  const heeding: Partial<KeyProvider> = {
    wrapKey: (_kek, _keyId, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('The request was aborted'));
        });
      }),
  };
  const error = await providerError(() => askToWrap(access(heeding, 20), KEK, NOTHING));
  t.is(error.code, 'ERR_PROVIDER_TIMEOUT');
  t.regex(
    error.message,
    /^the key service "vault" did not wrap a key with "team\/a": timed out after 20 ms;/,
  );
});

test("the caller's signal ends the wait with its reason, and nothing stays behind on it", async (t) => {
  const stop = new AbortController();
  let told: AbortSignal | undefined;
  const service = access({
    unwrapKey: (_blob, _keyId, { signal }) => {
      told = signal;
      return never();
    },
  });
  const reason = new Error('enough');
  const asking = errorOf(() => askToUnwrap(service, BLOB, NOTHING, stop.signal));
  await new Promise(setImmediate);
  stop.abort(reason);
  t.is(await asking, reason);
  t.true(told?.aborted);
  t.is(getEventListeners(stop.signal, 'abort').length, 0);

  const open = new AbortController();
  await askToUnwrap(
    unwrapping(() => KEK.slice()),
    BLOB,
    NOTHING,
    open.signal,
  );
  t.is(getEventListeners(open.signal, 'abort').length, 0);
});

test('with a signal that is aborted already nobody is asked', async (t) => {
  let asked = 0;
  const service = unwrapping(() => (asked += 1));
  const error = await errorOf(() => askToUnwrap(service, BLOB, NOTHING, AbortSignal.abort('no more')));
  t.is((error as Error).name, 'AbortError');
  t.is((error as Error).cause, 'no more');
  t.is(asked, 0);
});

test('what a service throws is the cause, whether it throws at once or later', async (t) => {
  const cause = new Error('no such key');
  const expected =
    'the key service "vault" did not unwrap the key of "team/a": no such key; ' +
    'check that the key exists and that the stream was sealed with it';
  const atOnce = unwrapping(() => {
    throw cause;
  });
  const later = unwrapping(() => Promise.reject(cause));
  for (const service of [atOnce, later]) {
    const error = await providerError(() => askToUnwrap(service, BLOB, NOTHING));
    t.is(error.code, 'ERR_PROVIDER_FAILED');
    t.is(error.message, expected);
    t.is(error.cause, cause);
  }
});

const THROWN: readonly (readonly [thrown: unknown, code: ProviderErrorCode, why: string])[] = [
  ['out of order', 'ERR_PROVIDER_FAILED', 'out of order'],
  [undefined, 'ERR_PROVIDER_FAILED', 'it threw a value of type undefined'],
  [null, 'ERR_PROVIDER_FAILED', 'it threw null'],
  [42, 'ERR_PROVIDER_FAILED', 'it threw a value of type number'],
  [{}, 'ERR_PROVIDER_FAILED', 'it failed without a message'],
  [{ name: 'Refused' }, 'ERR_PROVIDER_FAILED', 'Refused'],
  [new Error(''), 'ERR_PROVIDER_FAILED', 'it failed without a message'],
  [
    coded('connect ECONNREFUSED ::1:9', 'ECONNREFUSED'),
    'ERR_PROVIDER_UNAVAILABLE',
    'connect ECONNREFUSED ::1:9',
  ],
  // As Node fails to connect to each address of a name: without a message.
  [coded('', 'ECONNREFUSED'), 'ERR_PROVIDER_UNAVAILABLE', 'ECONNREFUSED'],
  [coded('', 'ENOTFOUND'), 'ERR_PROVIDER_UNAVAILABLE', 'ENOTFOUND'],
  [coded('', 'EAI_AGAIN'), 'ERR_PROVIDER_UNAVAILABLE', 'EAI_AGAIN'],
  [coded('', 'ETIMEDOUT'), 'ERR_PROVIDER_TIMEOUT', 'ETIMEDOUT'],
  // As `fetch` fails.
  [
    new TypeError('fetch failed', { cause: coded('getaddrinfo ENOTFOUND kms', 'ENOTFOUND') }),
    'ERR_PROVIDER_UNAVAILABLE',
    'fetch failed (ENOTFOUND)',
  ],
  [named('TimeoutError', 'too slow'), 'ERR_PROVIDER_TIMEOUT', 'too slow'],
  [named('AccessDeniedException', 'not you'), 'ERR_PROVIDER_DENIED', 'not you'],
  [named('NetworkingError', 'gone'), 'ERR_PROVIDER_UNAVAILABLE', 'gone'],
  [coded('closed for today', 'ERR_PROVIDER_UNAVAILABLE'), 'ERR_PROVIDER_UNAVAILABLE', 'closed for today'],
  [coded('odd', 'toString'), 'ERR_PROVIDER_FAILED', 'odd'],
];
for (const [index, [thrown, code, why]] of THROWN.entries()) {
  test(`what is thrown is classed, ${index}: ${why}`, async (t) => {
    const error = await failing(thrown);
    t.is(error.code, code);
    t.true(
      error.message.startsWith(`the key service "vault" did not unwrap the key of "team/a": ${why}`),
      error.message,
    );
    t.is(error.cause, thrown);
  });
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

test('an error that is its own cause is told once', async (t) => {
  const error = new Error('round and round');
  error.cause = error;
  t.is((await failing(error)).code, 'ERR_PROVIDER_FAILED');
});

for (const [name, answer, why] of [
  ['nothing', undefined, 'its answer is no Uint8Array'],
  ['a string', 'A'.repeat(32), 'its answer is no Uint8Array'],
  ['an array', Array.from(KEK), 'its answer is no Uint8Array'],
  ['31 bytes', KEK.slice(1), 'its answer has 31 bytes, and must have 32'],
  ['33 bytes', new Uint8Array(33), 'its answer has 33 bytes, and must have 32'],
  ['no bytes', NOTHING, 'its answer has 0 bytes, and must have 32'],
] as const) {
  test(`an answer that is no key is refused: ${name}`, async (t) => {
    const error = await providerError(() =>
      askToUnwrap(
        unwrapping(() => answer),
        BLOB,
        NOTHING,
      ),
    );
    t.is(error.code, 'ERR_PROVIDER_ANSWER');
    t.true(error.message.includes(why), error.message);
  });
}

test('bytes of another realm, and those that a service gives without a promise, are taken', async (t) => {
  const foreign = runInNewContext('new Uint8Array(32).fill(5)') as Uint8Array;
  const kek = await askToUnwrap(
    unwrapping(() => foreign),
    BLOB,
    NOTHING,
  );
  t.deepEqual(kek, new Uint8Array(32).fill(5));
});

test('an answer whose memory is gone is refused', async (t) => {
  const gone = KEK.slice();
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  const error = await providerError(() =>
    askToUnwrap(
      unwrapping(() => gone),
      BLOB,
      NOTHING,
    ),
  );
  t.is(error.code, 'ERR_PROVIDER_ANSWER');
});

for (const [size, isTaken] of [
  [0, false],
  [1, true],
  [1_000_000, true],
  [1_000_001, false],
] as const) {
  test(`a blob of ${size} bytes is ${isTaken ? 'taken' : 'refused'}`, async (t) => {
    const wrapKey = () => Promise.resolve(new Uint8Array(size));
    const asking = () => askToWrap(access({ wrapKey }), KEK, NOTHING);
    if (isTaken) t.is((await asking()).length, size);
    else t.is((await providerError(asking)).code, 'ERR_PROVIDER_ANSWER');
  });
}

for (const [name, value, expected] of [
  ['nothing', undefined, /^service must be a KeyProvider, not undefined$/],
  ['a string', 'aws-kms', /^service must be a KeyProvider, not a string$/],
  ['no name', service({ name: undefined }), /^service\.name must be a string, not undefined$/],
  ['an empty name', service({ name: '' }), /^service\.name must have 1 to 255 bytes of UTF-8, not 0$/],
  [
    'a long name',
    service({ name: 'é'.repeat(128) }),
    /^service\.name must have 1 to 255 bytes of UTF-8, not 256$/,
  ],
  ['half a character', service({ name: '\ud800' }), /^service\.name must be well-formed Unicode/],
  ['no wrapKey', service({ wrapKey: undefined }), /^service\.wrapKey must be a function, not undefined$/],
  ['no unwrapKey', service({ unwrapKey: 1 }), /^service\.unwrapKey must be a function, not a number$/],
] as const) {
  test(`a service is checked: ${name}`, (t) => {
    const error = t.throws(() => checkedProvider(value), { message: expected });
    t.true(error instanceof TypeError || error instanceof RangeError);
  });
}

function service(changed: Record<string, unknown>): object {
  return { name: 'vault', wrapKey: never, unwrapKey: never, ...changed };
}

test('a service is taken as it is, also one whose functions stand on its prototype', (t) => {
  class Vault implements KeyProvider {
    readonly name = 'v'.repeat(255);
    wrapKey = never;
    unwrapKey(): Promise<Uint8Array> {
      return never();
    }
  }
  const vault = new Vault();
  t.deepEqual(checkedProvider(vault), { service: vault, name: vault.name });
});
