// @ts-check
// Tries one capability of the installed package on the current runtime: `main.mjs NAME FOLDER`, with an empty folder. On success
// it prints `ok` as its last line, and must then end by itself. `main.mjs` without arguments prints all names.

import { credentials } from './credentials.mjs';
import { hostileMemory } from './hostile-memory.mjs';
import { operations } from './operations.mjs';
import { readers } from './readers.mjs';
import { streams } from './streams.mjs';
import { surroundings } from './surroundings.mjs';

/** @type {Record<string, import('./operations.mjs').Capability>} */
const capabilities = {
  ...operations,
  ...credentials,
  ...streams,
  ...readers,
  ...surroundings,
  ...hostileMemory,
};

const [name, folder = ''] = process.argv.slice(2);
if (name === undefined) {
  process.stdout.write(`${JSON.stringify(Object.keys(capabilities))}\n`);
} else {
  const attempt = capabilities[name];
  if (attempt === undefined) throw new Error(`no capability is called ${name}`);
  await attempt(folder);
  process.stdout.write('ok\n');
}
