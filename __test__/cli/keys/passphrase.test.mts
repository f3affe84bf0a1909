// Passphrases: typed, from a descriptor, from the environment.

import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import {
  end,
  ESCAPE,
  folder,
  folderWithKey,
  hasTerminal,
  jsonError,
  type Keys,
  jsonReport,
  names,
  onTerminal,
  sealstream,
  start,
} from '../command.mjs';

// Skipped if no program provides a terminal.
const terminalTest = hasTerminal ? test : test.skip;

/** The lowest cost: the tests are not about strength. */
const CHEAP = ['--passphrase-cost', '8K,1,1'];
const PASSPHRASE = 'correct horse';
const env = { SEALSTREAM_PASSPHRASE: PASSPHRASE };

/** A folder with `x`, sealed as `x.seal` with a passphrase. */
async function folderWithSealed(t: ExecutionContext): Promise<string> {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  const { code, stderr } = await sealstream(['encrypt', '-p', ...CHEAP, 'x'], { cwd, env });
  if (code !== 0) throw new Error(stderr);
  return cwd;
}

/** Runs the command with this file as descriptor 3. */
async function withDescriptor(args: readonly string[], cwd: string, content: string | Buffer) {
  writeFileSync(join(cwd, 'secret'), content);
  const fd = openSync(join(cwd, 'secret'), 'r');
  try {
    return await sealstream(args, { cwd, stdio: ['pipe', 'pipe', 'pipe', fd] });
  } finally {
    closeSync(fd);
  }
}

terminalTest('a passphrase is asked for twice to seal and once to open, and is not shown', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  const twice: Keys[] = [
    ['New passphrase: ', 'grüßx\x7fe 🔑\r'],
    ['Repeat it: ', 'grüße 🔑\r'],
  ];
  const sealed = await onTerminal(`sealstream encrypt -p ${CHEAP.join(' ')} x`, { cwd }, twice);
  t.is(sealed.code, 0, sealed.screen);
  t.notRegex(sealed.screen, /gr|🔑/);
  // With pipes at both ends, the terminal is not standard input. Other composition of the accents is the same passphrase.
  const line = 'sealstream decrypt -q -p - < x.seal | cat; stty -a';
  const opened = await onTerminal(line, { cwd }, [['Passphrase: ', 'gru\u0308ße 🔑\r']]);
  t.regex(opened.screen, /^Passphrase: \r\nsome text/);
  t.regex(opened.screen, / echo /);
});

terminalTest('passphrases that differ, and an empty one, are refused', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  const line = `sealstream encrypt -p ${CHEAP.join(' ')} x`;
  for (const [typed, expected] of [
    [
      [
        ['New passphrase: ', 'one\r'],
        ['Repeat it: ', 'two\r'],
      ],
      /the two passphrases differ/,
    ],
    [
      [['New passphrase: ', '\r']],
      /the passphrase is empty[^]*good one: sealstream keygen --passphrase-words/,
    ],
    [[['New passphrase: ', '\x04']], /no passphrase was typed/],
  ] as const) {
    const { code, screen } = await onTerminal(line, { cwd }, typed);
    t.is(code, 2, screen);
    t.regex(screen, expected);
    t.deepEqual(names(cwd), ['x']);
  }
});

terminalTest('no passphrase is asked for a command that can’t work', async (t) => {
  const cwd = await folderWithSealed(t);
  for (const [line, expected] of [
    ['encrypt -p x', /x\.seal exists/],
    ['encrypt -p nothing', /nothing/],
    ['encrypt -p -k nothing.key -o y x', /nothing\.key does not exist/],
    ['decrypt -p -o y nothing.seal', /nothing\.seal/],
    ['decrypt -p -o x.seal x', /x\.seal exists/],
  ] as const) {
    const { code, screen } = await onTerminal(`sealstream ${line}`, { cwd });
    t.not(code, 0);
    t.regex(screen, expected);
    t.notRegex(screen, /assphrase: /);
  }
});

terminalTest('text pasted for both questions answers both', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  for (const [index, pasted] of ['same\rsame\r', 'same\r\nsame\r\n', 'same\nsame\n'].entries()) {
    const line = `sealstream encrypt -p ${CHEAP.join(' ')} -o ${index}.seal x`;
    const { code, screen } = await onTerminal(line, { cwd }, [['New passphrase: ', pasted]]);
    t.is(code, 0, screen);
  }
});

