// @ts-check
// CRC-64/NVME, byte by byte: slow, but short and easy to check.

/**
 * @param {Uint8Array} bytes
 * @returns {bigint}
 */
export function crc64Nvme(bytes) {
  // Two halves of 32 bits: numbers are much faster than BigInts.
  let [high, low] = [0xffffffff, 0xffffffff];
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ /** @type {number} */ (LOW[index]);
    high = (high >>> 8) ^ /** @type {number} */ (HIGH[index]);
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index);
  for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
  return value;
});
const HIGH = Int32Array.from(TABLE, (value) => Number(BigInt.asIntN(32, value >> 32n)));
const LOW = Int32Array.from(TABLE, (value) => Number(BigInt.asIntN(32, value)));
