// Opens sealed streams by docs/FORMAT.md alone, with Node's own cryptography: shares nothing with the package.

import { createDecipheriv, createHash, createHmac, type CipherGCMTypes } from 'node:crypto';

/** What an opener finds besides the plaintext. */
export interface OpenedStream {
  readonly plaintext: Buffer;
  readonly keyId: string;
  readonly segments: number;
  readonly frames: number;
  /** The keys on the way to the plaintext that are the stream's own. */
  readonly keys: { readonly file: Buffer; readonly pseudorandom: Buffer; readonly payload: Buffer };
}

/** Opens a stream, and throws at the first thing that is not as the format says. */
export function openStream(stream: Buffer, userKey: Buffer, context: Buffer): OpenedStream {
  const headerSize = stream.readUInt32BE(64);
  const header = stream.subarray(0, headerSize);
  const { core, digest, frameSize, segmentSize, plaintextSize, hasCopy, slot } = parseHeader(header);

  const noExtensions = sha384(Buffer.alloc(0));
  const streamBinding = sha384(Buffer.concat([core, noExtensions, header.subarray(72, 104)]));
  const fileKey = unwrap(slot, userKey, streamBinding);
  const prk = extract(core.subarray(32), fileKey);
  const binding = Buffer.concat([core, noExtensions, sha384(context)]);
  const derive = (label: string, size: number) =>
    expand(prk, Buffer.concat([Buffer.from(`sealstream v1 ${label}`), binding]), size);
  const headerKey = expand(prk, Buffer.from('sealstream v1 header'), 48);
  same('header MAC', hmac(headerKey, header.subarray(0, -52)), header.subarray(-52, -4));
  same('context check', derive('context', 32), header.subarray(72, 104));

  const payloadKey = derive('payload', 32);
  const parts: Buffer[] = [];
  const manifest: Buffer[] = [];
  let [at, frames, isFinal] = [headerSize, 0, false];
  for (let index = 0; !isFinal; index += 1) {
    const head = stream.subarray(at, at + 32);
    same('marker', head.subarray(0, 4), Buffer.from('SEG1'));
    same('segment CRC', uint32(crc32c(head.subarray(0, 28))), head.subarray(28));
    same('segment index', head.subarray(8, 16), uint64(index));
    const size = head.readUInt32BE(16);
    const count = Math.max(1, Math.ceil(size / frameSize));
    const wireSize = 32 + 74 + size + 32 * count + digest.size;
    same('wire size', head.subarray(24, 28), uint32(wireSize));
    same('content size', head.subarray(20, 24), uint32(size));
    isFinal = head[4] === 1;
    if (!isFinal) same('plaintext size', uint32(size), uint32(segmentSize));
    const record = stream.subarray(at, at + wireSize);
    const body = record.subarray(0, wireSize - digest.size);
    same('digest', digest.of(body), record.subarray(wireSize - digest.size));
    const message = openMessage(body.subarray(32), payloadKey, head, frameSize + 32);
    parts.push(message);
    manifest.push(
      uint32(wireSize),
      record.subarray(32 + 42, 32 + 74),
      record.subarray(wireSize - digest.size),
    );
    frames += count;
    at += wireSize;
  }
  const plaintext = Buffer.concat(parts);
  const segments = parts.length;
  if (plaintextSize !== UNKNOWN) same('plaintext size', uint64(plaintextSize), uint64(plaintext.length));

  const endRecord = Buffer.concat([
    Buffer.from('SEND\0\0\0\0'),
    uint64(segments),
    uint64(plaintext.length),
    uint32(0),
    ...manifest,
  ]);
  const signed = Buffer.concat([endRecord, hmac(derive('end', 48), endRecord)]);
  const end = Buffer.concat([signed, uint32(crc32c(signed)), ...(hasCopy ? [header] : [])]);
  const footer = Buffer.concat([uint64(end.length + 24), uint32(0)]);
  same(
    'end',
    stream.subarray(at),
    Buffer.concat([end, footer, uint32(crc32c(footer)), Buffer.from('SEALEND\n')]),
  );
  const keys = { file: fileKey, pseudorandom: prk, payload: payloadKey };
  return { plaintext, keyId: slot.id, segments, frames, keys };
}

interface KeySlot {
  readonly id: string;
  readonly aad: Buffer;
  readonly salt: Buffer;
  readonly wrap: Buffer;
}

