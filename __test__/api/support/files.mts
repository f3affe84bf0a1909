// Files for tests: temporary folders, their contents, and files of the repository.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ExecutionContext } from 'ava';

/** A new directory that goes when the test ends. */
export function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'sealstream-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Every file of a directory with its bytes, to see that nothing came or changed. */
export function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ name }) => [name, readFileSync(join(directory, name)).toString('base64')]),
  );
}

/** A file of the repository. */
export function repositoryFile(...path: string[]): Buffer {
  return readFileSync(join(import.meta.dirname, '..', '..', '..', ...path));
}