terminalTest('the terminal is restored, however a question ends', async (t) => {
  const cwd = await folderWithSealed(t);
  const ctrlC = await onTerminal('sealstream decrypt -p x.seal -o y; echo "ended: $?"; stty -a', { cwd }, [
    ['Passphrase: ', 'abc\x03'],
  ]);
  t.regex(ctrlC.screen, /interrupted by SIGINT[^]*ended: 130/);
  t.regex(ctrlC.screen, / icanon /);
  t.regex(ctrlC.screen, / echo /);

  const killed = [
    '"$NODE" "$MAIN" decrypt -p x.seal -o y & command=$!',
    'until stty -a < /dev/tty | grep -q -- "-icanon"; do sleep 0.1; done',
    'kill -TERM $command; wait $command; echo "ended: $?"; stty -a',
  ];
  const byTerm = await onTerminal(killed.join('; '), { cwd });
  t.regex(byTerm.screen, /interrupted by SIGTERM[^]*ended: 143/);
  t.regex(byTerm.screen, / icanon /);
  t.regex(byTerm.screen, / echo /);
  t.false(names(cwd).includes('y'));
});

terminalTest('the message for a wrong passphrase says what to check', async (t) => {
  const cwd = await folderWithSealed(t);
  const { code, screen } = await onTerminal('sealstream decrypt -p x.seal -o y', { cwd }, [
    ['Passphrase: ', 'correct house\r'],
  ]);
  t.is(code, 3);
  t.regex(screen, /the passphrase is wrong, or the header was altered[^]*Caps Lock/);
  t.false(screen.includes(ESCAPE));
});

test('without a terminal the other sources of a passphrase are named', async (t) => {
  const cwd = await folderWithSealed(t);
  // A new session has no terminal.
  const child = start(['decrypt', '-p', '--json', 'x.seal', '-o', 'y'], { cwd, detached: true });
  const ended = await end(child);
  t.is(ended.code, 2);
  t.like(jsonError(ended), { code: 'ERR_CLI_NO_TERMINAL' });
  t.regex(ended.stdout.toString(), /--passphrase-fd[^]*SEALSTREAM_PASSPHRASE/);
});

test('the first line of a descriptor is the passphrase', async (t) => {
  const cwd = await folderWithSealed(t);
  for (const content of [
    PASSPHRASE,
    `${PASSPHRASE}\n`,
    `${PASSPHRASE}\r\n`,
    `${PASSPHRASE}\nanother line\n`,
  ]) {
    const opened = await withDescriptor(
      ['decrypt', '--passphrase-fd', '3', '-o', '-', 'x.seal'],
      cwd,
      content,
    );
    t.is(opened.code, 0, opened.stderr);
    t.is(opened.stdout.toString(), 'some text');
  }
  for (const content of [`${PASSPHRASE} `, ` ${PASSPHRASE}`, `${PASSPHRASE}\r`]) {
    const opened = await withDescriptor(
      ['decrypt', '--passphrase-fd', '3', '-o', '-', 'x.seal'],
      cwd,
      content,
    );
    t.is(opened.code, 3, opened.stderr);
  }
});

test('a descriptor without a valid passphrase is refused', async (t) => {
  const cwd = await folderWithSealed(t);
  const open = ['decrypt', '--passphrase-fd', '3', '-o', '-', 'x.seal'];
  for (const [content, expected] of [
    ['', /is empty/],
    ['\n', /is empty/],
    [Buffer.from([0xff, 0xfe, 0x0a]), /is not UTF-8/],
    ['a'.repeat(65_537), /more than 65,536 bytes/],
  ] as const) {
    const { code, stderr } = await withDescriptor(open, cwd, content);
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
  }
  const longest = await withDescriptor(open, cwd, 'a'.repeat(65_536));
  t.is(longest.code, 3, longest.stderr);
});

