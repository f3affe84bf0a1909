//! Wraps a file key under a key-encryption key (KEK), with a commitment to that key: AES-GCM alone does not commit.

use super::kdf::Prk;
use super::{CryptoError, FileKey, StreamBinding};
use ring::aead;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Why a wrapped file key could not be unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// The commitment belongs to another key.
    #[error("another key wrapped this file key")]
    WrongKey,
    /// The commitment belongs to this key, but the wrapped bytes or the associated data were changed.
    #[error("the wrapped file key was changed")]
    Tampered,
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Wraps `file_key` into ciphertext 32, tag 16 and commitment 32. The caller must pass a new `salt` on every call, because the nonce
/// is zero. `label` names the slot type; the wrap opens in `stream` alone; `aad` is the associated data.
///
/// # Errors
/// None for inputs that the format allows.
pub fn wrap_file_key(
    kek: &[u8; 32],
    salt: &[u8; 32],
    label: &[u8],
    stream: &StreamBinding,
    aad: &[u8],
    file_key: &FileKey,
) -> Result<[u8; 80], CryptoError> {
    let (key, commitment) = slot_keys(kek, salt, label, stream)?;
    let mut out = [0; 80];
    out[..32].copy_from_slice(file_key.expose());
    let tag = key.seal_in_place_separate_tag(zero_nonce(), aead::Aad::from(aad), &mut out[..32]);
    out[32..48].copy_from_slice(tag.map_err(|_| CryptoError::InputTooLong)?.as_ref());
    out[48..].copy_from_slice(&commitment);
    Ok(out)
}

/// Unwraps the output of [`wrap_file_key`]. The commitment is compared first, in constant time.
///
/// # Errors
/// See [`UnwrapError`].
pub fn unwrap_file_key(
    kek: &[u8; 32],
    salt: &[u8; 32],
    label: &[u8],
    stream: &StreamBinding,
    aad: &[u8],
    wrap: &[u8; 80],
) -> Result<FileKey, UnwrapError> {
    let (key, commitment) = slot_keys(kek, salt, label, stream)?;
    if !bool::from(commitment.ct_eq(&wrap[48..])) {
        return Err(UnwrapError::WrongKey);
    }
    let mut wrapped = Zeroizing::new([0; 48]);
    wrapped.copy_from_slice(&wrap[..48]);
    let opened = key.open_in_place(zero_nonce(), aead::Aad::from(aad), wrapped.as_mut_slice());
    let bytes = opened
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(&*bytes).ok())
        .map(Zeroizing::new);
    bytes
        .map(|bytes| FileKey::new(&bytes))
        .ok_or(UnwrapError::Tampered)
}

fn slot_keys(
    kek: &[u8; 32],
    salt: &[u8; 32],
    label: &[u8],
    stream: &StreamBinding,
) -> Result<(aead::LessSafeKey, [u8; 32]), CryptoError> {
    let okm = Prk::extract(salt, kek).expand::<64>(&[label, stream.as_bytes()])?;
    let (key, commitment) = okm.split_at(32);
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).map_err(|_| CryptoError::InputTooLong)?;
    let commitment = commitment.try_into().map_err(|_| CryptoError::InputTooLong)?;
    Ok((aead::LessSafeKey::new(key), commitment))
}

/// Each slot key has its own salt and encrypts once, so its nonce may be zero.
fn zero_nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The binding of a stream whose fields are this byte.
    fn stream(byte: u8) -> StreamBinding {
        StreamBinding::new(&[byte; 64], &[byte], &[byte; 32])
    }

    fn wrapped() -> [u8; 80] {
        wrap_file_key(
            &[1; 32],
            &[2; 32],
            b"label",
            &stream(3),
            b"aad",
            &FileKey::new(&[4; 32]),
        )
        .unwrap()
    }

    #[test]
    fn the_same_inputs_unwrap() {
        let key = unwrap_file_key(&[1; 32], &[2; 32], b"label", &stream(3), b"aad", &wrapped()).unwrap();
        assert_eq!(key.expose(), &[4; 32]);
    }

    #[test]
    fn each_changed_input_is_refused() {
        let open = |kek: u8, salt: u8, label: &[u8], of: u8, aad: &[u8], wrap: &[u8; 80]| {
            unwrap_file_key(&[kek; 32], &[salt; 32], label, &stream(of), aad, wrap).unwrap_err()
        };
        let wrap = wrapped();
        assert_eq!(open(9, 2, b"label", 3, b"aad", &wrap), UnwrapError::WrongKey);
        assert_eq!(open(1, 9, b"label", 3, b"aad", &wrap), UnwrapError::WrongKey);
        assert_eq!(open(1, 2, b"other", 3, b"aad", &wrap), UnwrapError::WrongKey);
        assert_eq!(open(1, 2, b"label", 9, b"aad", &wrap), UnwrapError::WrongKey);
        assert_eq!(open(1, 2, b"label", 3, b"daa", &wrap), UnwrapError::Tampered);
        for at in 0..80 {
            let mut changed = wrap;
            changed[at] ^= 1;
            let expected = if at < 48 {
                UnwrapError::Tampered
            } else {
                UnwrapError::WrongKey
            };
            assert_eq!(open(1, 2, b"label", 3, b"aad", &changed), expected, "byte {at}");
        }
    }
}
