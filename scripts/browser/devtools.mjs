// @ts-check
// Drives a Chromium through its DevTools protocol, over two pipes: no port that others could find, and nothing to install.
// https://chromedevtools.github.io/devtools-protocol/

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';

import { BrowserError } from './chromium.mjs';

/** A page in a browser of its own. */
export class Page {
  #send;
  #close;

  /**
   * @param {(method: string, params?: object) => Promise<any>} send
   * @param {() => Promise<void>} close
   */
  constructor(send, close) {
    this.#send = send;
    this.#close = close;
  }

  /**
   * Sends a command of the protocol to the page.
   *
   * @param {string} method
   * @param {object} [params]
   * @returns {Promise<any>}
   */
  send(method, params) {
    return this.#send(method, params);
  }

  /**
   * Runs a function in the page and resolves with what its promise becomes.
   *
   * @param {string} code  The function's source.
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  async call(code, ...args) {
    const expression = `(${code})(...${JSON.stringify(args)})`;
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** Ends the browser. */
  close() {
    return this.#close();
  }
}

/**
 * @param {string} program
 * @param {string} profile  A folder that the browser may fill.
 * @returns {Promise<Page>}
 */
export async function openPage(program, profile) {
  const args = [
    '--headless',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--disable-gpu',
    '--mute-audio',
    // Containers have a small /dev/shm, and mostly no user namespaces; the page is our own.
    '--disable-dev-shm-usage',
    '--no-sandbox',
    '--window-size=800,600',
    'about:blank',
  ];
  const libraries = join(dirname(program), 'al2023', 'lib');
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: [process.env['LD_LIBRARY_PATH'], libraries].filter(Boolean).join(':'),
  };
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  ended.catch(() => undefined);

  const [, , stderr, commands, answers] = /** @type {any} */ (child.stdio);
  let log = '';
  stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (log += text));
  commands.on('error', () => undefined);

  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  /** @type {Error | undefined} */
  let end;
  const giveUp = () => {
    end = new BrowserError(`the browser ended:\n${log.slice(-2000)}`);
    for (const { reject } of waiting.values()) reject(end);
  };
  child.on('close', giveUp).on('error', (error) => {
    log += error.message;
    giveUp();
  });

  let text = '';
  answers.setEncoding('utf8').on('data', (/** @type {string} */ part) => {
    const messages = (text + part).split('\0');
    text = messages.pop() ?? '';
    for (const { id, result, error } of messages.map((message) => JSON.parse(message))) {
      const asked = waiting.get(id);
      if (error === undefined) asked?.resolve(result);
      else asked?.reject(new Error(error.message));
    }
  });

  let last = 0;
  /**
   * @param {string} method
   * @param {object} [params]
   * @param {string} [sessionId]
   * @returns {Promise<any>}
   */
  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      if (end !== undefined) {
        reject(end);
        return;
      }
      const id = (last += 1);
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new BrowserError(`the browser has not done ${method} within ${PATIENCE_MS / 1000} s`));
      }, PATIENCE_MS);
      const settled = () => {
        waiting.delete(id);
        clearTimeout(timer);
      };
      waiting.set(id, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });

  const close = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await Promise.race([send('Browser.close').catch(() => undefined), ended]);
    await ended.catch(() => undefined);
    clearTimeout(timer);
  };
  try {
    const { targetInfos } = await send('Target.getTargets');
    const target = targetInfos.find((/** @type {any} */ { type }) => type === 'page');
    const { sessionId } = await send('Target.attachToTarget', { targetId: target.targetId, flatten: true });
    return new Page((method, params) => send(method, params, sessionId), close);
  } catch (error) {
    await close();
    throw error;
  }
}

const PATIENCE_MS = 60_000;
