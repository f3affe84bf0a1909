// @ts-check
/** Seals the first argument into the second, if there are any, and prints the process's peak memory in KiB. */
import { readFileSync } from 'node:fs';
import { encryptFile, generateKey } from 'sealstream';

const [source, target] = process.argv.slice(2);
if (source && target) await encryptFile(source, target, { key: generateKey(), flush: false });
process.stdout.write(String(peak()));

/** On Linux, maxRSS counts what the parent had when it forked; VmHWM is this program's own. */
function peak() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
