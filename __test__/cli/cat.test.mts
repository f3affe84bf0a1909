// `cat`: ranges at the edges, damage, pipes.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { end, folderWithKey, jsonReport, names, sealstream, start } from './command.mjs';

const SIZE = 300_000;

async function sealedFile(t: ExecutionContext) {
  const cwd = await folderWithKey(t);
  const plain = randomBytes(SIZE);
  writeFileSync(join(cwd, 'a'), plain);
  const { code, stderr } = await sealstream(['encrypt', '-q', '-k', 'my.key', 'a'], { cwd });
  t.is(code, 0, stderr);
  const cat = (...args: string[]) => sealstream(['cat', '-k', 'my.key', ...args, 'a.seal'], { cwd });
  return { cwd, plain, cat };
}

test('ranges at the edges print their bytes, and none past the end', async (t) => {
  const { plain, cat } = await sealedFile(t);
  t.deepEqual((await cat()).stdout, plain);
  for (const [range, from, to] of [
    ['0:0', 0, 0],
    ['0:1', 0, 1],
    ['65535:2', 65_535, 65_537],
    ['64K:64K', 65_536, 131_072],
    ['299999:5', 299_999, SIZE],
    ['300000:5', SIZE, SIZE],
    ['200K:', 204_800, SIZE],
    [':7', 0, 7],
    ['0:1G', 0, SIZE],
  ] as const) {
    const { code, stdout, stderr } = await cat('--range', range);
    t.deepEqual([code, stderr], [0, ''], range);
    t.deepEqual(stdout, plain.subarray(from, to), range);
  }
});

test('wrong ranges are usage errors', async (t) => {
  const { cat } = await sealedFile(t);
  for (const [range, expected] of [
    ['300001:1', /begins at byte 300,001, and the plaintext has 300,000 bytes/],
    ['5', /not OFFSET:LENGTH: 5/],
    [':', /not OFFSET:LENGTH/],
    ['1:2:3', /not OFFSET:LENGTH/],
    ['x:1', /not OFFSET:LENGTH/],
    ['1:1.5K', /not OFFSET:LENGTH/],
  ] as const) {
    const { code, stdout, stderr } = await cat('--range', range);
    t.is(code, 2, stderr);
    t.is(stdout.length, 0);
    t.regex(stderr, expected);
  }
});

test('a damaged frame matters only to ranges that hold it, and a damaged end to all', async (t) => {
  const { cwd, plain, cat } = await sealedFile(t);
  const path = join(cwd, 'a.seal');
  const sealed = readFileSync(path);
  const flip = (place: number) => {
    const bytes = Buffer.from(sealed);
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    writeFileSync(path, bytes);
  };
  // In the third frame of the only segment.
  flip(4096 + 32 + 74 + (65_536 + 32) * 2 + 20);
  t.deepEqual((await cat('--range', '0:128K')).stdout, plain.subarray(0, 131_072));
  t.deepEqual((await cat('--range', '192K:')).stdout, plain.subarray(196_608));
  const damaged = await cat('--range', '128K:1');
  t.is(damaged.code, 4);
  t.is(damaged.stdout.length, 0);
  t.regex(damaged.stderr, /a\.seal: [^]*segment 0/);
  writeFileSync(path, sealed.subarray(0, -1));
  t.is((await cat('--range', '0:1')).code, 4);
});

test('a part is written to a file, which is replaced only with --force', async (t) => {
  const { cwd, plain, cat } = await sealedFile(t);
  const { code, stdout } = await cat('--json', '--range', '1K:2K', '-o', 'part');
  t.is(code, 0);
  t.like(jsonReport(stdout), { plaintextSize: SIZE, plaintextRange: { offset: 1024, length: 2048 } });
  t.deepEqual(readFileSync(join(cwd, 'part')), plain.subarray(1024, 3072));
  t.is((await cat('-o', 'part')).code, 5);
  for (const taken of ['a.seal', 'my.key']) t.is((await cat('-f', '-o', taken)).code, 5);
  t.is((await cat('-f', '-o', 'part')).code, 0);
  t.deepEqual(readFileSync(join(cwd, 'part')), plain);
  t.deepEqual(names(cwd), ['a', 'a.seal', 'my.key', 'part']);
});

test('a pipe that is closed early ends it silently', async (t) => {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'a'), randomBytes(5_000_000));
  await sealstream(['encrypt', '-q', '-k', 'my.key', 'a'], { cwd });
  const child = start(['cat', '-k', 'my.key', 'a.seal'], { cwd });
  const ended = end(child);
  child.stdout?.once('data', () => child.stdout?.destroy());
  const { code, stderr } = await ended;
  t.is(code, 141);
  t.is(stderr, '');
});
