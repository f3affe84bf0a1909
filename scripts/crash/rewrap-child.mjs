// @ts-check
// Rewraps one file for one key and the other alternately, until it is killed. Prints `begun`, and after each rewrap the
// header's revision.

import { rewrap, secretKey, SecretKey } from 'sealstream';

const [path = '', ...keyFiles] = process.argv.slice(2);
const keys = await Promise.all(keyFiles.map((file) => SecretKey.fromFile(file)));
process.stdout.write('begun\n');
for (;;) {
  for (const next of [1, 0]) {
    const [key, other] = [keys[1 - next], keys[next]];
    if (key === undefined || other === undefined) throw new Error('two key files are needed');
    const { revision } = await rewrap(path, { key, replace: [secretKey(other)] });
    process.stdout.write(`${revision}\n`);
  }
}
