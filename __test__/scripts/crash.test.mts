import test from 'ava';

import { killAtRandom } from '../../scripts/crash/kill.mjs';
import { temporaryDirectory } from '../api/support/files.mjs';

for (const direction of ['encrypt', 'decrypt'] as const) {
  test(`${direction}File that is killed at any moment is gone on with to the right bytes, and leaves nothing`, async (t) => {
    const seed = Date.now() % 2 ** 32;
    t.log(`seed ${seed}`);
    const outcome = await killAtRandom({ direction, kills: 10, seed, folder: temporaryDirectory(t) });
    t.is(outcome.kills, 10);
    t.true(outcome.finished > 0);
  });
}
