// docs/architecture/memory.md lists every `unsafe` of the binding with a trial that attacks it.

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { repositoryFile } from '../api/support/files.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = join(ROOT, 'src-rs', 'node', 'src');
const MAIN = join(ROOT, 'scripts', 'matrix', 'smoke', 'main.mjs');

/** `file | item | count` of every `unsafe`, where the item is its function or its implementation of a trait. */
function found(): string[] {
  const counts = new Map<string, number>();
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.rs'),
  );
  for (const file of files) {
    let item = '';
    for (const line of repositoryFile('src-rs', 'node', 'src', file).toString().split('\n')) {
      const code = line.replace(/\/\/.*/, '');
      item = /\bfn (\w+)/.exec(code)?.[1] ?? item;
      if (!/\bunsafe\b/.test(code)) continue;
      const place = /unsafe impl(?:<[^>]*>)? (.*?) \{/.exec(code)?.[1] ?? item;
      const key = `${file.replaceAll('\\', '/')} | ${place}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts].map(([key, count]) => `${key} | ${count}`).sort();
}

const page = repositoryFile('docs', 'architecture', 'memory.md').toString();
const rows = page
  .slice(page.indexOf('## Every `unsafe`'))
  .split('\n')
  .filter((line) => /^\| \S+\.rs \|/.test(line))
  .map((line) => line.slice(2, -2).split(/ *\| */));

test('every unsafe of the binding is listed', (t) => {
  t.true(rows.length > 0);
  t.deepEqual(rows.map(([file, item, count]) => `${file} | ${item} | ${count}`).sort(), found());
});

test('every unsafe is attacked by a trial of the matrix', (t) => {
  const trials = JSON.parse(execFileSync(process.execPath, [MAIN], { encoding: 'utf8' })) as string[];
  for (const [file, item, , , trial] of rows)
    t.true(trials.includes(trial ?? ''), `${file}, ${item}: ${trial}`);
});
