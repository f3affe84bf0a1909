import { open, encryptFile, generateKey, SecretKey } from 'sealstream';
import { existsSync, writeFileSync, readFileSync, openSync, writeSync, closeSync } from 'node:fs';
import { open as fopen } from 'node:fs/promises';
const P = '/tmp/w/access-bench.bin', S = '/tmp/w/access-bench.seal';
const key = Buffer.alloc(32, 7);
const SIZE = 2 ** 30;
if (!existsSync(P)) { const fd = openSync(P, 'w'); const b = Buffer.alloc(2 ** 20, 3); for (let i = 0; i < 1024; i++) writeSync(fd, b); closeSync(fd); }
if (!existsSync(S)) await encryptFile(P, S, { key, flush: false });
// warm the page cache
for (const p of [P, S]) { const fh = await fopen(p); const b = Buffer.alloc(2 ** 20); for (let i = 0; (await fh.read(b, 0, b.length)).bytesRead; i++); await fh.close(); }
async function measure(name, read, n = 8000, conc = 16) {
  let left = n; const places = Array.from({ length: n }, () => Math.floor(Math.random() * (SIZE - 65536)));
  const c0 = process.cpuUsage(), t0 = performance.now(); const e0 = performance.eventLoopUtilization();
  await Promise.all(Array.from({ length: conc }, async () => { while (left > 0) { left--; await read(places[left]); } }));
  const t = performance.now() - t0, c = process.cpuUsage(c0); const e = performance.eventLoopUtilization(e0);
  console.log(name.padEnd(34), (n / t * 1000).toFixed(0).padStart(8), 'reads/s', ((c.user) / n).toFixed(1), 'us user', ((c.system) / n).toFixed(1), 'us sys', 'loop', e.utilization.toFixed(2));
  return n / t;
}
const fh = await fopen(P);
const r = await open(S, { key });
const r0 = await open(S, { key, cacheSize: 0 });
const sfh = await fopen(S);
const rf = await open(sfh, { key });
const mem = readFileSync(S); const rm = await open(mem, { key });
const big = await open(S, { key, cacheSize: 2 ** 31 - 1 });
for (let round = 0; round < 3; round++) {
  await measure('FileHandle.read', (at) => fh.read(Buffer.allocUnsafeSlow(65536), 0, 65536, at));
  await measure('path', (at) => r.read(at, 65536));
  await measure('path cache 0', (at) => r0.read(at, 65536));
  await measure('path, aligned', (at) => r.read(at - at % 65536, 65536));
  await measure('path, 4 KiB', (at) => r.read(at - at % 65536, 4096));
  await measure('memory', (at) => rm.read(at, 65536));
  await measure('FileHandle source', (at) => rf.read(at, 65536));
  await measure('path, cached 4 KiB', (at) => big.read(at % (2**20), 4096));
}
let t0 = performance.now(); let n = 0; for await (const c of r.createReadStream()) n += c.length; let t = performance.now() - t0;
console.log('createReadStream', (n / t / 1e6).toFixed(2), 'GB/s');
process.exit(0);
