//! Key bytes that overwrite themselves when dropped and can't be printed.

use super::{CryptoError, Random};
use std::fmt;
use zeroize::Zeroizing;

/// The user's own 32-byte key. It wraps file keys and encrypts nothing else.
pub struct SecretKey(Secret);

impl SecretKey {
    /// A new key from the system's generator.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = Secret::default();
        Random::system().fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Takes exactly 32 bytes. The caller overwrites its own copy.
    ///
    /// # Errors
    /// Any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretKeyError> {
        match bytes.try_into() {
            Ok(bytes) => Ok(Self(held(bytes))),
            Err(_) => Err(SecretKeyError { length: bytes.len() }),
        }
    }

    /// The key's bytes. Never log or keep them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Clone for SecretKey {
    fn clone(&self) -> Self {
        Self(held(&self.0))
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
    /// Bytes that were given.
    pub length: usize,
}

/// The random key of one stream, from which all its other keys are derived.
pub struct FileKey(Secret);

impl FileKey {
    /// Takes the bytes; the caller overwrites its own copy.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(held(bytes))
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Clone for FileKey {
    fn clone(&self) -> Self {
        Self(held(&self.0))
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[FileKey]")
    }
}

/// In a place of its own, since whatever is moved about leaves copies where it was.
type Secret = Box<Zeroizing<[u8; 32]>>;

fn held(bytes: &[u8; 32]) -> Secret {
    let mut secret = Secret::default();
    secret.copy_from_slice(bytes);
    secret
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
    fn only_32_bytes_are_a_key() {
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
