import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { folderWithKey, jsonError, jsonReport, names, parsed, sealstream } from '../command.mjs';

const SEGMENT = 4096;
const salvage = ['salvage', '-k', 'my.key', 'x.seal', '-o', 'out'];

test('the exit code says whether all, a part or nothing was recovered', async (t) => {
  const { cwd, plain, sealed } = await sealedFile(t);
  const whole = await sealstream(salvage, { cwd });
  t.is(whole.code, 0, whole.stderr);
  t.regex(whole.stderr, /^salvaged x\.seal -> out: Everything came back/);
  t.deepEqual(readFileSync(join(cwd, 'out')), plain);

  writeFileSync(join(cwd, 'x.seal'), sealed.subarray(0, sealed.length / 2));
  const partial = await sealstream([...salvage, '--force'], { cwd });
  t.is(partial.code, 6, partial.stderr);
  t.regex(partial.stderr, /lost: bytes [\d,]+ to [\d,]+ [^\n]*missing: the source ends before these bytes/);

  writeFileSync(join(cwd, 'x.seal'), sealed.subarray(0, 4096));
  const before = names(cwd);
  const nothing = await sealstream([...salvage.slice(0, -1), 'new', '--map', 'map', '--html', 'page'], {
    cwd,
  });
  t.is(nothing.code, 4);
  t.regex(
    nothing.stderr,
    /^sealstream salvage: nothing of x\.seal was recovered: no frame verifies, so no output was written\.\n/,
  );
  t.deepEqual(names(cwd), [...before, 'map', 'page'].sort());
  t.is(parsed(readFileSync(join(cwd, 'map')))['outcome'], 'nothing');
  const json = await sealstream([...salvage.slice(0, -1), 'new', '--json'], { cwd });
  t.is(json.code, 4);
  t.like(jsonError(json), {
    failure: { kind: 'NothingRecovered' },
    code: 'ERR_SEAL_NOTHING_RECOVERED',
    map: { outcome: 'nothing' },
  });
});

test('the map and the page are written, and agree', async (t) => {
  const { cwd, plain, sealed } = await sealedFile(t);
  const damaged = Buffer.from(sealed);
  damaged.fill(0, 30_000, 34_000);
  writeFileSync(join(cwd, 'x.seal'), damaged);
  const { code, stderr } = await sealstream([...salvage, '--map', 'map.json', '--html', 'page.html'], {
    cwd,
  });
  t.is(code, 6, stderr);
  const map = parsed(readFileSync(join(cwd, 'map.json')));
  const lost = map['lost'] as { plaintextRange: { offset: number; length: number } }[];
  t.like(map, { version: 1, outcome: 'partial', plaintextSize: plain.length });
  const due = Buffer.from(plain);
  for (const {
    plaintextRange: { offset, length },
  } of lost)
    due.fill(0, offset, offset + length);
  t.deepEqual(readFileSync(join(cwd, 'out')), due);
  const page = readFileSync(join(cwd, 'page.html'), 'utf8');
  t.true(page.includes('Damage map of x.seal'));
  t.true(page.includes(`${Number(map['lostBytes']).toLocaleString('en-US')} bytes`));
  t.deepEqual(names(cwd), ['map.json', 'my.key', 'out', 'page.html', 'x.seal']);

  const json = await sealstream([...salvage, '--force', '--json'], { cwd });
  t.is(json.code, 6);
  t.deepEqual(jsonReport(json.stdout)['lost'], map['lost']);
  const piped = await sealstream([...salvage, '--force', '--quiet', '--map', '-'], { cwd });
  t.deepEqual(parsed(piped.stdout)['lost'], map['lost']);
  t.is(piped.stderr, '');
});

