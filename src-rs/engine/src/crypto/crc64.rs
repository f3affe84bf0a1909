//! CRC-64/NVME, and combining the CRCs of consecutive parts.

use crc_fast::{CrcAlgorithm, Digest};

/// A running CRC-64/NVME.
#[derive(Clone, Copy, Debug)]
pub struct Crc64(Digest);

impl Default for Crc64 {
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Nvme))
    }
}

impl Crc64 {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The CRC of all bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }

    /// The CRC of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u64 {
        crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
    }

    /// The CRC of `length` zero bytes, in logarithmic time.
    #[must_use]
    pub fn of_zeros(length: u64) -> u64 {
        let mut joined = Crc64Joiner::default();
        let mut block = Self::of(&[0]);
        for bit in 0..u64::BITS {
            let size = 1 << bit;
            if length & size != 0 {
                joined.append(block, size);
            }
            let mut twice = Crc64Joiner::default();
            twice.append(block, size);
            twice.append(block, size);
            block = twice.value();
        }
        joined.value()
    }
}

/// Combines the CRCs of consecutive parts, in order.
///
/// The library's `checksum_combine` rebuilds its matrices for each part: 60 µs against 0.2 µs here. For segments of 1 MiB that
/// is a fifth of the time that sealing takes. Nearly all parts have the same length, so the factor of the last length is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crc64Joiner {
    value: u64,
    factor: u64,
    factor_length: u64,
}

impl Crc64Joiner {
    /// Appends a part of `length` bytes whose CRC is `crc`.
    pub fn append(&mut self, crc: u64, length: u64) {
        if length == 0 {
            return;
        }
        if self.value == 0 {
            // 0 times any factor is 0.
            self.value = crc;
            return;
        }
        if length != self.factor_length {
            self.factor_length = length;
            self.factor = x_to_the(length);
        }
        self.value = multiply(self.factor, self.value) ^ crc;
    }

    /// The CRC of all parts so far.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.value
    }
}

/// x^(8 * bytes) modulo the polynomial.
fn x_to_the(bytes: u64) -> u64 {
    let set = SQUARES
        .iter()
        .enumerate()
        .filter(|(bit, _)| bytes >> bit & 1 != 0);
    set.fold(ONE, |result, (_, &power)| {
        if result == ONE {
            power
        } else {
            multiply(power, result)
        }
    })
}

/// x^(8 * 2^k) modulo the polynomial, for every k. Combining the three parts of a short stream takes 0.4 µs with this table and 3 µs
/// without it; sealing 1 KiB takes 24 µs.
const SQUARES: [u64; 64] = {
    let mut squares = [ONE >> 8; 64];
    let mut bit = 1;
    while bit < 64 {
        squares[bit] = multiply(squares[bit - 1], squares[bit - 1]);
        bit += 1;
    }
    squares
};

/// The product of two polynomials over GF(2), modulo the CRC's, in its reflected form (bit 63 is x^0).
const fn multiply(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    let mut bit = 64;
    while bit > 0 {
        bit -= 1;
        product ^= b & ((a >> bit) & 1).wrapping_neg();
        b = (b >> 1) ^ (POLYNOMIAL & (b & 1).wrapping_neg());
    }
    product
}

/// x^0.
const ONE: u64 = 1 << 63;
/// 0xAD93D23594C93659, reflected.
const POLYNOMIAL: u64 = 0x9A6C_9329_AC4B_C9B5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_of_zeros_is_computed_from_their_number() {
        for length in [0, 1, 2, 3, 7, 8, 255, 1024, 65_537, 1_000_003] {
            assert_eq!(
                Crc64::of_zeros(length as u64),
                Crc64::of(&vec![0; length]),
                "{length}"
            );
        }
    }
    use proptest::prelude::*;

    #[test]
    fn the_catalogue_s_check_value() {
        assert_eq!(Crc64::of(b"123456789"), 0xAE8B_1486_0A79_9888);
    }

    proptest! {
        #[test]
        fn combined_parts_give_the_crc_of_the_whole(parts in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..300), 0..20)) {
            let mut joiner = Crc64Joiner::default();
            let mut running = Crc64::default();
            for part in &parts {
                joiner.append(Crc64::of(part), part.len() as u64);
                running.update(part);
            }
            prop_assert_eq!(joiner.value(), Crc64::of(&parts.concat()));
            prop_assert_eq!(running.value(), joiner.value());
        }

        #[test]
        fn long_parts_combine_as_in_the_library(a: u64, b: u64, length in 1u64..1 << 45) {
            let mut joiner = Crc64Joiner { value: a, ..Default::default() };
            joiner.append(b, length);
            let expected = crc_fast::checksum_combine(CrcAlgorithm::Crc64Nvme, a, b, length);
            prop_assert_eq!(joiner.value(), expected);
        }
    }
}
