import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { RewrapFilesReport } from '../../src-ts/cli/reports/rewrap-report.js';
import { KeyPair } from 'sealstream';
import { end, jsonError, main, jsonReport, names, parsed, program, sealstream, start } from './command.mjs';
import { store } from './store.mjs';

const onUnix = process.platform === 'win32' ? test.skip : test;

test('a key is added, named and removed again', async (t) => {
  const cwd = await store(t);
  const open = (key: string) =>
    sealstream(['decrypt', '-k', key, '-o', '-', 'store/a.seal'], { cwd }).then(({ code, stdout }) =>
      code === 0 ? stdout.toString() : code,
    );
  const added = await sealstream(
    ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--key-id', 'team', 'store/a.seal'],
    { cwd },
  );
  t.is(added.code, 0, added.stderr);
  t.regex(
    added.stdout.toString(),
    /^ok {7}store\/a\.seal: added 1; 2 key slots, revision 1, in place\nrewrapped 1 file in [^,]*, 0 failed\n$/,
  );
  t.is(await open('new.key'), 'content of a');
  const { stdout } = await sealstream(
    ['rewrap', '--json', '-k', 'my.key', '--remove', 'id:team', 'store/a.seal'],
    { cwd },
  );
  const [line, summary] = stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => parsed(line));
  t.like(line, { file: 'store/a.seal', status: 'ok', report: { revision: 2, inPlace: true } });
  t.like(summary, { summary: { ok: 1, skipped: 0, failed: 0, exitCode: 0 } });
  t.is(await open('new.key'), 3);
  t.is(await open('my.key'), 'content of a');
});

test('public keys and passphrases are added, and slots removed by type and index', async (t) => {
  const cwd = await store(t);
  const pair = await sealstream(['keygen', '--pair', '-o', 'pair.key'], { cwd });
  t.is(pair.code, 0, pair.stderr);
  const [publicKey] = /age1\w+/.exec(pair.stdout.toString() + pair.stderr) ?? [];
  writeFileSync(join(cwd, 'words'), 'correct horse\n');
  const rewrapped = await sealstream(
    [
      'rewrap',
      '--json',
      '-k',
      'my.key',
      '--add-recipient',
      publicKey ?? '',
      '--add-passphrase-fd',
      '0',
      'store/a.seal',
    ],
    { cwd, input: 'correct horse\n' },
  );
  t.is(rewrapped.code, 0, rewrapped.stderr + rewrapped.stdout.toString());
  const slots = jsonReport(rewrapped.stdout.toString().split('\n')[0] ?? '')['slots'] as { type: string }[];
  t.deepEqual(
    slots.map(({ type }) => type),
    ['key', 'hybrid', 'passphrase'],
  );
  const opened = await sealstream(['decrypt', '-i', 'pair.key', '-o', '-', 'store/a.seal'], { cwd });
  t.is(opened.stdout.toString(), 'content of a', opened.stderr);
  for (const selector of ['type:passphrase', 'slot:1']) {
    const { code, stderr } = await sealstream(
      ['rewrap', '-q', '-k', 'my.key', '--remove', selector, 'store/a.seal'],
      { cwd },
    );
    t.is(code, 0, stderr);
  }
  t.is((await sealstream(['decrypt', '-i', 'pair.key', '-o', '-', 'store/a.seal'], { cwd })).code, 3);
});