test('existing files are refused before the work, unless --force is given', async (t) => {
  const { cwd } = await sealedFile(t);
  writeFileSync(join(cwd, 'map'), 'precious');
  for (const option of ['--map', '--html']) {
    const { code, stderr } = await sealstream([...salvage, option, 'map'], { cwd });
    t.is(code, 5, stderr);
    t.regex(stderr, /map exists/);
    t.deepEqual(names(cwd), ['map', 'my.key', 'x.seal']);
  }
  t.is(readFileSync(join(cwd, 'map'), 'utf8'), 'precious');
  t.is((await sealstream([...salvage, '--map', 'map', '--force'], { cwd })).code, 0);
  t.is(parsed(readFileSync(join(cwd, 'map')))['outcome'], 'whole');
  t.is((await sealstream(salvage, { cwd })).code, 5, 'the output exists');

  // Even --force does not let one file replace another.
  const sealed = readFileSync(join(cwd, 'x.seal'));
  for (const [option, path] of [
    ['--map', 'x.seal'],
    ['--html', './x.seal'],
    ['--map', 'out'],
  ] as const) {
    const { code } = await sealstream([...salvage, '--force', option, path], { cwd });
    t.is(code, 5, option);
  }
  t.is((await sealstream([...salvage, '--force', '--map', 'm', '--html', 'm'], { cwd })).code, 5);
  t.deepEqual(readFileSync(join(cwd, 'x.seal')), sealed);
});

test('a header of another copy is used if the file has none', async (t) => {
  const { cwd, plain, sealed } = await sealedFile(t);
  writeFileSync(join(cwd, 'copy.seal'), sealed);
  const headless = Buffer.from(sealed);
  headless.fill(0, 0, 4096);
  headless.fill(0, headless.length - 4096);
  writeFileSync(join(cwd, 'x.seal'), headless);
  const without = await sealstream(salvage, { cwd });
  t.is(without.code, 4);
  const { code, stderr } = await sealstream([...salvage, '--fallback-header', 'copy.seal'], { cwd });
  t.is(code, 0, stderr);
  t.deepEqual(readFileSync(join(cwd, 'out')), plain);
});

test('--lost skip leaves lost data out, and missing arguments are named', async (t) => {
  const { cwd, plain, sealed } = await sealedFile(t);
  writeFileSync(join(cwd, 'x.seal'), sealed.subarray(0, sealed.length / 2));
  t.is((await sealstream([...salvage, '--lost', 'skip'], { cwd })).code, 6);
  const out = readFileSync(join(cwd, 'out'));
  t.true(out.length < plain.length && out.length > 0);
  t.deepEqual(out, plain.subarray(0, out.length));
  for (const args of [
    ['salvage', '-k', 'my.key', 'x.seal'],
    ['salvage', '-k', 'my.key', '-o', 'y'],
    ['salvage', '-k', 'my.key', '-', '-o', 'y'],
    ['salvage', '-k', 'my.key', 'x.seal', '-o', 'y', '--html', '-'],
    ['salvage', '-k', 'my.key', 'x.seal', '-o', 'y', '--lost', 'zeros'],
  ]) {
    t.is((await sealstream(args, { cwd })).code, 2, args.join(' '));
  }
  await sealstream(['keygen', '-o', 'other.key'], { cwd });
  const wrong = await sealstream(['salvage', '--json', '-k', 'other.key', 'x.seal', '-o', 'y'], { cwd });
  t.is(wrong.code, 3);
  t.is(jsonError(wrong).failure?.kind, 'NoMatchingKey');
});

async function sealedFile(t: ExecutionContext) {
  const cwd = await folderWithKey(t);
  const plain = randomBytes(20 * SEGMENT + 7);
  writeFileSync(join(cwd, 'x'), plain);
  const sizes = ['--frame-size', '1024', '--segment-size', String(SEGMENT)];
  const { code, stderr } = await sealstream(['encrypt', '-k', 'my.key', ...sizes, '-o', 'x.seal', 'x'], {
    cwd,
  });
  t.is(code, 0, stderr);
  rmSync(join(cwd, 'x'));
  return { cwd, plain, sealed: readFileSync(join(cwd, 'x.seal')) };
}
