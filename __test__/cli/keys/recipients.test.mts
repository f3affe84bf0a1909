// Public keys and key pairs on the command line.

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { KeyPair } from 'sealstream';
import { folder, jsonError, jsonReport, names, sealstream } from '../command.mjs';

/** This many public keys, one a line. */
function crowd(size: number): string {
  return Array.from({ length: size }, () => `${KeyPair.generate('x25519').publicKey}\n`).join('');
}

const env = { SEALSTREAM_PASSPHRASE: 'correct horse' };
const CHEAP = ['--passphrase-cost', '8K,1,1'];

/** A pair of each kind, a key, and the public keys. */
interface Keys {
  readonly cwd: string;
  readonly hybrid: string;
  readonly x25519: string;
}

/** A folder with the pairs `hybrid.key` and `x25519.key`, the key `my.key`, and some text in `x`. */
async function folderWithPairs(t: ExecutionContext): Promise<Keys> {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'x'), 'some text');
  const keygen = async (...args: string[]) => {
    const { code, stdout, stderr } = await sealstream(['keygen', ...args], { cwd });
    if (code !== 0) throw new Error(stderr);
    return stdout.toString().trim();
  };
  await keygen('-o', 'my.key');
  return {
    cwd,
    hybrid: await keygen('--pair', '-o', 'hybrid.key'),
    x25519: await keygen('--pair', '--x25519', '-o', 'x25519.key'),
  };
}

test('the public key seals, and only the secret key opens', async (t) => {
  const keys = await folderWithPairs(t);
  const { cwd } = keys;
  for (const [type, other] of [
    ['hybrid', 'x25519.key'],
    ['x25519', 'hybrid.key'],
  ] as const) {
    const sealed = await sealstream(['encrypt', '-r', keys[type], '-o', `${type}.seal`, 'x'], { cwd });
    t.is(sealed.code, 0, sealed.stderr);
    t.notRegex(sealed.stderr, /quantum/);
    const opened = await sealstream(['decrypt', '-i', `${type}.key`, '--json', '-o', type, `${type}.seal`], {
      cwd,
    });
    t.is(opened.code, 0, opened.stderr);
    t.like(jsonReport(opened.stdout), { openedBy: { slotIndex: 0, type } });
    t.is(readFileSync(join(cwd, type), 'utf8'), 'some text');
    t.is((await sealstream(['verify', '-i', `${type}.key`, `${type}.seal`], { cwd })).code, 0);
    t.is(
      (await sealstream(['salvage', '-i', `${type}.key`, `${type}.seal`, '-o', `${type}.back`], { cwd }))
        .code,
      0,
    );

    const wrong = await sealstream(['decrypt', '-i', other, '-o', 'y', `${type}.seal`], { cwd });
    t.is(wrong.code, 3);
    t.regex(
      wrong.stderr,
      /no offered key opens this stream, or its header was altered; it was sealed for: an? [^]*-i FILE/,
    );
    t.false(names(cwd).includes('y'));
  }
});

test('inspect shows the key slots, and whether they resist quantum computers', async (t) => {
  const { cwd, hybrid, x25519 } = await folderWithPairs(t);
  await sealstream(['encrypt', '-r', hybrid, '-o', 'safe.seal', 'x'], { cwd });
  await sealstream(['encrypt', '-r', hybrid, '-r', x25519, '-o', 'unsafe.seal', 'x'], { cwd });
  const inspect = async (file: string) => (await sealstream(['inspect', file], { cwd })).stdout.toString();
  t.regex(
    await inspect('safe.seal'),
    /a post-quantum hybrid key pair\n +quantum +safe from quantum computers/,
  );
  t.regex(
    await inspect('unsafe.seal'),
    /slot:0 +a post-quantum[^]*slot:1 +an X25519 key pair\n +quantum +not safe from quantum computers/,
  );
});

