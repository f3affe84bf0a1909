// @ts-check
// Flips one bit, first like rot and then like a forger, and shows the errors. docs/FORMAT.md has the offsets.

import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { inspect } from 'node:util';

import { crc64Nvme } from './crc64.mjs';
import { showRecovery } from './recover.mjs';
import { grouped, heading, row } from './text.mjs';

/**
 * @param {import('../demo.mjs').Sealstream} sealstream
 * @param {string} sealed  Changed, and restored at the end.
 * @param {string} output  An unused path.
 * @param {import('../../src-ts/index.js').SecretKey} key
 */
export async function showTampering(sealstream, sealed, output, key) {
  const { segment, frame, recordAt, recordSize, byteAt } = middle(await sealstream.inspect(sealed));
  const file = await open(sealed, 'r+');
  try {
    const record = Buffer.alloc(recordSize);
    await file.read(record, 0, recordSize, recordAt);
    const original = Buffer.from(record);
    const contents = record.subarray(0, -DIGEST_SIZE);
    if (crc64Nvme(contents) !== record.readBigUInt64BE(recordSize - DIGEST_SIZE)) {
      throw new Error(`segment ${segment} is not at its offset`);
    }

    heading(`Flip one bit: byte ${grouped(byteAt)}, in segment ${segment}, frame ${frame}`);
    contents.writeUInt8(contents.readUInt8(byteAt - recordAt) ^ 1, byteAt - recordAt);
    await file.write(record, 0, recordSize, recordAt);
    await showRefusal(sealstream, sealed, output, key);
    await showRecovery(sealstream, sealed, output, key);

    heading('The flipped bit again, with a repaired digest, as a forger would do it');
    record.writeBigUInt64BE(crc64Nvme(contents), recordSize - DIGEST_SIZE);
    await file.write(record, 0, recordSize, recordAt);
    await showRefusal(sealstream, sealed, output, key);

    await file.write(original, 0, recordSize, recordAt);
  } finally {
    await file.close();
  }
}

/**
 * @param {import('../demo.mjs').Sealstream} sealstream
 * @param {string} sealed
 * @param {string} output
 * @param {import('../../src-ts/index.js').SecretKey} key
 */
async function showRefusal({ decryptFile, SealError }, sealed, output, key) {
  try {
    await decryptFile(sealed, output, { key });
  } catch (error) {
    if (!(error instanceof SealError) || error.failure.kind !== 'Segment') throw error;
    row('code', error.code);
    row('failure', inspect(error.failure, { depth: null, breakLength: Infinity, compact: true }));
    row('message', error.message);
    row('output', existsSync(output) ? 'A FILE WAS LEFT BEHIND' : 'none: no unverified byte is left behind');
    return;
  }
  throw new Error('THE CHANGED FILE WAS OPENED');
}

/**
 * The place of the middle segment's record, and of a byte in its middle frame: in the content, or in the tag if the frame is
 * empty.
 *
 * @param {import('../../src-ts/index.js').StreamInfo} info
 */
function middle({ headerSize, frameSize, segmentSize, plaintextSize = 0, segments = 1 }) {
  const segment = Math.floor((segments - 1) / 2);
  const content = Math.min(segmentSize, plaintextSize - segment * segmentSize);
  const frames = Math.max(1, Math.ceil(content / frameSize));
  const frame = Math.floor((frames - 1) / 2);
  const recordAt = headerSize + segment * recordSizeOf(segmentSize, Math.ceil(segmentSize / frameSize));
  return {
    segment,
    frame,
    recordAt,
    recordSize: recordSizeOf(content, frames),
    byteAt: recordAt + RECORD_HEADERS + frame * (frameSize + FRAME_OVERHEAD) + FRAME_PREFIX,
  };
}

/**
 * @param {number} content
 * @param {number} frames
 */
function recordSizeOf(content, frames) {
  return RECORD_HEADERS + content + frames * FRAME_OVERHEAD + DIGEST_SIZE;
}

const RECORD_HEADERS = 32 + 74;
const FRAME_OVERHEAD = 32;
const FRAME_PREFIX = 16;
const DIGEST_SIZE = 8;
