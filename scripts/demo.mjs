#!/usr/bin/env node
// @ts-check
// Shows sealstream on a real file: seals it, opens it, compares, damages and salvages it, and measures against `cp` and Node's own
// encryption. `npm run demo` makes a file of 1 GiB; `npm run demo -- PATH` uses your file, and only reads it.

import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { makeFile } from './demo/data.mjs';
import { measure, SMALL } from './demo/measure.mjs';
import { showTampering } from './demo/tamper.mjs';
import { counted, duration, grouped, heading, print, rate, row, size } from './demo/text.mjs';
import { setup, SetupError } from './setup.mjs';

/** @typedef {typeof import('../src-ts/index.js')} Sealstream */

/** An error that the user can fix; the message says how. */
class DemoError extends Error {
  /** @override */
  name = 'DemoError';
}

/** @param {string | undefined} path */
async function demo(path) {
  const given = path === undefined ? undefined : checkedFile(path);
  await setup();
  /** @type {Sealstream} */
  const sealstream = await import(pathToFileURL(join(root, 'dist/index.mjs')).href);

  const bytes = given === undefined ? MADE_SIZE : statSync(given).size;
  await mkdir(place, { recursive: true });
  await checkSpace(bytes, given === undefined);
  const folder = await mkdtemp(join(place, 'run-'));
  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    process.stderr.write('\ndemo: interrupted, cleaning up\n');
    void cleanUp(folder).finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    introduce(bytes);
    const plain = given ?? join(folder, 'random.bin');
    if (given === undefined) await makeFile(plain, bytes);
    const { sealed, key } = await sealAndOpen(sealstream, plain, folder);
    await showTampering(sealstream, sealed, join(folder, 'opened-again'), key);
    await rm(sealed);
    await measure(sealstream, plain, bytes, folder, key);
  } finally {
    await cleanUp(folder);
    print(`\n${relative(process.cwd(), place) || place} was removed`);
  }
}

/**
 * @param {Sealstream} sealstream
 * @param {string} plain
 * @param {string} folder
 */
async function sealAndOpen({ encryptFile, decryptFile, SecretKey }, plain, folder) {
  const [sealed, opened] = [join(folder, 'sealed'), join(folder, 'opened')];
  const key = SecretKey.generate();
  heading('Seal and open');
  // This first read also warms the page cache.
  const before = await sha256(plain);

  const sealing = await encryptFile(plain, sealed, { key });
  const { plaintextSize, sealedSize, stats } = sealing;
  const { segments, frames, threads } = stats;
  const parts = [counted(segments, 'segment'), counted(frames, 'frame'), counted(threads, 'thread')];
  row('sealed', `${speed(sealing)}, fsync included: ${parts.join(', ')}`);
  row('', `${counted(plaintextSize, 'byte')} became ${grouped(sealedSize)}`);

  const opening = await decryptFile(sealed, opened, { key });
  row('opened', `${speed(opening)}, fsync included: every byte authenticated`);

  const after = await sha256(opened);
  if (after !== before) throw new DemoError(`THE OPENED FILE DIFFERS: SHA-256 ${after}, not ${before}`);
  row('SHA-256', `${before}`);
  row('', 'the same before and after');
  await rm(opened);
  return { sealed, key };
}

/** @param {{ plaintextSize: number, stats: { elapsedMs: number } }} report */
function speed({ plaintextSize, stats: { elapsedMs } }) {
  return plaintextSize < SMALL
    ? duration(elapsedMs)
    : `${duration(elapsedMs)}, ${rate(plaintextSize, elapsedMs)}`;
}

/** @param {string} path */
function checkedFile(path) {
  // npm runs scripts in the package's folder; INIT_CWD is the folder in which the user called it.
  const base = process.env['npm_lifecycle_event'] === 'demo' ? process.env['INIT_CWD'] : undefined;
  const file = resolve(base ?? process.cwd(), path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new DemoError(`there is no file ${file}`);
  if (!found.isFile()) throw new DemoError(`${file} is not a regular file`);
  return file;
}

/**
 * @param {number} bytes
 * @param {boolean} isMade  Whether the demo makes the plaintext too.
 */
async function checkSpace(bytes, isMade) {
  // The sealed file and one other output at a time.
  const needed = bytes * (isMade ? 3 : 2) * 1.01 + 64 * 2 ** 20;
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  if (free < needed) {
    await rmdir(place).catch(() => undefined);
    throw new DemoError(
      `${size(needed)} of disk space are needed at ${place}, and ${size(free)} are free: ` +
        'free some, or name a smaller file: npm run demo -- PATH',
    );
  }
}

/** @param {number} bytes */
function introduce(bytes) {
  const [cpu] = cpus();
  print(`sealstream on ${size(bytes)}`);
  print(
    `  Node ${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} cores`,
  );
  print(`  ${cpu?.model.trim() ?? 'unknown CPU'}, ${size(totalmem())} of memory`);
  if (bytes * 2 > freemem() && bytes > totalmem() / 3) {
    print('  the file is large compared with the memory, so the figures include the disk');
  }
}

/** @param {string} file */
async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

/** @param {string} folder */
async function cleanUp(folder) {
  await rm(folder, { recursive: true, force: true });
  // Another run may still use it.
  await rmdir(place).catch(() => undefined);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const place = join(root, '.demo');
const MADE_SIZE = 2 ** 30;

try {
  const [path, second] = process.argv.slice(2);
  if (second !== undefined) throw new DemoError('one file at most: npm run demo -- PATH');
  await demo(path);
} catch (error) {
  // Errors of this script, of the library and of the system need no stack.
  const isClear =
    error instanceof DemoError || error instanceof SetupError || (error instanceof Error && 'code' in error);
  const text =
    error instanceof Error ? (isClear ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`\ndemo: ${text}\n`);
  process.exitCode = 1;
}
