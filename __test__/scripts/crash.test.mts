import test from 'ava';

import { killAtRandom } from '../../scripts/crash/kill.mjs';
import { killRewrapping } from '../../scripts/crash/rewrap.mjs';
import { temporaryDirectory } from '../api/support/files.mjs';

for (const direction of ['encrypt', 'decrypt'] as const) {
  test(`${direction}File that is killed at any moment resumes to the right bytes, and leaves no other files`, async (t) => {
    const seed = Date.now() % 2 ** 32;
    t.log(`seed ${seed}`);
    const outcome = await killAtRandom({ direction, kills: 10, seed, folder: temporaryDirectory(t) });
    t.is(outcome.kills, 10);
    t.true(outcome.finished > 0);
  });
}

for (const place of ['in place', 'new file'] as const) {
  test(`a file that is rewrapped (${place}) opens with the keys of before or of after, whenever that is killed`, async (t) => {
    const seed = Date.now() % 2 ** 32;
    t.log(`seed ${seed}`);
    const outcome = await killRewrapping({ place, kills: 6, seed, folder: temporaryDirectory(t) });
    t.log(outcome);
    t.is(outcome.kills, 6);
  });
}
