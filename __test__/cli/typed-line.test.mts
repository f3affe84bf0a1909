// Editing a line that the terminal does not show.

import test from 'ava';

import { LONGEST_LINE, TypedLine } from '../../src-ts/cli/terminal/typed-line.js';

/** The line that these keys make. */
function typed(keys: string, size = Number.POSITIVE_INFINITY): { line: string; end: string | undefined } {
  const bytes = Buffer.from(keys);
  const line = new TypedLine();
  for (let at = 0; at < bytes.length; at += size) {
    const taken = line.take(bytes.subarray(at, at + size));
    if (taken !== undefined) return { line: Buffer.from(line.bytes()).toString(), end: taken.end };
  }
  return { line: Buffer.from(line.bytes()).toString(), end: undefined };
}

test('a line does not depend on how its bytes arrive', (t) => {
  for (const [keys, line] of [
    ['correct horse\r', 'correct horse'],
    ['correct horse\n', 'correct horse'],
    ['  blanks count\t \r', '  blanks count\t '],
    ['grüße 🔑\r', 'grüße 🔑'],
    ['abx\x7fc\r', 'abc'],
    ['abx\bc\r', 'abc'],
    ['aü\x7f🔑\x7fb\r', 'ab'],
    ['\x7f\x7fa\r', 'a'],
    ['wrong\x15right\r', 'right'],
    ['a\x1b[Db\x1b[1;5Cc\x1bOPd\r', 'abcd'],
    ['a\x1bxb\r', 'ab'],
    ['a\x00\x01\x0e\x1fb\r', 'ab'],
    ['a\x1b\r', 'a'],
    ['a\x1b[\r', 'a'],
    ['ab\x04', 'ab'],
    ['\r', ''],
  ] as const) {
    for (const size of [1, 2, 3, Number.POSITIVE_INFINITY]) {
      t.deepEqual(typed(keys, size), { line, end: 'line' }, JSON.stringify(keys));
    }
  }
});

test('Ctrl-C interrupts at any place, and Ctrl-D ends an empty line', (t) => {
  for (const keys of ['\x03', 'abc\x03', 'a\x1b\x03', 'a\x1b[\x03']) t.is(typed(keys).end, 'interrupt');
  t.is(typed('\x04').end, 'end');
  t.is(typed('ab\x15\x04').end, 'end');
  t.is(typed('abc').end, undefined);
});

test('bytes after a line are left', (t) => {
  const line = new TypedLine();
  t.deepEqual(line.take(Buffer.from('one\rtwo\r')), { end: 'line', used: 4 });
  t.is(Buffer.from(line.bytes()).toString(), 'one');
});

test('a line that is too long is detected', (t) => {
  const line = new TypedLine();
  line.take(Buffer.alloc(LONGEST_LINE, 'a'));
  t.false(line.isTooLong);
  line.take(Buffer.from('b'));
  t.true(line.isTooLong);
  line.take(Buffer.from('\x15c\r'));
  t.false(line.isTooLong);
  t.is(Buffer.from(line.bytes()).toString(), 'c');
});

test('a disposed line is overwritten', (t) => {
  const line = new TypedLine();
  line.take(Buffer.from('secret'));
  line.dispose();
  t.is(line.bytes().length, 0);
});
