// Behaviour on a terminal.

import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import test from 'ava';

import {
  ESCAPE,
  folder,
  folderWithKey,
  hasTerminal,
  main,
  names,
  onTerminal,
  sealstream,
} from './command.mjs';

// Skipped if no program provides a terminal.
const terminalTest = hasTerminal ? test : test.skip;

terminalTest('sealed data is not written to a terminal', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), 'text');
  for (const line of ['encrypt -k my.key -o - a', 'encrypt -f -k my.key -o - a']) {
    const { code, screen } = await onTerminal(`sealstream ${line}`, { cwd });
    t.is(code, 5);
    t.regex(screen, /sealed data is binary[^]*-o OUT[^]*--tty/);
  }
  const sent = await onTerminal('sealstream encrypt -q --tty -k my.key -o - a', { cwd });
  t.is(sent.code, 0);
  t.true(sent.screen.length > 100);
});

terminalTest('a terminal shows text, and other data only with --tty', async (t) => {
  const cwd = await folderWithKey(t);
  for (const [name, data, shows] of [
    ['plain', 'Grüße\n\tund mehr\r\n', true],
    ['empty', '', true],
    ['unfinished', 'no line end', true],
    ['binary', randomBytes(1000), false],
    ['zero', 'a\0b', false],
    ['escape', 'red \x1b[31m', false],
    ['return', 'covered\rby this', false],
    ['c1', 'a\u009b31m', false],
  ] as const) {
    writeFileSync(join(cwd, name), data);
    await sealstream(['encrypt', '-k', 'my.key', name], { cwd });
    const { code, screen } = await onTerminal(`sealstream decrypt -k my.key -o - ${name}.seal`, { cwd });
    t.is(code, shows ? 0 : 5, `${name}: ${screen}`);
    if (shows) t.is(screen.replaceAll('\r', '').trim(), data.replaceAll('\r', '').trim());
    else t.regex(screen, /standard output is a terminal[^]*--tty/);
  }
  const forced = await onTerminal('sealstream decrypt --tty -q -k my.key -o - zero.seal', { cwd });
  t.is(forced.code, 0);
  t.true(forced.screen.includes('a\0b'));
  const piped = await onTerminal('sealstream decrypt -q -k my.key - < plain.seal', { cwd });
  t.regex(piped.screen, /Grüße/);
});

terminalTest('long text is refused on a terminal, and damaged text is not shown', async (t) => {
  const cwd = await folderWithKey(t);
  for (const lines of [210_000, 600_000]) {
    writeFileSync(join(cwd, 'long'), 'line\n'.repeat(lines));
    await sealstream(['encrypt', '-f', '-k', 'my.key', 'long'], { cwd });
    const long = await onTerminal('sealstream decrypt -k my.key -o - long.seal', { cwd });
    t.is(long.code, 5);
    t.regex(long.screen, /too long for a terminal/);
  }

  writeFileSync(join(cwd, 'short'), 'a secret text');
  const cut = 'head -c 400 short.seal | sealstream decrypt -k my.key -';
  await sealstream(['encrypt', '-k', 'my.key', 'short'], { cwd });
  const damaged = await onTerminal(cut, { cwd });
  t.is(damaged.code, 4);
  t.notRegex(damaged.screen, /a secret text/);
});

terminalTest('a command that waits for a pipe can be interrupted on a terminal', async (t) => {
  const cwd = await folderWithKey(t);
  const line = [
    'mkfifo pipe; sleep 30 > pipe & writer=$!',
    '"$NODE" "$MAIN" decrypt -k my.key - < pipe & command=$!',
    'sleep 1; kill -TERM $command; wait $command; echo "ended: $?"; kill $writer',
  ];
  const { screen } = await onTerminal(line.join('; '), { cwd });
  t.regex(screen, /^ended: 143\r?$/m);
});

terminalTest('a terminal is refused as sealed input', async (t) => {
  const cwd = await folderWithKey(t);
  const { code, screen } = await onTerminal('sealstream decrypt -k my.key -o out -', { cwd });
  t.is(code, 2);
  t.regex(screen, /standard input is a terminal/);
});

terminalTest('a progress bar is shown, and removed at the end', async (t) => {
  const cwd = await folderWithKey(t);
  const slow = '(head -c 3000000 /dev/zero; sleep 0.6; head -c 3000000 /dev/zero)';
  const shown = await onTerminal(`${slow} | sealstream encrypt -k my.key -o a.seal -`, { cwd });
  t.is(shown.code, 0, shown.screen);
  const lines = shown.screen.replaceAll('\r', '\n').replaceAll(ESCAPE, '⎋');
  t.regex(lines, /^[\d.]+ MiB {2}[\d.]+ [KM]iB\/s⎋\[K$/m);
  t.regex(lines, /^⎋\[Kencrypted standard input -> a\.seal/m);

  for (const [option, term] of [
    ['--quiet', 'xterm'],
    ['--json', 'xterm'],
    ['', 'dumb'],
  ] as const) {
    const line = `${slow} | sealstream encrypt -f ${option} -k my.key -o a.seal -`;
    const silent = await onTerminal(line, { cwd, env: { TERM: term } });
    t.is(silent.code, 0);
    t.false(silent.screen.includes(ESCAPE));
  }
  t.true(existsSync(join(cwd, 'a.seal')));
});

test('a pipe gets no progress bar', async (t) => {
  const cwd = await folderWithKey(t);
  const { stderr } = await sealstream(['encrypt', '-k', 'my.key', '-o', 'a.seal', '-'], {
    cwd,
    input: randomBytes(4_000_000),
  });
  t.regex(stderr, /^encrypted [^\r\n]*\n$/);
  t.false(stderr.includes(ESCAPE));
  t.deepEqual(names(cwd), ['a.seal', 'my.key']);
});

terminalTest('a failure to set the terminal hides no other error and leaks no descriptor', async (t) => {
  const cwd = folder(t);
  const script = `
    const { readdirSync } = require('node:fs');
    const { ReadStream } = require('node:tty');
    const { onTerminal } = require(${JSON.stringify(join(dirname(main), 'terminal/terminal-input.js'))});
    const open = () => readdirSync('/dev/fd').length;
    const delta = async (broken) => {
      ReadStream.prototype.setRawMode = (mode) => {
        if (mode === broken) throw new Error('the terminal is gone');
      };
      const before = open();
      await onTerminal('another way', async () => {
        throw new Error('what went wrong first');
      }).catch(({ message }) => console.log(message));
      // A stream closes its descriptor a little later.
      for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
      return open() - before;
    };
    (async () => {
      // The first time opens what Node keeps, and each time leaves what the system's library does.
      await delta('never');
      const usual = await delta('never');
      for (const broken of [true, false]) console.log('more: ' + ((await delta(broken)) - usual));
    })();`;
  writeFileSync(join(cwd, 'script.cjs'), script);
  const { screen } = await onTerminal('"$NODE" script.cjs', { cwd });
  t.deepEqual(screen.trim().split(/\r?\n/), [
    'what went wrong first',
    'what went wrong first',
    'there is no terminal to type the passphrase on',
    'more: 0',
    'what went wrong first',
    'more: 0',
  ]);
});
