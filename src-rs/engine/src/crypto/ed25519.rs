//! Ed25519 (RFC 8032): who vouches for a stream.
//!
//! `ring` verifies without the cofactor and compares encodings. The checks before it refuse every key and signature about which
//! implementations disagree, so that all of them accept the same streams.

use super::{CryptoError, SecretKey, overwrite_stack};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;

/// A secret key of Ed25519. It holds the seed, which is overwritten when dropped; ring's expanded key would not be.
pub struct Ed25519Key {
    seed: SecretKey,
    public: [u8; ED25519_PUBLIC_SIZE],
}

impl Ed25519Key {
    /// The key of a 32-byte seed, which is the secret key of RFC 8032. The caller overwrites its own copy.
    ///
    /// # Errors
    /// [`CryptoError::InputTooLong`], for no seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, CryptoError> {
        let seed = SecretKey::from_bytes(seed).map_err(|_| CryptoError::InputTooLong)?;
        let mut public = [0; ED25519_PUBLIC_SIZE];
        with_pair(&seed, |pair| public.copy_from_slice(pair.public_key().as_ref()))?;
        Ok(Self { seed, public })
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> [u8; ED25519_PUBLIC_SIZE] {
        self.public
    }

    /// Signs `message`. The same message has the same signature each time.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; ED25519_SIGNATURE_SIZE] {
        let mut out = [0; ED25519_SIGNATURE_SIZE];
        // The seed made a pair before. If it could not now, the zeros would verify under no key.
        let _ = with_pair(&self.seed, |pair| {
            out.copy_from_slice(pair.sign(message).as_ref());
        });
        out
    }
}

/// Calls `use_pair` with ring's key of this seed, and overwrites the stack after it.
fn with_pair(seed: &SecretKey, use_pair: impl FnOnce(&Ed25519KeyPair)) -> Result<(), CryptoError> {
    #[inline(never)]
    fn on_the_stack(seed: &SecretKey, use_pair: impl FnOnce(&Ed25519KeyPair)) -> Result<(), CryptoError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
        use_pair(&pair.map_err(|_| CryptoError::InputTooLong)?);
        Ok(())
    }
    let done = on_the_stack(seed, use_pair);
    overwrite_stack();
    done
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[Ed25519Key]")
    }
}

/// Whether `signature` is that of `message` under `public_key`. A signature of a wrong length is not.
#[must_use]
pub fn verify_ed25519(public_key: &[u8; ED25519_PUBLIC_SIZE], message: &[u8], signature: &[u8]) -> bool {
    let Some((point, scalar)) = signature.split_first_chunk::<32>() else {
        return false;
    };
    let Ok(scalar) = <&[u8; 32]>::try_from(scalar) else {
        return false;
    };
    is_acceptable_ed25519_key(public_key)
        && is_acceptable_point(point)
        && is_below(scalar, &ORDER)
        && UnparsedPublicKey::new(&ED25519, public_key)
            .verify(message, signature)
            .is_ok()
}

/// Whether the encoding of a public key is canonical and not that of a point of small order.
#[must_use]
pub fn is_acceptable_ed25519_key(public_key: &[u8; ED25519_PUBLIC_SIZE]) -> bool {
    is_acceptable_point(public_key)
}

fn is_acceptable_point(encoded: &[u8; 32]) -> bool {
    let mut y = *encoded;
    y[31] &= 0x7f;
    is_below(&y, &FIELD) && !SMALL_ORDER.contains(&y)
}

/// Compares little-endian numbers. They are public.
fn is_below(number: &[u8; 32], bound: &[u8; 32]) -> bool {
    number.iter().rev().lt(bound.iter().rev())
}

/// Bytes of a public key.
pub const ED25519_PUBLIC_SIZE: usize = 32;
/// Bytes of a signature.
pub const ED25519_SIGNATURE_SIZE: usize = 64;

/// 2^255 - 19, the size of the field.
const FIELD: [u8; 32] = number(&[0xed], 0xff, 0x7f);
/// The order of the base point.
const ORDER: [u8; 32] = number(
    &[
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    ],
    0,
    0x10,
);
/// The y coordinates of the points whose order divides 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    number(&[1], 0, 0),
    number(&[0xec], 0xff, 0x7f),
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
];

/// A little-endian number: its first bytes, the bytes between, and the last.
const fn number(first: &[u8], between: u8, last: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    let mut at = 0;
    while at < first.len() {
        bytes[at] = first[at];
        at += 1;
    }
    bytes[31] = last;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Ed25519Key {
        Ed25519Key::from_seed(&[7; 32]).unwrap()
    }

    #[test]
    fn a_signature_verifies_and_a_changed_one_does_not() {
        let (public, signature) = (key().public_key(), key().sign(b"message"));
        assert!(verify_ed25519(&public, b"message", &signature));
        assert!(!verify_ed25519(&public, b"messagf", &signature));
        for at in 0..signature.len() {
            let mut changed = signature;
            changed[at] ^= 1;
            assert!(!verify_ed25519(&public, b"message", &changed));
        }
        for length in 0..signature.len() {
            assert!(!verify_ed25519(&public, b"message", &signature[..length]));
        }
        let longer = [&signature[..], &[0]].concat();
        assert!(!verify_ed25519(&public, b"message", &longer));
    }

    #[test]
    fn keys_of_small_order_are_refused_with_either_sign() {
        for mut point in SMALL_ORDER {
            assert!(!is_acceptable_ed25519_key(&point));
            point[31] |= 0x80;
            assert!(!is_acceptable_ed25519_key(&point));
        }
    }

    /// Under a key of order 1 the signature (R = S·B, S) verifies for every message, unless the key is refused.
    #[test]
    fn a_key_of_order_1_signs_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        // S = 1, so R is the base point.
        signature[..32].fill(0x66);
        signature[0] = 0x58;
        signature[32] = 1;
        let lax = UnparsedPublicKey::new(&ED25519, identity);
        assert!(lax.verify(b"any message", &signature).is_ok());
        assert!(!verify_ed25519(&identity, b"any message", &signature));
    }

    #[test]
    fn encodings_that_are_not_canonical_are_refused() {
        let mut encoded = FIELD;
        for low in 0xed..=0xff {
            encoded[0] = low;
            assert!(!is_acceptable_ed25519_key(&encoded));
        }
        encoded[0] = 0xeb;
        assert!(is_acceptable_ed25519_key(&encoded));
    }

    #[test]
    fn a_scalar_that_the_order_was_added_to_is_refused() {
        let (public, mut signature) = (key().public_key(), key().sign(b"message"));
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
        }
        assert!(!verify_ed25519(&public, b"message", &signature));
    }

    #[test]
    fn the_key_does_not_print() {
        assert_eq!(format!("{:?}", key()), "[Ed25519Key]");
    }
}
