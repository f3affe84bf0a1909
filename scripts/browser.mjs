#!/usr/bin/env node
// @ts-check
// Plays a sealed video in a real browser, from the example server, and seeks in it: `npm run test:browser`.
// Uses the installed Chromium, Chrome or Edge (CHROME_PATH names another one); on Linux x64 it installs one from npm if
// there is none. `-- --screenshot FILE.png` saves a picture of the page.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { load, play, seek } from './browser/player.mjs';
import { slowDown } from './browser/slow-line.mjs';
import { setup, SetupError } from './setup.mjs';

/** @typedef {import('playwright-core').Page} Page */

/**
 * The answer to one request.
 *
 * @typedef {{ range: string | undefined, status: number, sent: number }} Served
 */

/**
 * @param {string} folder  A new folder.
 * @param {string | undefined} screenshot
 */
async function test(folder, screenshot) {
  await setup();
  // Uses an installed package, so it can be loaded only after setup.
  const { launchChromium } = await import('./browser/chromium.mjs');
  const { encryptFile, SecretKey } = await import(pathToFileURL(join(root, 'dist/index.mjs')).href);
  const { rangeServer } = await import(pathToFileURL(join(root, 'examples/range-server/server.mjs')).href);
  const key = SecretKey.generate();
  await encryptFile(VIDEO, join(folder, 'clock.webm.seal'), { key });
  const { size } = await stat(VIDEO);

  const browser = await launchChromium(CACHE, print);
  const server = rangeServer(folder, key);
  try {
    const served = record(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    print(`Chromium ${browser.version()}, a sealed video of ${size} bytes`);
    const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
    await page.goto(`http://127.0.0.1:${server.address().port}/`, { waitUntil: 'domcontentloaded' });
    await playAndSeek(page, served, size);
    if (screenshot !== undefined) {
      await page.screenshot({ path: screenshot });
      print(`screenshot: ${screenshot}`);
    }
  } finally {
    await browser.close();
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
  const { width, height, duration } = await page.evaluate(load);
  assert.deepEqual([width, height], [320, 240], 'the size of the video');
  assert.ok(Math.abs(duration - SECONDS) < 0.2, `the duration is ${duration} s`);
  print(`metadata: ${width} x ${height}, ${duration} s; ${summary(served)}`);

  const time = await page.evaluate(play, 1);
  assert.ok(time >= 1, `the video stands at ${time} s`);
  print(`plays: ${time.toFixed(1)} s; ${summary(served)}`);

  for (const second of [31, 57, 12, 44]) {
    const before = { requests: served.length, sent: sum(served) };
    const shown = await page.evaluate(seek, second + 0.5);
    assert.equal(shown, second, `the frame at ${second} s is marked as that of ${shown} s`);
    const [requests, sent] = [served.length - before.requests, sum(served) - before.sent];
    print(`seeks to ${second} s: the frame of ${shown} s; ${requests} more requests, ${sent} bytes sent`);
    assert.ok(requests > 0, 'a seek must cause a request');
    assert.ok(sent < size / 2, `${sent} bytes were sent for a seek`);
  }
  // The browser may revalidate what it has cached.
  const ranges = served.filter(({ status }) => status !== 304);
  assert.ok(
    ranges.every(({ status, range }) => status === 206 && range !== undefined),
    summary(served),
  );
  for (const { range, status, sent } of ranges) print(`  Range: ${range} -> ${status}, ${sent} bytes`);
  print(`passed: ${ranges.length} ranges, all 206; ${sum(served)} bytes sent in all`);
}

/**
 * Records a server's requests and answers, and slows the answers down.
 *
 * @param {import('node:http').Server} server
 * @returns {Served[]}
 */
function record(server) {
  /** @type {Served[]} */
  const all = [];
  // Must run before the server's own listener.
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
function summary(served) {
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
  await test(folder, values.screenshot);
} catch (error) {
  const { name, message, stack } = /** @type {Error} */ (error);
  const isClear =
    error instanceof SetupError || error instanceof assert.AssertionError || name === 'BrowserError';
  process.stderr.write(`test:browser: ${isClear ? message : (stack ?? message)}\n`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
