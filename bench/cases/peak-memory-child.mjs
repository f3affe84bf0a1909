// @ts-check
/** Does the work that the first argument names, from the second to the third, and prints the peak memory in KiB. */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createDecryptStream, createEncryptStream, encryptFile, SecretKey } from 'sealstream';
import { copyingTransform } from '../lib/copying-transform.mjs';

const [work = 'nothing', source = '', target = ''] = process.argv.slice(2);
// The same key in every process: one process opens the stream that another one sealed.
const key = SecretKey.fromBytes(new Uint8Array(32));
const through = (/** @type {NodeJS.ReadWriteStream} */ stream) =>
  pipeline(createReadStream(source), stream, createWriteStream(target));
switch (work) {
  case 'nothing':
    break;
  case 'encryptFile':
    await encryptFile(source, target, { key, flush: false });
    break;
  case 'copy':
    await through(copyingTransform(64 * 1024));
    break;
  case 'encrypt':
    await through(createEncryptStream({ key }));
    break;
  case 'decrypt':
    await through(createDecryptStream({ key }));
    break;
  default:
    throw new Error(`unknown work: ${work}`);
}
process.stdout.write(String(peak()));

/** On Linux maxRSS includes the parent's memory at the fork. VmHWM is the memory of this program alone. */
function peak() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
