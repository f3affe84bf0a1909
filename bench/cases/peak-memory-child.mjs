// @ts-check
/** Seals the first argument into the second, if there are any, and prints the process's peak memory in KiB. */
import { encryptFile, generateKey } from 'sealstream';

const [source, target] = process.argv.slice(2);
if (source && target) await encryptFile(source, target, { key: generateKey(), flush: false });
process.stdout.write(String(process.resourceUsage().maxRSS));