test('what an added passphrase costs can be chosen', async (t) => {
  const cwd = await store(t);
  const rewrap = (...args: string[]) =>
    sealstream(['rewrap', '--json', '-k', 'my.key', ...args, 'store/a.seal'], {
      cwd,
      input: 'correct horse\n',
    });
  const exact = await rewrap('--add-passphrase-fd', '0', '--passphrase-cost', '64K,3,4');
  const named = await rewrap('--add-passphrase-fd', '0', '--passphrase-strength', 'interactive');
  t.is(named.code, 0, exact.stdout.toString() + named.stderr);
  t.like(jsonReport(named.stdout.toString().split('\n')[0] ?? ''), {
    slots: [
      { type: 'key' },
      { type: 'passphrase', passphraseCost: { memoryKiB: 64, passes: 3, lanes: 4 } },
      { type: 'passphrase', passphraseCost: { memoryKiB: 19_456, passes: 2, lanes: 1 } },
    ],
  });
  const before = readFileSync(join(cwd, 'store', 'a.seal'));
  for (const [args, expected] of [
    [
      ['--add-key', 'new.key', '--passphrase-cost', '8K,1,1'],
      /applies only to a passphrase[^]*--add-passphrase/,
    ],
    [['-p', '--mend', '--passphrase-strength', 'default'], /applies only to a passphrase/],
    [['--add-passphrase', '--passphrase-cost', '64M'], /not MEMORY,PASSES,LANES: 64M/],
    [['--add-passphrase-fd', '0', '--passphrase-cost', '5000G,1,1'], /--passphrase-cost must be/],
    [
      ['--add-passphrase', '--passphrase-cost', '8K,1,1', '--passphrase-strength', 'default'],
      /exclude each other/,
    ],
  ] as const) {
    const { code, stdout } = await rewrap(...args);
    t.is(code, 2, stdout.toString());
    t.regex(stdout.toString(), expected);
  }
  t.deepEqual(readFileSync(join(cwd, 'store', 'a.seal')), before);
});

test('--mend completes an interrupted rewrap that verify reports', async (t) => {
  const cwd = await store(t);
  const path = join(cwd, 'store', 'a.seal');
  const before = readFileSync(path);
  const args = ['rewrap', '-q', '-k', 'my.key', '--add-key', 'new.key', 'store/a.seal'];
  t.is((await sealstream(args, { cwd })).code, 0);
  writeFileSync(path, Buffer.concat([before.subarray(0, 4096), readFileSync(path).subarray(4096)]));
  const verified = await sealstream(['verify', '--no-key', 'store/a.seal'], { cwd });
  t.is(verified.code, 4);
  t.regex(
    verified.stdout.toString(),
    /a rewrap was interrupted[^]*\nto write[^\n]* sealstream rewrap --mend -k KEY FILE\n$/,
  );
  t.notRegex(verified.stdout.toString(), /heal|salvage/);
  const opened = await sealstream(['decrypt', '-k', 'new.key', '-o', '-', 'store/a.seal'], { cwd });
  t.regex(opened.stderr, /warning: .*older than its copy.*rewrap --mend/);
  t.regex((await sealstream(['inspect', 'store/a.seal'], { cwd })).stdout.toString(), /outdated/);
  t.is((await sealstream(['rewrap', '--mend', '-k', 'new.key', 'store/a.seal'], { cwd })).code, 0);
  t.is((await sealstream(['verify', '-k', 'my.key', 'store/a.seal'], { cwd })).code, 0);
});

test('an interrupted change is completed once, according to its log', async (t) => {
  const cwd = await store(t);
  const path = join(cwd, 'store', 'a.seal');
  const before = readFileSync(path);
  const args = ['rewrap', '-k', 'my.key', '--add-key', 'new.key', '--log', 'log', 'store/a.seal'];
  t.is((await sealstream(args, { cwd })).code, 0);
  // With the old header and without the last line.
  writeFileSync(path, Buffer.concat([before.subarray(0, 4096), readFileSync(path).subarray(4096)]));
  const [begun = ''] = readFileSync(join(cwd, 'log'), 'utf8').split('\n');
  writeFileSync(join(cwd, 'log'), `${begun}\n`);
  const again = await sealstream(args, { cwd });
  t.is(again.code, 0, again.stdout.toString());
  const { slots, headerFromCopy } = jsonReport(
    (await sealstream(['inspect', '--json', 'store/a.seal'], { cwd })).stdout,
  );
  t.is((slots as unknown[]).length, 2);
  t.false(headerFromCopy);
  t.regex((await sealstream(args, { cwd })).stdout.toString(), /1 done before/);
});

