#!/usr/bin/env node
// @ts-check
// Plays a sealed video in a real browser, from the example server, and seeks in it: npm run test:browser
// It takes an installed Chromium or Chrome (CHROME_PATH names one); on Linux x64, else, one from an npm package.
// `-- --screenshot FILE.png` keeps a picture of the page.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { BrowserError, findChromium } from './browser/chromium.mjs';
import { openPage } from './browser/devtools.mjs';
import { load, play, seek } from './browser/player.mjs';
import { slowDown } from './browser/slow-line.mjs';
import { setup, SetupError } from './setup.mjs';

/** @typedef {import('./browser/devtools.mjs').Page} Page */

/**
 * What the server did for a request.
 *
 * @typedef {{ range: string | undefined, status: number, sent: number }} Served
 */

/**
 * @param {string} folder  A new one.
 * @param {string | undefined} screenshot
 */
async function test(folder, screenshot) {
  const { encryptFile, generateKey } = await import(pathToFileURL(join(root, 'dist/index.mjs')).href);
  const key = generateKey();
  await encryptFile(VIDEO, join(folder, 'clock.webm.seal'), { key });
  const { size } = await stat(VIDEO);

  const { rangeServer } = await import(pathToFileURL(join(root, 'examples/range-server/server.mjs')).href);
  const page = await openPage(await findChromium(CACHE, print), join(folder, 'profile'));
  const server = rangeServer(folder, key);
  try {
    const served = watched(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const version = await page.send('Browser.getVersion');
    print(`${version.product}, a sealed video of ${size} bytes`);
    await page.send('Page.navigate', { url: `http://127.0.0.1:${server.address().port}/` });
    await playAndSeek(page, served, size);
    if (screenshot !== undefined) {
      const { data } = await page.send('Page.captureScreenshot', { format: 'png' });
      await writeFile(screenshot, Buffer.from(data, 'base64'));
      print(`screenshot: ${screenshot}`);
    }
  } finally {
    await page.close();
    server.close();
    server.closeAllConnections();
  }
}

/**
 * @param {Page} page
 * @param {Served[]} served
 * @param {number} size
 */
async function playAndSeek(page, served, size) {
  const { width, height, duration } = await page.call(load);
  assert.deepEqual([width, height], [320, 240], 'the size of the picture');
  assert.ok(Math.abs(duration - SECONDS) < 0.2, `the duration is ${duration} s`);
  print(`metadata: ${width} x ${height}, ${duration} s; ${told(served)}`);

  const time = await page.call(play, 1);
  assert.ok(time >= 1, `it stands at ${time} s`);
  print(`plays: ${time.toFixed(1)} s; ${told(served)}`);

  for (const second of [31, 57, 12, 44]) {
    const before = { requests: served.length, sent: sum(served) };
    const shown = await page.call(seek, second + 0.5);
    assert.equal(shown, second, `the frame at ${second} s is marked as that of ${shown} s`);
    const [requests, sent] = [served.length - before.requests, sum(served) - before.sent];
    print(`seeks to ${second} s: the frame of ${shown} s; ${requests} more requests, ${sent} bytes sent`);
    assert.ok(requests > 0, 'what a seek leads to was asked for');
    assert.ok(sent < size / 2, `${sent} bytes were sent for a seek`);
  }
  // The browser may ask whether what it has is still good, and is told so.
  const ranges = served.filter(({ status }) => status !== 304);
  assert.ok(
    ranges.every(({ status, range }) => status === 206 && range !== undefined),
    told(served),
  );
  for (const { range, status, sent } of ranges) print(`  Range: ${range} -> ${status}, ${sent} bytes`);
  print(`passed: ${ranges.length} ranges, all 206; ${sum(served)} bytes sent in all`);
}

/**
 * Notes what a server is asked for and sends, slowly.
 *
 * @param {import('node:http').Server} server
 * @returns {Served[]}
 */
function watched(server) {
  /** @type {Served[]} */
  const all = [];
  // Before the server's own listener.
  server.prependListener('request', ({ url, headers }, response) => {
    if (url === '/' || url === '/favicon.ico') return;
    const request = {
      range: headers.range,
      get status() {
        return response.statusCode;
      },
      sent: 0,
    };
    all.push(request);
    slowDown(response, BYTES_PER_SECOND, (bytes) => (request.sent += bytes));
  });
  return all;
}

/** @param {Served[]} served */
function sum(served) {
  return served.reduce((total, { sent }) => total + sent, 0);
}

/** @param {Served[]} served */
function told(served) {
  return `${served.map(({ status }) => status).join(', ')}: ${sum(served)} bytes sent`;
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const VIDEO = join(root, '__test__/fixtures/clock.webm');
const SECONDS = 60;
const BYTES_PER_SECOND = 100_000;
const CACHE = join(root, 'node_modules/.cache/sealstream');

const { values } = parseArgs({ options: { screenshot: { type: 'string' } } });
const folder = await mkdtemp(join(tmpdir(), 'sealstream-browser-'));
try {
  await setup();
  await test(folder, values.screenshot);
} catch (error) {
  const isClear =
    error instanceof BrowserError || error instanceof SetupError || error instanceof assert.AssertionError;
  process.stderr.write(
    `test:browser: ${isClear ? error.message : (/** @type {Error} */ (error).stack ?? error)}\n`,
  );
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
