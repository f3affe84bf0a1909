//! Secret keys, which are overwritten when dropped and never printed.

use super::{CryptoError, Random};
use std::fmt;
use zeroize::Zeroizing;

/// The user's own 32-byte key. It wraps file keys and encrypts nothing else.
#[derive(Clone)]
pub struct SecretKey(Secret);

impl SecretKey {
    /// A new key from the system's generator.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = Secret::default();
        Random::system().fill(bytes.0.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Copies exactly 32 bytes. The caller overwrites its own copy.
    ///
    /// # Errors
    /// `bytes` has another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretKeyError> {
        match bytes.try_into() {
            Ok(bytes) => Ok(Self(Secret::copy_of(bytes))),
            Err(_) => Err(SecretKeyError { length: bytes.len() }),
        }
    }

    /// The key's bytes. Never log or keep them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[SecretKey]")
    }
}

/// Key bytes of a wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 32 bytes, not {length}")]
pub struct SecretKeyError {
    /// The given number of bytes.
    pub length: usize,
}

/// The random key of one stream, from which all its other keys are derived.
#[derive(Clone)]
pub struct FileKey(Secret);

impl FileKey {
    /// Copies the bytes. The caller overwrites its own copy.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Secret::copy_of(bytes))
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[FileKey]")
    }
}

/// On the heap, because moving a value on the stack leaves copies behind.
#[derive(Default)]
struct Secret(Box<Zeroizing<[u8; 32]>>);

impl Secret {
    fn copy_of(bytes: &[u8; 32]) -> Self {
        let mut secret = Self::default();
        secret.0.copy_from_slice(bytes);
        secret
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self::copy_of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_print() {
        let key = SecretKey::from_bytes(&[0xab; 32]).unwrap();
        assert_eq!(
            format!("{key:?} {:?}", FileKey::new(&[0xab; 32])),
            "[SecretKey] [FileKey]"
        );
    }

    #[test]
    fn a_key_has_exactly_32_bytes() {
        for length in [0, 31, 33, 64] {
            assert_eq!(
                SecretKey::from_bytes(&vec![0; length]).unwrap_err(),
                SecretKeyError { length }
            );
        }
    }

    #[test]
    fn two_generated_keys_differ() {
        assert_ne!(
            SecretKey::generate().unwrap().expose(),
            SecretKey::generate().unwrap().expose()
        );
    }
}