const posixTest = process.platform === 'win32' ? test.skip : test;
posixTest('an interrupted rewrap says how far it came and how to continue', async (t) => {
  const cwd = await store(t);
  const files = join(cwd, 'store');
  for (let copy = 0; copy < 300; copy += 1) copyFileSync(join(files, 'a.seal'), join(files, `${copy}.seal`));
  const args = ['rewrap', '--mend', '-k', 'my.key', '--recursive', 'store', '--jobs', '1', '--log', 'log'];
  const child = start(args, { cwd });
  child.stdout?.once('data', () => child.kill('SIGINT'));
  const { code, stdout, stderr } = await end(child);
  t.is(code, 130);
  t.is(
    stderr,
    'sealstream rewrap: interrupted by SIGINT.\n  The same command with the same --log continues after the files that are done.\n',
  );
  t.regex(stdout.toString(), /\nrewrapped \d+ files? in [^\n]*, 0 failed\n$/);
  const rest = (await sealstream(args, { cwd })).stdout.toString();
  t.regex(rest, /, \d+ done before, 0 failed\n$/);
});

test('a file that is named twice is rewrapped once', async (t) => {
  const cwd = await store(t);
  const files = ['store/a.seal', './store/../store/a.seal', '--recursive', 'store'];
  const { code, stdout } = await sealstream(['rewrap', '-k', 'my.key', '--add-key', 'new.key', ...files], {
    cwd,
  });
  t.is(code, 0);
  t.is(stdout.toString().match(/store\/a\.seal/g)?.length, 1);
  t.notRegex(stdout.toString(), /revision [^1]/);
});

