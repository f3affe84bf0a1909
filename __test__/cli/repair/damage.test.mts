import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { folderWithKey, jsonError, jsonReport, names, sealstream } from '../command.mjs';

test('every kind of damage is exit code 4, a typed error, and no output', async (t) => {
  const { cwd, sealed, args } = await sealedFile(t);
  const last = sealed.length - 1;
  for (const [kind, damaged] of [
    ['DigestMismatch', flipped(sealed, 5000)],
    ['NotSealed', Buffer.concat([Buffer.from('no seal'), randomBytes(5000)])],
    ['Truncated', sealed.subarray(0, 10)],
    ['NotSealed', Buffer.alloc(0)],
    ['EndDamaged', flipped(sealed, last)],
  ] as const) {
    writeFileSync(join(cwd, 'x.seal'), damaged);
    const { code, stdout, stderr } = await sealstream(args, { cwd });
    t.is(code, 4, stderr);
    t.is(stderr, '');
    const error = jsonError({ stdout, stderr });
    const failure = error.failure as { kind: string; error?: { kind: string } };
    t.is(failure.error?.kind ?? failure.kind, kind);
    t.regex(error.code, /^ERR_SEAL_[A-Z_]+$/);
  }
  t.deepEqual(names(cwd), ['my.key', 'x.seal']);
});

test('a flipped byte is reported with its segment and offset', async (t) => {
  const { cwd, sealed } = await sealedFile(t);
  writeFileSync(join(cwd, 'x.seal'), flipped(sealed, 4096 + 32 + 74 + 20));
  const { code, stderr } = await sealstream(['decrypt', '-k', 'my.key', 'x.seal'], { cwd });
  t.is(code, 4);
  t.regex(
    stderr,
    /^sealstream decrypt: x\.seal: segment 0 \(byte 4096\) is damaged: [^\n]*\.\n {2}Restore it from another copy, or try sealstream heal or sealstream salvage\.\n$/,
  );
});

test('without a digest, the damaged frame is reported', async (t) => {
  const { cwd, sealed, args } = await sealedFile(t, '--digest', 'none');
  const place = 4096 + 32 + 74 + (65_536 + 32) * 2 + 20;
  writeFileSync(join(cwd, 'x.seal'), flipped(sealed, place));
  const { failure } = jsonError(await sealstream(args, { cwd })) as unknown as { failure: { error: object } };
  t.like(failure.error, { kind: 'FrameDecryptionFailed', segment: 0, frame: 2, offset: place - 20 });
});

test('a stream in a pipe that is cut short or damaged fails, even after some output', async (t) => {
  const { cwd, sealed } = await sealedFile(t);
  for (const input of [sealed.subarray(0, -1), sealed.subarray(0, 1_500_000), flipped(sealed, 1_500_000)]) {
    const { code, stderr } = await sealstream(['decrypt', '-k', 'my.key', '-'], { cwd, input });
    t.is(code, 4, stderr);
    t.regex(stderr, /standard input[^]*; the data on standard output is incomplete: discard it\.\n$/);
  }
});

test('inputs that are not sealed, empty or cut short have their own messages, without a warning about output', async (t) => {
  const { cwd, sealed } = await sealedFile(t);
  for (const [input, expected, pipeAdvice] of [
    [
      Buffer.from('no sealed stream'),
      'is not a sealed stream',
      /Check the input: it may never have been sealed/,
    ],
    [Buffer.alloc(0), 'is empty, not a sealed stream', /Check the program/],
    [sealed.subarray(0, 100), 'is cut short at byte 100', /fetch it again/],
  ] as const) {
    writeFileSync(join(cwd, 'x.seal'), input);
    for (const command of [['decrypt', '-k', 'my.key'], ['inspect']]) {
      const { code, stderr } = await sealstream([...command, 'x.seal'], { cwd });
      t.is(code, 4);
      t.true(stderr.startsWith(`sealstream ${command[0] ?? ''}: x.seal ${expected}.\n`), stderr);
    }
    const { stderr } = await sealstream(['decrypt', '-k', 'my.key', '-'], { cwd, input });
    t.true(stderr.startsWith(`sealstream decrypt: standard input ${expected}.\n`), stderr);
    t.regex(stderr, pipeAdvice);
    t.notRegex(stderr, /on standard output|check the name/i);
  }
});

test('the report says that the header’s copy was used, or that the copy is damaged', async (t) => {
  const { cwd, sealed } = await sealedFile(t);
  const decrypt = ['decrypt', '-k', 'my.key', '-f', 'x.seal'];
  writeFileSync(join(cwd, 'x.seal'), flipped(sealed, 100));
  const fromCopy = await sealstream(decrypt, { cwd });
  t.is(fromCopy.code, 0);
  t.regex(
    fromCopy.stderr,
    /warning: the header of x\.seal is damaged, or older than its copy[^;]*; the copy was used/,
  );
  t.like(jsonReport((await sealstream([...decrypt, '--json'], { cwd })).stdout), {
    warnings: [{ kind: 'HeaderFromCopy' }],
  });
  t.regex(
    (await sealstream(['inspect', 'x.seal'], { cwd })).stdout.toString(),
    /DAMAGED or outdated: this is its copy/,
  );

  writeFileSync(join(cwd, 'x.seal'), flipped(sealed, sealed.length - 24 - 2000));
  const copyDamaged = await sealstream([...decrypt, '--quiet'], { cwd });
  t.is(copyDamaged.code, 0);
  t.regex(copyDamaged.stderr, /^sealstream: warning: the copy of the header of x\.seal is damaged[^\n]*\n$/);
  t.like(jsonReport((await sealstream([...decrypt, '--json'], { cwd })).stdout), {
    warnings: [{ kind: 'HeaderCopyDamaged' }],
  });
});

test('segments over the limit are refused until the limit is raised', async (t) => {
  const { cwd } = await sealedFile(t, '--segment-size', '2M');
  const small = await sealstream(['decrypt', '-k', 'my.key', '--max-segment-size', '1M', 'x.seal'], { cwd });
  t.is(small.code, 5);
  t.regex(small.stderr, /--max-segment-size 2097152/);
  t.is(
    (await sealstream(['decrypt', '-k', 'my.key', '--max-segment-size', '2M', 'x.seal'], { cwd })).code,
    0,
  );
});

async function sealedFile(t: ExecutionContext, ...options: string[]) {
  const cwd = await folderWithKey(t);
  writeFileSync(join(cwd, 'x'), randomBytes(2_000_000));
  const { code, stderr } = await sealstream(['encrypt', '-k', 'my.key', ...options, 'x'], { cwd });
  t.is(code, 0, stderr);
  rmSync(join(cwd, 'x'));
  const args = ['decrypt', '-k', 'my.key', '--json', 'x.seal'];
  return { cwd, sealed: readFileSync(join(cwd, 'x.seal')), args };
}

function flipped(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(place) ^ 1, place);
  return copy;
}