test('a file can have public keys, key files and a passphrase as recipients, and each opens it', async (t) => {
  const { cwd, hybrid, x25519 } = await folderWithPairs(t);
  await sealstream(['keygen', '-o', 'second.key'], { cwd });
  writeFileSync(join(cwd, 'team'), `# the team\r\n${hybrid}\r\n\n  ${x25519}\n`);
  const args = ['encrypt', '-R', 'team', '-k', 'my.key', '-k', 'second.key', '-p', ...CHEAP, 'x'];
  const sealed = await sealstream(args, { cwd, env });
  t.is(sealed.code, 0, sealed.stderr);
  for (const [how, slot, type] of [
    [['-i', 'hybrid.key'], 0, 'hybrid'],
    [['-i', 'x25519.key'], 1, 'x25519'],
    [['-k', 'my.key'], 2, 'key'],
    [['-k', 'second.key'], 3, 'key'],
    [['-p'], 4, 'passphrase'],
    [['-p', '-k', 'second.key', '-i', 'hybrid.key'], 0, 'hybrid'],
    [['-p', '-k', 'second.key', '-i', 'hybrid.key', '--accept-slots', 'key,passphrase'], 3, 'key'],
    [['-p', '-k', 'second.key', '--accept-slots', 'passphrase'], 4, 'passphrase'],
  ] as const) {
    const opened = await sealstream(['decrypt', ...how, '--json', '-f', '-o', 'y', 'x.seal'], { cwd, env });
    t.is(opened.code, 0, opened.stderr);
    t.like(jsonReport(opened.stdout), { openedBy: { slotIndex: slot, type } }, how.join(' '));
  }
  const refused = await sealstream(
    ['decrypt', '-k', 'my.key', '--accept-slots', 'hybrid', '-o', 'z', 'x.seal'],
    { cwd },
  );
  t.is(refused.code, 3, refused.stderr);
});

test('the key of the environment is used only if no other key is named', async (t) => {
  const { cwd, hybrid } = await folderWithPairs(t);
  const environment = { SEALSTREAM_KEY_FILE: 'my.key' };
  await sealstream(['encrypt', '-r', hybrid, '-o', 'public.seal', 'x'], { cwd, env: environment });
  await sealstream(['encrypt', '--key-id', 'mine', '-o', 'key.seal', 'x'], { cwd, env: environment });
  const slots = async (file: string) => {
    const { slots: found } = jsonReport((await sealstream(['inspect', '--json', file], { cwd })).stdout);
    return (found as { type: string; keyId?: string }[]).map(({ type, keyId }) => [type, keyId]);
  };
  t.deepEqual(await slots('public.seal'), [['hybrid', undefined]]);
  t.deepEqual(await slots('key.seal'), [['key', 'mine']]);
  const wrong = await sealstream(['decrypt', '-o', 'y', 'public.seal'], { cwd, env: environment });
  t.is(wrong.code, 3);
  t.regex(wrong.stderr, /-i FILE/);
});

test('without a key, the advice names the kind that the file needs', async (t) => {
  const { cwd, hybrid } = await folderWithPairs(t);
  await sealstream(['encrypt', '-r', hybrid, '-o', 'public.seal', 'x'], { cwd });
  await sealstream(['encrypt', '-p', ...CHEAP, '-o', 'passphrase.seal', 'x'], { cwd, env });
  await sealstream(['encrypt', '-k', 'my.key', '-o', 'key.seal', 'x'], { cwd });
  for (const [file, expected] of [
    ['public.seal', /secret key[^]*-i FILE/],
    ['passphrase.seal', /opens with a passphrase[^]*-p/],
    ['key.seal', /-k FILE/],
    ['x', /-k FILE[^]*-i FILE[^]*-p/],
  ] as const) {
    const { code, stderr } = await sealstream(['decrypt', '-o', 'y', file], { cwd });
    t.is(code, 2);
    t.regex(stderr, /no key is given/);
    t.regex(stderr, expected);
  }
});

