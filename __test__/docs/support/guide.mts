// The code of a guide as a module.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { repositoryFile } from '../../api/support/files.mjs';

/** All of the guide's JavaScript in one file of its own, where it finds what it imports. */
export function guideModule(t: { teardown: (undo: () => void) => void }, name: string): string {
  const guide = repositoryFile('docs', 'guides', `${name}.md`).toString();
  const code = Array.from(guide.matchAll(/^```js\n(.*?)^```$/gms), ([, block]) => block ?? '');
  // In the package's own scope, so that it can import it by name, in a folder that holds nothing else.
  const directory = join(import.meta.dirname, '..', '..', '..', 'target', 'guides');
  mkdirSync(directory, { recursive: true });
  made += 1;
  const path = join(directory, `${name}-${process.pid}-${made}.mjs`);
  writeFileSync(path, code.join('\n'));
  t.teardown(() => {
    rmSync(path);
  });
  return pathToFileURL(path).href;
}

let made = 0;