test('arguments that can’t be combined are refused before any change', async (t) => {
  const cwd = await store(t);
  const refused = async (...args: string[]) => {
    const { code, stderr } = await sealstream(['rewrap', '-k', 'my.key', ...args], { cwd });
    t.is(code, 2, stderr);
    return stderr;
  };
  const file = 'store/a.seal';
  t.regex(await refused(file), /no change is given/);
  t.regex(await refused('--mend'), /PATH is missing/);
  t.regex(await refused('--mend', '--remove', 'slot:0', file), /--mend changes no key slot/);
  t.regex(await refused('--replace', file, '--remove', 'slot:0'), /--replace needs/);
  t.regex(await refused('--remove', 'team', file), /--remove can't be team/);
  t.regex(await refused('--remove', '0', file), /--remove can't be 0[^]*slot:0/);
  t.regex(await refused('--key-id', 'x', '--remove', 'slot:0', file), /--key-id/);
  t.regex(await refused('--mend', '-'), /- is not accepted/);
  t.regex(
    await refused('--add-recipient', 'x', file),
    /the value of --add-recipient is not.*--add-recipients-file FILE/s,
  );
  t.regex(await refused('--add-recipients-file', 'gone', file), /name after --add-recipients-file/);
  t.regex(await refused('--add-key', 'gone', file), /name after --add-key;/);
  const publicKeys = Array.from({ length: 64 }, () => KeyPair.generate('x25519').publicKey);
  writeFileSync(join(cwd, 'crowd'), publicKeys.join('\n'));
  // Refused before a passphrase is typed: there is no terminal here.
  const crowd = ['--add-recipients-file', 'crowd', '--add-passphrase'];
  t.regex(await refused(...crowd, file), /at most 64 recipients, not 65/);
  t.regex(
    await refused('--remove', 'slot:64', file),
    /--remove can't be slot:64[^]*63[^]*sealstream inspect/,
  );
  t.regex(await refused('--add-passphrase', file), /--add-passphrase-fd 3 3< FILE\.\n$/);
  const before = readFileSync(join(cwd, file));
  const full = await sealstream(['rewrap', '-k', 'my.key', '--add-recipients-file', 'crowd', file], { cwd });
  t.is(full.code, 2);
  t.regex(full.stdout.toString(), /the additions to store\/a\.seal would make 65 key slots[^]*--remove/);
  const none = await sealstream(['rewrap', '-k', 'my.key', '--remove', 'id:none', file], { cwd });
  t.is(none.code, 2);
  t.regex(none.stdout.toString(), /--remove selects no slot by the key id "none"/);
  const folder = await sealstream(['rewrap', '-k', 'my.key', '--mend', 'store'], { cwd });
  t.is(folder.code, 2);
  t.regex(folder.stderr, /store is a folder[^]*--recursive/);
  t.deepEqual(readFileSync(join(cwd, file)), before);
  const help = await sealstream(['rewrap', '--help'], { cwd });
  t.regex(help.stdout.toString(), /Only\s+encrypting\s+the\s+data\s+again\s+revokes/);
});

test('slots of unknown types, which --replace keeps, are reported', (t) => {
  const report = {
    streamId: '00'.repeat(32),
    revision: 1,
    inPlace: true,
    headerSize: 4096,
    slots: [
      { slotIndex: 0, type: 'key' },
      { slotIndex: 1, type: 'unknown (77)' },
    ],
    openedBy: { slotIndex: 0, type: 'key' as const },
    warnings: [],
    added: [{ slotIndex: 0, type: 'key' }],
    removed: [{ slotIndex: 0, type: 'key' }],
  };
  const files = new RewrapFilesReport();
  t.regex(files.text({ path: 'a', report }), /added 1; removed 1; kept 1 slot of unknown types; 2 key slots/);
  t.like(files.object({ path: 'a', report }), { report: { unknownSlots: 1 } });
});

test('a header is detached, attached again, and given to decrypt', async (t) => {
  const cwd = await store(t);
  const run = async (...args: string[]) => {
    const { code, stderr, stdout } = await sealstream(args, { cwd });
    t.is(code, 0, stderr);
    return stdout.toString();
  };
  await run('encrypt', '-q', '-k', 'my.key', '--header-out', 'h', '-o', 'body', 'a');
  t.true(readFileSync(join(cwd, 'h')).length < 2000);
  await run('decrypt', '-q', '-k', 'my.key', '--header', 'h', '-o', 'out', 'body');
  t.is(readFileSync(join(cwd, 'out'), 'utf8'), 'content of a');
  const report = parsed(await run('header', 'attach', '--json', 'h', 'body', '-o', 'whole.seal'));
  t.like(report, { command: 'header attach', source: 'body', target: 'whole.seal' });
  t.is(await run('decrypt', '-k', 'my.key', '-o', '-', 'whole.seal'), 'content of a');
  await run('header', 'detach', 'whole.seal', '-o', 'body2', '--header-out', 'h2');
  t.deepEqual(readFileSync(join(cwd, 'body2')), readFileSync(join(cwd, 'body')));
  t.deepEqual(readFileSync(join(cwd, 'h2')), readFileSync(join(cwd, 'h')));

  const bare = await sealstream(['decrypt', '--json', '-k', 'my.key', '-o', 'x', 'body'], { cwd });
  t.is(bare.code, 4);
  t.like(jsonError(bare), {
    failure: { kind: 'NotSealed' },
    message: 'body is the body of a sealed stream, without its header',
  });
  for (const args of [
    ['encrypt', '-k', 'my.key', '--header-out', 'h', '-o', 'other', 'a'],
    ['header', 'detach', 'whole.seal', '-o', 'other', '--header-out', 'h'],
    ['encrypt', '-k', 'my.key', '--header-out', 'other', '-o', 'other', 'a'],
  ]) {
    t.is((await sealstream(args, { cwd })).code, 5, args.join(' '));
  }
  for (const args of [
    ['encrypt', '-k', 'my.key', '--header-out', 'h3', '--resume', '-o', 'other', 'a'],
    ['encrypt', '-k', 'my.key', '--header-out', 'h3', '-o', '-', 'a'],
    ['decrypt', '-k', 'my.key', '--header', 'h', '-o', '-', 'body'],
    ['header', 'attach', 'h', '-o', 'other'],
    ['header', 'detach', 'whole.seal', '-o', 'other'],
  ]) {
    t.is((await sealstream(args, { cwd })).code, 2, args.join(' '));
  }
});

onUnix('if the header can’t be written, the old body and all other files stay', async (t) => {
  const cwd = await store(t);
  const crowd = Array.from({ length: 60 }, () => KeyPair.generate('x25519').publicKey);
  writeFileSync(join(cwd, 'crowd'), crowd.join('\n'));
  writeFileSync(join(cwd, 'body'), 'of before');
  const before = names(cwd);
  // The body fits, but a header with so many recipients does not.
  const command = 'ulimit -f 2; exec "$NODE" "$MAIN" encrypt -f -R crowd --header-out header -o body a';
  const child = program('sh', ['-c', command], { cwd, env: { NODE: process.execPath, MAIN: main } });
  const { code, stderr } = await end(child);
  t.is(code, 1, stderr);
  t.is(readFileSync(join(cwd, 'body'), 'utf8'), 'of before');
  t.deepEqual(names(cwd), before);
});
