// @ts-check
// One attempt of an operation that somebody kills: says `begun` when it begins, and what was resumed when it ends.

import { decryptFile, encryptFile, SecretKey } from 'sealstream';

const [direction = '', from = '', to = '', keyFile = ''] = process.argv.slice(2);
const key = await SecretKey.fromFile(keyFile);
process.stdout.write('begun\n');
// One thread, and small frames: slow enough to be killed at any segment.
const { resume } = await (direction === 'encrypt'
  ? encryptFile(from, to, { key, resume: true, threads: 1, frameSize: 1024, segmentSize: 32_768 })
  : decryptFile(from, to, { key, resume: true, threads: 1 }));
process.stdout.write(`${resume?.segmentsResumed ?? 0} ${resume?.startedOver ?? ''}\n`);