test('a value that is no public key is explained, and no secret is printed', async (t) => {
  const { cwd, hybrid, x25519 } = await folderWithPairs(t);
  const secret = readFileSync(join(cwd, 'x25519.key'), 'utf8').trim().split('\n').at(-1) ?? '';
  writeFileSync(join(cwd, 'typo'), `${hybrid}\n# fine up to here\n${x25519.slice(0, -1)}\n`);
  writeFileSync(join(cwd, 'crowd'), crowd(65));
  writeFileSync(join(cwd, 'nobody'), '# nobody\n\n');
  for (const [args, expected] of [
    [['-r', 'team.txt'], /the value of -r is not a public key: team\.txt[^]*-R FILE/],
    [['-r', x25519.toUpperCase().slice(0, 20)], /is not a public key/],
    [['-r', secret], /a secret key, not a public one[^]*make a new one/],
    [['-R', 'x25519.key'], /x25519\.key is not a recipients file: line 3 is a secret key[^]*keygen -y/],
    [['-R', 'typo'], /typo is not a recipients file: line 3 holds no public key[^]*each line must be age1/i],
    [['-R', 'nobody'], /nobody is not a recipients file: it holds no public key/],
    [['-R', hybrid], /-R needs the name of the recipients file, not a public key[^]*-r/],
    [['--key-id', 'a', '-r', hybrid], /--key-id names exactly one key/],
    [['--key-id', 'a', '-k', 'my.key', '-k', 'my.key'], /--key-id names exactly one key/],
    [['-R', 'crowd'], /at most 64 recipients, not 65/],
    [[], /no key is given[^]*-k FILE[^]*-r[^]*-p/],
  ] as const) {
    const { code, stderr } = await sealstream(['encrypt', ...args, 'x'], { cwd });
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
    t.false(stderr.includes(secret.slice(20)));
  }
  const missing = await sealstream(['encrypt', '-R', 'missing', 'x'], { cwd });
  t.is(missing.code, 2);
  t.regex(missing.stderr, /recipients file missing does not exist/);
  const directory = await sealstream(['encrypt', '-R', '.', 'x'], { cwd });
  t.is(directory.code, 5);
  t.regex(directory.stderr, /\. is not a recipients file: it is not a regular file\.\n {2}Name a file/);
  const long = await sealstream(['encrypt', '-R', '/dev/zero', 'x'], { cwd });
  if (process.platform !== 'win32') t.regex(long.stderr, /it is too large/);
  t.false(names(cwd).includes('x.seal'));
});

test('for a file of another kind of keys the right option is named', async (t) => {
  const { cwd, hybrid, x25519 } = await folderWithPairs(t);
  await sealstream(['encrypt', '-r', x25519, 'x'], { cwd });
  writeFileSync(join(cwd, 'public'), `# whose it is\n\n${x25519}\n`);
  writeFileSync(join(cwd, 'sealed'), 'age1 is no public key\n');
  for (const [args, code, expected] of [
    [['-k', 'x25519.key'], 3, /the key file x25519\.key holds no key[^]*key pair[^]*-i x25519\.key/],
    [
      ['-i', 'my.key'],
      3,
      /is not an identity file: it holds a key[^]*It is a key file: name it with -k my\.key/,
    ],
    [
      ['-i', 'sealed', '--allow-readable-key'],
      3,
      /sealed is not an identity file: line 1[^]*AGE-SECRET-KEY-1/,
    ],
    [
      ['-i', 'public', '--allow-readable-key'],
      3,
      /public is not an identity file: it holds a public key[^]*-R public/,
    ],
    [['-k', 'public', '--allow-readable-key'], 3, /public holds no key[^]*a public key[^]*-R public/],
    [['-k', x25519], 2, /-k needs the name of the key file, not a public key[^]*-r[^]*-i FILE/],
    [['-i', hybrid], 2, /-i needs the name of the identity file, not a public key/],
    [['-i', 'missing'], 2, /the identity file missing does not exist[^]*keygen --pair/],
  ] as const) {
    const opened = await sealstream(['decrypt', ...args, '-o', 'y', 'x.seal'], { cwd });
    t.is(opened.code, code, opened.stderr);
    t.regex(opened.stderr, expected);
  }
});