test('only a descriptor that was opened for reading is accepted', async (t) => {
  const cwd = await folderWithSealed(t);
  for (const [number, expected] of [
    ['x', /not the number of a descriptor/],
    ['-1', /needs a value/],
    ['1', /can't read from descriptor 1/],
    ['2', /can't read/],
    ['999', /can't read from descriptor 999[^]*3< FILE/],
  ] as const) {
    const { code, stderr } = await sealstream(['decrypt', '--passphrase-fd', number, '-o', 'y', 'x.seal'], {
      cwd,
    });
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
  }
  const both = await sealstream(['encrypt', '--passphrase-fd', '0', '-o', 'y', '-'], { cwd, input: 'a' });
  t.is(both.code, 2);
  t.regex(both.stderr, /both need standard input/);
  const stdin = await sealstream(['decrypt', '--passphrase-fd', '0', '-o', '-', 'x.seal'], {
    cwd,
    input: `${PASSPHRASE}\n`,
  });
  t.is(stdin.stdout.toString(), 'some text', stdin.stderr);
});

test('SEALSTREAM_PASSPHRASE is used only with -p', async (t) => {
  const cwd = await folderWithSealed(t);
  const opened = await sealstream(['decrypt', '-p', '-o', '-', 'x.seal'], { cwd, env });
  t.is(opened.stdout.toString(), 'some text');
  const without = await sealstream(['decrypt', '-o', '-', 'x.seal'], { cwd, env });
  t.is(without.code, 2);
  t.regex(without.stderr, /no key is given[^]*passphrase[^]*-p/);
  const empty = await sealstream(['decrypt', '-p', '-o', '-', 'x.seal'], {
    cwd,
    env: { SEALSTREAM_PASSPHRASE: '' },
  });
  t.is(empty.code, 2);
  t.regex(empty.stderr, /is empty\.\n {2}Give the passphrase that it was encrypted with\.\n$/);
});

test('every command that opens accepts a passphrase, and reports say so', async (t) => {
  const cwd = await folderWithSealed(t);
  const opened = await sealstream(['decrypt', '-p', '--json', '-o', 'y', 'x.seal'], { cwd, env });
  t.like(jsonReport(opened.stdout), { openedBy: { slotIndex: 0, type: 'passphrase' } });
  t.is(readFileSync(join(cwd, 'y'), 'utf8'), 'some text');
  const checked = await sealstream(['verify', '-p', 'x.seal'], { cwd, env });
  t.is(checked.code, 0, checked.stderr);
  t.notRegex(checked.stdout.toString(), /without a key/);
  const salvaged = await sealstream(['salvage', '-p', 'x.seal', '-o', 'z'], { cwd, env });
  t.is(salvaged.code, 0, salvaged.stderr);
  t.is(readFileSync(join(cwd, 'z'), 'utf8'), 'some text');
  const both = await sealstream(['verify', '-p', '--no-key', 'x.seal'], { cwd, env });
  t.is(both.code, 2);
  t.regex(both.stderr, /--passphrase and --no-key exclude each other/);
});

test('if only a passphrase opens the file, the advice is to use one', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  await sealstream(['encrypt', '-p', ...CHEAP, 'x'], { cwd, env });
  for (const run of [
    { args: ['-k', 'my.key'], env: {} },
    { args: [], env: { SEALSTREAM_KEY_FILE: 'my.key' } },
  ]) {
    const { code, stderr } = await sealstream(['decrypt', ...run.args, '-o', 'y', 'x.seal'], {
      cwd,
      env: run.env,
    });
    t.is(code, 3);
    t.regex(stderr, /sealed for: a passphrase[^]*The key did not match: [^\n]*use -p, which asks for it/);
  }
});

test('the cost of a passphrase can be chosen, and inspect shows it', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  const encrypt = (...args: string[]) => sealstream(['encrypt', ...args, '-f', 'x'], { cwd, env });
  const weak = await encrypt('-p', '--passphrase-cost', '64K,3,4');
  t.regex(weak.stderr, /warning: --passphrase-cost 64K,3,4 makes guesses cheaper than [^\n]*interactive/);
  t.notRegex((await encrypt('-p', '--passphrase-cost', '19M,2,1')).stderr, /warning/);
  await encrypt('-p', '--passphrase-cost', '64K,3,4');
  const { stdout } = await sealstream(['inspect', 'x.seal'], { cwd });
  t.regex(stdout.toString(), /a passphrase; a guess costs 64 KiB, 3 passes, 4 lanes/);
  t.is((await encrypt('-p', '--passphrase-strength', 'interactive')).code, 0);
  for (const [args, expected] of [
    [['-p', '--passphrase-strength', 'strong'], /can't be strong[^]*interactive, default, sensitive/],
    [['-p', '--passphrase-cost', '64M'], /not MEMORY,PASSES,LANES: 64M[^]*64M,3,4/],
    [['-p', '--passphrase-cost', '64M,0,4'], /not MEMORY,PASSES,LANES/],
    [['-p', '--passphrase-cost', '64M,3,4,5'], /not MEMORY,PASSES,LANES/],
    [['-p', '--passphrase-cost', '1000,1,1'], /at least 8K for each lane/],
    [['-p', '--passphrase-cost', '8M,1,256'], /too many lanes[^]*at most 255/],
    [['-p', '--passphrase-cost', '5000G,1,1'], /--passphrase-cost must be/],
    [['-p', '--passphrase-cost', '8K,1,2'], /at least 8K for each lane/],
    [['-p', '--passphrase-cost', '8K,1,1', '--passphrase-strength', 'default'], /exclude each other/],
    [['-p', '--passphrase-fd', '3'], /-p and --passphrase-fd exclude each other/],
    [['-k', 'x', '--passphrase-strength', 'default'], /applies only to a passphrase/],
  ] as const) {
    const { code, stderr } = await encrypt(...args);
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
  }
});

test('a passphrase cost over the limit is refused before any work', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  await sealstream(['encrypt', '-p', '--passphrase-cost', '64K,2,1', 'x'], { cwd, env });
  const open = (...args: string[]) =>
    sealstream(['decrypt', '-p', ...args, '-o', '-', 'x.seal'], { cwd, env });
  const refused = await open('--max-passphrase-cost', '127K');
  t.is(refused.code, 5, refused.stderr);
  t.regex(refused.stderr, /costs 128 KiB of memory times passes[^]*--max-passphrase-cost 128K/);
  t.is((await open('--max-passphrase-cost', '128K')).code, 0);
});
