//! Keys as hexadecimal or Base64 text, decoded in constant time.

use crate::crypto::SecretKey;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// The text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits or 44 Base64 characters, which are the 32 bytes of a key")]
pub struct KeyTextError;

/// Reads a key from 64 hexadecimal digits of either case.
///
/// # Errors
/// The text is not such a key.
pub fn key_from_hex(text: &str) -> Result<SecretKey, KeyTextError> {
    let mut bytes = Zeroizing::new([0; 32]);
    match base16ct::mixed::decode(text, bytes.as_mut_slice()) {
        Ok(decoded) if decoded.len() == 32 => SecretKey::from_bytes(decoded).map_err(|_| KeyTextError),
        _ => Err(KeyTextError),
    }
}

/// Reads a key from 44 characters of padded standard Base64.
///
/// # Errors
/// The text is not such a key.
pub fn key_from_base64(text: &str) -> Result<SecretKey, KeyTextError> {
    let mut bytes = Zeroizing::new([0; 33]);
    let decoded = Base64::decode(text, bytes.as_mut_slice()).map_err(|_| KeyTextError)?;
    SecretKey::from_bytes(decoded).map_err(|_| KeyTextError)
}

/// The key as 64 hexadecimal digits.
#[must_use]
pub fn key_to_hex(key: &SecretKey) -> Zeroizing<String> {
    Zeroizing::new(base16ct::lower::encode_string(key.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn both_notations_are_read() {
        let key: Vec<u8> = (0..32).collect();
        assert_eq!(key_from_hex(HEX).unwrap().expose().as_slice(), key);
        assert_eq!(
            key_from_hex(&HEX.to_uppercase()).unwrap().expose().as_slice(),
            key
        );
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        assert_eq!(key_from_base64(base64).unwrap().expose().as_slice(), key);
        assert_eq!(key_to_hex(&key_from_hex(HEX).unwrap()).as_str(), HEX);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "00",
            &HEX[1..],
            &format!("{HEX}00"),
            &HEX.replace('f', "g"),
            " ",
            &format!("{HEX} "),
        ] {
            assert_eq!(key_from_hex(text).unwrap_err(), KeyTextError, "{text:?}");
        }
        for text in [
            "",
            "AAEC",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
        ] {
            assert_eq!(key_from_base64(text).unwrap_err(), KeyTextError, "{text:?}");
        }
    }
}
