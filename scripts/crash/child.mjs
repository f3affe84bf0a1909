// @ts-check
// One attempt of a resumable operation, to be killed. Prints `begun` at its begin, and at its end what was resumed.

import { decryptFile, encryptFile, SecretKey } from 'sealstream';

const [direction = '', from = '', to = '', keyFile = ''] = process.argv.slice(2);
const key = await SecretKey.fromFile(keyFile);
process.stdout.write('begun\n');
// One thread and small frames: slow enough for a kill at any segment.
const { resume } = await (direction === 'encrypt'
  ? encryptFile(from, to, { key, resume: true, threads: 1, frameSize: 1024, segmentSize: 32_768 })
  : decryptFile(from, to, { key, resume: true, threads: 1 }));
process.stdout.write(`${resume?.segmentsResumed ?? 0} ${resume?.startedOver ?? ''}\n`);
