// Attacks on the memory of arguments, from scripts/matrix: each runs in a process of its own, because the failure to look for is a crash.

import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import test from 'ava';

import { temporaryDirectory } from '../support/files.mjs';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'scripts', 'matrix', 'smoke', 'main.mjs');
const names = JSON.parse(execFileSync(process.execPath, [MAIN], { encoding: 'utf8' })) as string[];
const attacks = names.filter((name) => name.startsWith('hostile memory: '));

test('every function that takes bytes is attacked', (t) => {
  t.is(attacks.length, 13);
});

for (const name of attacks) {
  test.serial(name, async (t) => {
    t.timeout(120_000);
    // It fails with what the program printed, or with the signal that ended it.
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, name, temporaryDirectory(t)]);
    t.is(stdout, 'ok\n');
  });
}
