// Sealed files, for tests of commands on many files.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ExecutionContext } from 'ava';

import { folderWithKey, sealstream } from './command.mjs';

/** Two sealed files in a folder, one next to it, and one that is sealed with another key. */
export async function store(t: ExecutionContext): Promise<string> {
  const cwd = await folderWithKey(t);
  mkdirSync(join(cwd, 'store', 'deep', 'er'), { recursive: true });
  const seal = async (name: string, key: string, to: string) => {
    writeFileSync(join(cwd, name), `content of ${name}`);
    const { code, stderr } = await sealstream(
      ['encrypt', '-q', '--header-size', '4K', '-k', key, '-o', to, name],
      { cwd },
    );
    if (code !== 0) throw new Error(stderr);
  };
  for (const name of ['new', 'stranger']) await sealstream(['keygen', '-q', '-o', `${name}.key`], { cwd });
  await seal('a', 'my.key', 'store/a.seal');
  await seal('b', 'my.key', 'store/deep/er/b.seal');
  await seal('c', 'stranger.key', 'other.seal');
  await seal('d', 'my.key', 'a.seal');
  return cwd;
}
