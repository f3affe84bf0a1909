import test from 'ava';
import { decryptSync, encrypt, encryptFile, encryptSync, SecretKey } from 'sealstream';
import * as floe from 'sealstream/floe';

import { errorOf } from '../support/errors.mjs';

const key = SecretKey.generate();
const bytes = Buffer.from('text');

test('a misspelt option is refused by name, not ignored', async (t) => {
  const misspelt = { key, contxt: 'tenant=7' };
  t.throws(() => encryptSync(bytes, misspelt), { instanceOf: TypeError, message: /"contxt"/ });
  t.true((await errorOf(() => encrypt(bytes, misspelt))) instanceof TypeError);
  t.true((await errorOf(() => encryptFile('a', 'b', { key, ovewrite: true } as never))) instanceof TypeError);
});

test('a message has aad, and refuses context', (t) => {
  t.throws(() => floe.encrypt(bytes, { key, context: 'tenant=7' } as never), { message: /"context"/ });
});

test('a hole among keys is refused like any other value that is no key', (t) => {
  const holes = new Array<SecretKey>(2);
  t.throws(() => decryptSync(encryptSync(bytes, { key }), { key: holes }), { message: /^key\[0\]/ });
});
