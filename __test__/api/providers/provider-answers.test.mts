import { runInNewContext } from 'node:vm';

import test from 'ava';
import type { ProviderErrorCode } from 'sealstream';

import { askToUnwrap, askToWrap, KEK, providerError } from '../support/provider-calls.mjs';

import { access, BLOB, failing, NOTHING, unwrapping } from './fake-providers.mjs';

test('an error of a provider is the cause, thrown at once or later', async (t) => {
  const cause = new Error('no such key');
  const expected =
    'the provider "vault" did not unwrap the key of "team/a": no such key; ' +
    'check that the key exists and that the stream was sealed with it';
  const atOnce = unwrapping(() => {
    throw cause;
  });
  const later = unwrapping(() => Promise.reject(cause));
  for (const keyProvider of [atOnce, later]) {
    const error = await providerError(() => askToUnwrap(keyProvider, BLOB, NOTHING));
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
  test(`an error is classified, ${index}: ${why}`, async (t) => {
    const error = await failing(thrown);
    t.is(error.code, code);
    t.true(
      error.message.startsWith(`the provider "vault" did not unwrap the key of "team/a": ${why}`),
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

test('an error that is its own cause is reported once', async (t) => {
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
  test(`a wrong answer is refused: ${name}`, async (t) => {
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

test('bytes of another realm, and answers without a promise, are accepted', async (t) => {
  const foreign = runInNewContext('new Uint8Array(32).fill(5)') as Uint8Array;
  const kek = await askToUnwrap(
    unwrapping(() => foreign),
    BLOB,
    NOTHING,
  );
  t.deepEqual(kek, new Uint8Array(32).fill(5));
});

test('a detached answer is refused', async (t) => {
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
  test(`a blob of ${size} bytes is ${isTaken ? 'accepted' : 'refused'}`, async (t) => {
    const wrapKey = () => Promise.resolve(new Uint8Array(size));
    const asking = () => askToWrap(access({ wrapKey }), KEK, NOTHING);
    if (isTaken) t.is((await asking()).length, size);
    else t.is((await providerError(asking)).code, 'ERR_PROVIDER_ANSWER');
  });
}
