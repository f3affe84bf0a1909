import test from 'ava';

import { countCargo, countTap, ranNothing, total } from '../../scripts/lib/counts.mjs';

const CARGO = `
running 2 tests
test framing::a_frame_is_read_back ... ok
test framing::slow ... ignored

test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s


running 1 test
test a_segment_is_read_back ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s

`;

const TAP = `TAP version 13
ok 1 - keys › a key is 32 bytes
ok 2 - keys › later # SKIP
not ok 3 - files › a damaged file is refused
  ---
    name: AssertionError
    message: '# pass 90'
  ...

1..3
# tests 3
# pass 1
# skip 1
# fail 1

`;

test("cargo's counts are the sum over its test binaries", (t) => {
  t.deepEqual(countCargo(CARGO, 0), { passed: 2, failed: 0, skipped: 1 });
  t.deepEqual(countCargo(CARGO.replaceAll('\n', '\r\n'), 0), { passed: 2, failed: 0, skipped: 1 });
});

test("cargo's failed tests are counted once, though the exit code says so too", (t) => {
  const output =
    'running 3 tests\ntest result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out';
  t.deepEqual(countCargo(output, 101), { passed: 1, failed: 2, skipped: 0 });
});

test('a test binary that dies without its result is a failure', (t) => {
  const output = `${CARGO}\nrunning 5 tests\ntest one ... ok\n`;
  t.deepEqual(countCargo(output, 101), { passed: 2, failed: 1, skipped: 1 });
  t.deepEqual(countCargo(output + CARGO, 101), { passed: 4, failed: 1, skipped: 2 });
});

test('a compile error is a failure', (t) => {
  t.deepEqual(countCargo('', 101), { passed: 0, failed: 1, skipped: 0 });
});

test("ava's counts are those of its summary, not of what a test printed", (t) => {
  t.deepEqual(countTap(TAP, 1), { passed: 1, failed: 1, skipped: 1 });
  t.deepEqual(countTap(TAP.replaceAll('\n', '\r\n'), 1), { passed: 1, failed: 1, skipped: 1 });
});

test('a todo test is not a failure', (t) => {
  const output = 'ok 1 - a\nnot ok 2 - b # TODO\n\n1..2\n# tests 1\n# pass 1\n# fail 1\n';
  t.deepEqual(countTap(output, 0), { passed: 1, failed: 0, skipped: 1 });
});

test('tests that did not run are failures', (t) => {
  const output = 'ok 1 - a\n\n1..4\n# tests 4\n# pass 1\n# fail 3\n';
  t.deepEqual(countTap(output, 1), { passed: 1, failed: 3, skipped: 0 });
});

test('a runner that dies without its summary is a failure, and its results so far are kept', (t) => {
  t.deepEqual(countTap('TAP version 13\nok 1 - a\nok 2 - b\n', null), { passed: 2, failed: 1, skipped: 0 });
  t.deepEqual(countTap('', 1), { passed: 0, failed: 1, skipped: 0 });
});

test('a bad exit code is a failure, even after a clean summary', (t) => {
  const clean = 'ok 1 - a\n\n1..1\n# tests 1\n# pass 1\n# fail 0\n';
  t.deepEqual(countTap(clean, 0), { passed: 1, failed: 0, skipped: 0 });
  t.deepEqual(countTap(clean, 1), { passed: 1, failed: 1, skipped: 0 });
  t.deepEqual(countTap(clean, null), { passed: 1, failed: 1, skipped: 0 });
  t.deepEqual(countCargo(CARGO, 1), { passed: 2, failed: 1, skipped: 1 });
});

test('a runner that ran nothing is a failure in the total', (t) => {
  const nothing = { passed: 0, failed: 0, skipped: 3 };
  t.true(ranNothing(nothing));
  t.deepEqual(total([{ passed: 5, failed: 0, skipped: 0 }, nothing]), { passed: 5, failed: 1, skipped: 3 });
  t.deepEqual(total([{ passed: 5, failed: 1, skipped: 0 }, countCargo(CARGO, 0)]), {
    passed: 7,
    failed: 1,
    skipped: 1,
  });
});