function parseHeader(header: Buffer) {
  const core = header.subarray(0, 64);
  same('header CRC', uint32(crc32c(header.subarray(0, -4))), header.subarray(-4));
  same('magic', core.subarray(0, 8), Buffer.from('\x89SEAL\r\n\x1a', 'latin1'));
  same('version and suite', core.subarray(8, 10), Buffer.from([1, 1]));
  same('compression', core.subarray(11, 12), Buffer.from([0]));
  same('slots', header.subarray(70, 72), Buffer.from([0, 1]));
  same('extensions', header.subarray(104, 112), Buffer.alloc(8));
  const digest = DIGESTS[core[10] ?? 255];
  if (digest === undefined) throw new Error('unknown digest');

  same('slot type', header.subarray(112, 114), Buffer.from([0, 1]));
  const bodySize = header.readUInt32BE(114);
  const body = header.subarray(118, 118 + bodySize);
  const idSize = body[0] ?? 0;
  const slot: KeySlot = {
    id: body.subarray(1, 1 + idSize).toString(),
    aad: Buffer.concat([header.subarray(112, 114), body.subarray(0, 1 + idSize + 32)]),
    salt: body.subarray(1 + idSize, 33 + idSize),
    wrap: body.subarray(33 + idSize),
  };
  same('wrap size', uint32(slot.wrap.length), uint32(80));
  const padding = header.subarray(118 + bodySize, -52);
  same('padding', padding, Buffer.alloc(padding.length));
  return {
    core,
    digest,
    frameSize: core.readUInt32BE(12),
    segmentSize: core.readUInt32BE(16),
    hasCopy: core.readUInt32BE(20) === 1,
    plaintextSize: core.readBigUInt64BE(24),
    slot,
  };
}

function unwrap({ aad, salt, wrap }: KeySlot, userKey: Buffer, streamBinding: Buffer): Buffer {
  const info = Buffer.concat([Buffer.from('sealstream v1 key'), streamBinding]);
  const derived = expand(extract(salt, userKey), info, 64);
  same('slot commitment', derived.subarray(32), wrap.subarray(48));
  return gcm(derived.subarray(0, 32), Buffer.alloc(12), aad, wrap.subarray(0, 32), wrap.subarray(32, 48));
}

/** A FLOE message with AES-256-GCM, HKDF-Expand-SHA-384 and a 32-byte IV. */
function openMessage(message: Buffer, key: Buffer, aad: Buffer, segmentLength: number): Buffer {
  const prefix = message.subarray(0, 42);
  same('FLOE parameters', prefix.subarray(0, 10), Buffer.from([0, 0, ...uint32(segmentLength), 0, 0, 0, 32]));
  const derive = (from: Buffer, purpose: string | Buffer, size: number) =>
    expand(from, Buffer.concat([prefix, Buffer.from(purpose), aad]), size);
  same('FLOE header tag', derive(key, 'HEADER_TAG:', 32), message.subarray(42, 74));
  const messageKey = derive(key, 'MESSAGE_KEY:', 48);
  const body = message.subarray(74);
  const parts: Buffer[] = [];
  for (let index = 0; index * segmentLength < body.length; index += 1) {
    const segment = body.subarray(index * segmentLength, (index + 1) * segmentLength);
    const isFinal = (index + 1) * segmentLength >= body.length;
    same('length field', segment.subarray(0, 4), isFinal ? uint32(segment.length) : uint32(0xffff_ffff));
    const epoch = Math.floor(index / 2 ** 20) * 2 ** 20;
    const segmentKey = derive(messageKey, Buffer.concat([Buffer.from('DEK:'), uint64(epoch)]), 32);
    const position = Buffer.concat([uint64(index), Buffer.from([isFinal ? 1 : 0])]);
    const [iv, content, tag] = [segment.subarray(4, 16), segment.subarray(16, -16), segment.subarray(-16)];
    parts.push(gcm(segmentKey, iv, position, content, tag));
  }
  return Buffer.concat(parts);
}

function gcm(key: Buffer, iv: Buffer, aad: Buffer, ciphertext: Buffer, tag: Buffer): Buffer {
  const algorithm: CipherGCMTypes = 'aes-256-gcm';
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: 16 });
  decipher.setAAD(aad);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

/** RFC 5869 by hand: Node's own function does not do its halves alone. */
const extract = (salt: Buffer, ikm: Buffer) => hmac(salt, ikm);

function expand(prk: Buffer, info: Buffer, size: number): Buffer {
  const blocks: Buffer[] = [];
  for (let last: Buffer = Buffer.alloc(0), counter = 1; blocks.length * 48 < size; counter += 1) {
    last = hmac(prk, Buffer.concat([last, info, Buffer.from([counter])]));
    blocks.push(last);
  }
  return Buffer.concat(blocks).subarray(0, size);
}

const hmac = (key: Buffer, bytes: Buffer) => createHmac('sha384', key).update(bytes).digest();
const sha384 = (bytes: Buffer) => createHash('sha384').update(bytes).digest();

function same(what: string, actual: Buffer, expected: Buffer): void {
  if (!actual.equals(expected)) {
    throw new Error(`${what}: ${actual.toString('hex')}, expected ${expected.toString('hex')}`);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Castagnoli's CRC, bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** CRC-64/NVME, bit by bit. */
export function crc64(bytes: Buffer): Buffer {
  let crc = 0xffff_ffff_ffff_ffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ (crc & 1n ? 0x9a6c_9329_ac4b_c9b5n : 0n);
  }
  return uint64(crc ^ 0xffff_ffff_ffff_ffffn);
}

/** By their number on the wire. */
const DIGESTS = [
  { size: 0, of: () => Buffer.alloc(0) },
  { size: 8, of: crc64 },
  { size: 32, of: (bytes: Buffer) => createHash('sha256').update(bytes).digest() },
  { size: 64, of: (bytes: Buffer) => createHash('sha512').update(bytes).digest() },
  undefined, // BLAKE3, which Node lacks
];

const UNKNOWN = 0xffff_ffff_ffff_ffffn;