test('an identity file that others can read is refused, unless that is allowed', async (t) => {
  if (process.platform === 'win32') {
    t.pass();
    return;
  }
  const { cwd, x25519 } = await folderWithPairs(t);
  await sealstream(['encrypt', '-r', x25519, 'x'], { cwd });
  chmodSync(join(cwd, 'x25519.key'), 0o640);
  const refused = await sealstream(['decrypt', '-i', 'x25519.key', '-o', 'y', 'x.seal'], { cwd });
  t.is(refused.code, 5);
  t.regex(refused.stderr, /others can read the identity file[^]*chmod 600[^]*--allow-readable-key/);
  const allowed = ['decrypt', '-i', 'x25519.key', '--allow-readable-key', '-o', 'y', 'x.seal'];
  t.is((await sealstream(allowed, { cwd })).code, 0);
});

test('--resume with public keys alone is refused before any work', async (t) => {
  const { cwd, hybrid } = await folderWithPairs(t);
  const refused = await sealstream(['encrypt', '-r', hybrid, '--resume', 'x'], { cwd });
  t.is(refused.code, 2);
  t.regex(refused.stderr, /public keys open no journal[^]*-k FILE or -p/);
  const resumable = await sealstream(['encrypt', '-r', hybrid, '-k', 'my.key', '--resume', 'x'], { cwd });
  t.is(resumable.code, 0, resumable.stderr);
});

test('a recipient that is named twice has one key slot', async (t) => {
  const { cwd, hybrid, x25519 } = await folderWithPairs(t);
  writeFileSync(join(cwd, 'team'), `${x25519}\n${hybrid}\n${x25519}\n`);
  writeFileSync(join(cwd, 'again.key'), readFileSync(join(cwd, 'my.key')), { mode: 0o600 });
  const keys = ['-k', 'my.key', '-k', 'again.key', '-k', 'my.key'];
  const sealed = await sealstream(['encrypt', '-R', 'team', '-r', hybrid, '-R', 'team', ...keys, 'x'], {
    cwd,
  });
  t.is(sealed.code, 0, sealed.stderr);
  const { slots } = jsonReport((await sealstream(['inspect', '--json', 'x.seal'], { cwd })).stdout);
  t.deepEqual(
    (slots as { type: string }[]).map(({ type }) => type),
    ['hybrid', 'x25519', 'key'],
  );
});

test('--accept-slots rejects unknown types', async (t) => {
  const { cwd } = await folderWithPairs(t);
  for (const [types, expected] of [
    ['passphrases', /no type passphrases[^]*[Dd]id you mean passphrase\?/],
    ['key,', /no type between two commas/],
  ] as const) {
    const { code, stderr } = await sealstream(
      ['decrypt', '-k', 'my.key', '--accept-slots', types, 'x.seal'],
      { cwd },
    );
    t.is(code, 2);
    t.regex(stderr, expected);
  }
});

test('no output replaces a file with keys', async (t) => {
  const { cwd, hybrid } = await folderWithPairs(t);
  writeFileSync(join(cwd, 'team'), `${hybrid}\n`);
  await sealstream(['encrypt', '-R', 'team', 'x'], { cwd });
  for (const [args, expected] of [
    [['encrypt', '-R', 'team', '-o', 'team', 'x'], 'is the recipients file team'],
    [['encrypt', '-k', 'my.key', '-r', hybrid, '-o', 'my.key', 'x'], 'is the key file my.key'],
    [['decrypt', '-i', 'hybrid.key', '-o', 'hybrid.key', 'x.seal'], 'is the identity file hybrid.key'],
    [
      ['salvage', '-i', 'hybrid.key', '-o', 'y', '--map', 'hybrid.key', 'x.seal'],
      'is the identity file hybrid.key',
    ],
  ] as const) {
    const { code, stdout, stderr } = await sealstream([...args, '-f', '--json'], { cwd });
    t.is(code, 5, stderr);
    t.true(jsonError({ stdout, stderr }).message.endsWith(expected), stderr);
  }
});
