//! Bech32 (BIP 173) without its limit of 90 characters: the text form of age's keys.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{ByteIterExt, Checksum, Fe32IterExt, Hrp};
use zeroize::Zeroizing;

/// `bytes` after `prefix`, in lower case. `None` if Bech32 does not allow the prefix.
pub(super) fn encode(prefix: &str, bytes: &[u8]) -> Option<Zeroizing<String>> {
    let hrp = Hrp::parse(prefix).ok()?;
    // The exact capacity, so that no reallocation leaves a copy behind.
    let length = prefix.len() + 1 + (bytes.len() * 8).div_ceil(5) + Long::CHECKSUM_LENGTH;
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.extend(
        bytes
            .iter()
            .copied()
            .bytes_to_fes()
            .with_checksum::<Long>(&hrp)
            .chars(),
    );
    Some(text)
}

/// The bytes after `prefix`. The text must have the prefix's case and be the one that [`encode`] gives for these bytes.
pub(super) fn decode<const N: usize>(prefix: &str, text: &str) -> Option<Zeroizing<[u8; N]>> {
    let checked = CheckedHrpstring::new::<Long>(text).ok()?;
    if !text.starts_with(prefix) || checked.hrp().len() != prefix.len() {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    let mut decoded = checked.byte_iter();
    for byte in bytes.iter_mut() {
        *byte = decoded.next()?;
    }
    if decoded.next().is_some() {
        return None;
    }
    let again = encode(prefix, bytes.as_slice())?;
    again.eq_ignore_ascii_case(text).then_some(bytes)
}

/// Bech32's checksum for texts as long as the longest key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Long {}

impl Checksum for Long {
    type MidstateRepr = <bech32::Bech32 as Checksum>::MidstateRepr;
    type CorrectionField = <bech32::Bech32 as Checksum>::CorrectionField;
    const ROOT_GENERATOR: Self::CorrectionField = bech32::Bech32::ROOT_GENERATOR;
    const ROOT_EXPONENTS: std::ops::RangeInclusive<usize> = bech32::Bech32::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = 4096;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_bytes_are_decoded_and_changed_texts_are_refused() {
        let bytes: [u8; 33] = std::array::from_fn(|i| i as u8 * 7);
        let text = encode("age", &bytes).unwrap();
        assert_eq!(decode::<33>("age", &text).unwrap().as_slice(), bytes);
        assert_eq!(decode::<32>("age", &text), None);
        assert_eq!(decode::<34>("age", &text), None);
        assert_eq!(decode::<33>("ag", &text), None);
        assert_eq!(decode::<33>("AGE", &text), None);
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'q' { b'p' } else { b'q' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(decode::<33>("age", &changed), None, "{changed}");
        }
        let mixed = text.replacen('q', "Q", 1);
        assert_ne!(mixed, *text);
        assert_eq!(decode::<33>("age", &mixed), None);
    }

    #[test]
    fn padding_bits_must_be_zero() {
        // 33 bytes are 264 bits; 53 characters of 5 bits hold one bit more.
        let bytes = [0; 33];
        let hrp = Hrp::parse("age").unwrap();
        let mut fes: Vec<_> = bytes.iter().copied().bytes_to_fes().collect();
        *fes.last_mut().unwrap() = bech32::Fe32::P;
        let text: String = fes.into_iter().with_checksum::<Long>(&hrp).chars().collect();
        assert_eq!(decode::<33>("age", &text), None);
    }
}
