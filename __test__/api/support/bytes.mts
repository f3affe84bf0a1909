// Bytes for tests.

/** The plaintext of the vectors: byte i is `i * 7 mod 251`. */
export function pattern(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 7) % 251));
}

/** A copy with one byte changed. */
export function withFlippedByte(bytes: Uint8Array, at: number, mask = 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= mask;
  return copy;
}
