// Names and paths in the architecture pages and in CONTRIBUTING.md must exist in the code.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

const root = join(import.meta.dirname, '..', '..');
const pages = [
  'CONTRIBUTING.md',
  'docs/ARCHITECTURE.md',
  ...readdirSync(join(root, 'docs/architecture')).map((name) => `docs/architecture/${name}`),
];

/** All files below a folder, by their paths from the root. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const sources = ['src-rs', 'src-ts'].flatMap(filesBelow);
const text = [...sources, 'package.json'].map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
const words = new Set(text.match(/\w+/g));

/** A path from the root, or the end of a source's path or folder. */
function isPath(path: string): boolean {
  const place = path.replace(/\/$/, '');
  return (
    existsSync(join(root, place)) ||
    sources.some((source) => source.endsWith(`/${place}`) || source.includes(`/${place}/`))
  );
}

for (const page of pages) {
  test(`the code has every name in ${page}`, (t) => {
    const lines = readFileSync(join(root, page), 'utf8').replace(/^```.*?^```$/gms, '');
    for (const [, code = ''] of lines.matchAll(/`([^`\n]+)`/g)) {
      if (/^[\w.@-]+\/[\w./-]*$/.test(code) || /^[\w-]+\.(rs|ts|mts|md|json|toml)$/.test(code)) {
        t.true(isPath(code), code);
      } else if (/^\w+((::|\.)\w+)*$/.test(code)) {
        for (const name of code.split(/::|\./)) t.true(words.has(name) || isPath(name), code);
      }
    }
  });
}
