//! Key pairs. Their text form is that of age, so that one pair works with both tools.

use super::bech32;
use crate::crypto::{
    CryptoError, Kem, SecretKey, X25519, X25519_SIZE, XWING_ENCAPSULATED_SIZE, XWING_PUBLIC_SIZE, XWing,
};
use std::fmt;
use std::marker::PhantomData;
use zeroize::Zeroizing;

/// Why a text is not a key of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyPairTextError {
    /// It is not such a key, or has a typing error.
    #[error("expected a key such as {prefix}1…; the text is not such a key, or not complete")]
    NotAKey {
        /// The expected Bech32 prefix.
        prefix: &'static str,
    },
    /// Nothing can be sealed for this public key.
    #[error("the public key is invalid: key agreement with it gives no shared secret")]
    Unusable,
}

/// A public key: a stream sealed for it opens with the secret key alone.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey<K, const P: usize, const E: usize>(Box<[u8; P]>, PhantomData<K>);

/// An X25519 public key. What is sealed for it is not safe from quantum computers.
pub type X25519Recipient = PublicKey<X25519, X25519_SIZE, X25519_SIZE>;
/// A public key of X-Wing, which is ML-KEM-768 together with X25519: secure as long as one of the two is.
pub type HybridRecipient = PublicKey<XWing, XWING_PUBLIC_SIZE, XWING_ENCAPSULATED_SIZE>;

impl<K: KeyText + Kem<P, E>, const P: usize, const E: usize> PublicKey<K, P, E> {
    /// Takes the public key's bytes.
    ///
    /// # Errors
    /// [`KeyPairTextError::Unusable`].
    pub fn from_bytes(bytes: &[u8; P]) -> Result<Self, KeyPairTextError> {
        if K::is_usable(bytes) {
            Ok(Self(Box::new(*bytes), PhantomData))
        } else {
            Err(KeyPairTextError::Unusable)
        }
    }

    /// Reads the public key's text, which starts with [`KeyText::PUBLIC_PREFIX`] and `1`.
    ///
    /// # Errors
    /// See [`KeyPairTextError`].
    pub fn from_text(text: &str) -> Result<Self, KeyPairTextError> {
        let prefix = K::PUBLIC_PREFIX;
        match bech32::decode(prefix, text) {
            Some(bytes) => Self::from_bytes(&bytes),
            None => Err(KeyPairTextError::NotAKey { prefix }),
        }
    }

    /// The public key's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; P] {
        &self.0
    }
}

impl<K: KeyText, const P: usize, const E: usize> fmt::Display for PublicKey<K, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode(K::PUBLIC_PREFIX, self.0.as_slice()).ok_or(fmt::Error)?)
    }
}

impl<K: KeyText, const P: usize, const E: usize> fmt::Debug for PublicKey<K, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The secret key of a pair, overwritten when dropped.
#[derive(Clone, Debug)]
pub struct PrivateKey<K, const P: usize, const E: usize>(SecretKey, PhantomData<K>);

/// The secret key of an [`X25519Recipient`].
pub type X25519Identity = PrivateKey<X25519, X25519_SIZE, X25519_SIZE>;
/// The secret key of a [`HybridRecipient`].
pub type HybridIdentity = PrivateKey<XWing, XWING_PUBLIC_SIZE, XWING_ENCAPSULATED_SIZE>;

impl<K: KeyText + Kem<P, E>, const P: usize, const E: usize> PrivateKey<K, P, E> {
    /// Generates a key pair with the system's random generator.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn generate() -> Result<Self, CryptoError> {
        Ok(Self(SecretKey::generate()?, PhantomData))
    }

    /// Reads the secret key's text, which starts with [`KeyText::SECRET_PREFIX`] and `1`. The caller overwrites its own copy.
    ///
    /// # Errors
    /// [`KeyPairTextError::NotAKey`], which holds nothing of the text.
    pub fn from_text(text: &str) -> Result<Self, KeyPairTextError> {
        let prefix = K::SECRET_PREFIX;
        bech32::decode::<32>(prefix, text)
            .and_then(|bytes| SecretKey::from_bytes(bytes.as_slice()).ok())
            .map(|key| Self(key, PhantomData))
            .ok_or(KeyPairTextError::NotAKey { prefix })
    }

    /// The secret key's text. Never log it.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let prefix = K::SECRET_PREFIX.to_ascii_lowercase();
        let mut text = bech32::encode(&prefix, self.expose()).unwrap_or_default();
        text.make_ascii_uppercase();
        text
    }

    /// The public key of the pair.
    #[must_use]
    pub fn recipient(&self) -> PublicKey<K, P, E> {
        PublicKey(Box::new(K::public_key(self.expose())), PhantomData)
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// The Bech32 prefixes of a kind of key pair.
pub trait KeyText {
    /// Of public keys.
    const PUBLIC_PREFIX: &'static str;
    /// Of secret keys.
    const SECRET_PREFIX: &'static str;
}

impl KeyText for X25519 {
    const PUBLIC_PREFIX: &'static str = "age";
    const SECRET_PREFIX: &'static str = "AGE-SECRET-KEY-";
}

impl KeyText for XWing {
    const PUBLIC_PREFIX: &'static str = "age1pq";
    const SECRET_PREFIX: &'static str = "AGE-SECRET-KEY-PQ-";
}
