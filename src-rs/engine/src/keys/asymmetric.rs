//! Key pairs: what is sealed for a public key opens with the secret one alone. Their texts are age's, so that one pair serves
//! both.

use super::bech32;
use crate::crypto::{
    CryptoError, Kem, SecretKey, X25519, X25519_SIZE, XWING_ENCAPSULATED_SIZE, XWING_PUBLIC_SIZE, XWing,
};
use std::fmt;
use zeroize::Zeroizing;

/// A text that is not the key that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairTextError {
    /// It is none, or has a mistake in it.
    #[error("expected a key such as {expected}…; this is none, or not all of it")]
    NotAKey {
        /// How such keys begin.
        expected: &'static str,
    },
    /// It is a key for which nothing can be sealed.
    #[error("no secret can be shared with this public key")]
    Unusable,
}

macro_rules! key_pair {
    (
        $kem:ty, $public_size:expr, $encapsulated_size:expr;
        $(#[$recipient_doc:meta])* $recipient:ident, $public_prefix:literal;
        $(#[$identity_doc:meta])* $identity:ident, $secret_prefix:literal;
    ) => {
        $(#[$recipient_doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $recipient(Box<[u8; $public_size]>);

        impl $recipient {
            /// Takes the public key's bytes.
            ///
            /// # Errors
            /// [`PairTextError::Unusable`].
            pub fn from_bytes(bytes: &[u8; $public_size]) -> Result<Self, PairTextError> {
                if <$kem as Kem<$public_size, $encapsulated_size>>::is_usable(bytes) {
                    Ok(Self(Box::new(*bytes)))
                } else {
                    Err(PairTextError::Unusable)
                }
            }

            #[doc = concat!("Reads `", $public_prefix, "1…`.")]
            ///
            /// # Errors
            /// See [`PairTextError`].
            pub fn from_text(text: &str) -> Result<Self, PairTextError> {
                let expected = concat!($public_prefix, "1");
                match bech32::decode($public_prefix, text) {
                    Some(bytes) => Self::from_bytes(&bytes),
                    None => Err(PairTextError::NotAKey { expected }),
                }
            }

            /// The public key's bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $public_size] {
                &self.0
            }
        }

        impl fmt::Display for $recipient {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = bech32::encode($public_prefix, self.as_bytes()).ok_or(fmt::Error)?;
                f.write_str(&text)
            }
        }

        impl fmt::Debug for $recipient {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        $(#[$identity_doc])*
        #[derive(Clone, Debug)]
        pub struct $identity(SecretKey);

        impl $identity {
            /// A new pair from the system's generator.
            ///
            /// # Errors
            /// [`CryptoError::RandomUnavailable`].
            pub fn generate() -> Result<Self, CryptoError> {
                SecretKey::generate().map(Self)
            }

            #[doc = concat!("Reads `", $secret_prefix, "1…`. The caller overwrites its own copy.")]
            ///
            /// # Errors
            /// [`PairTextError::NotAKey`], which holds nothing of the text.
            pub fn from_text(text: &str) -> Result<Self, PairTextError> {
                let expected = concat!($secret_prefix, "1");
                bech32::decode::<32>($secret_prefix, text)
                    .and_then(|bytes| SecretKey::from_bytes(bytes.as_slice()).ok())
                    .map(Self)
                    .ok_or(PairTextError::NotAKey { expected })
            }

            #[doc = concat!("The secret key as `", $secret_prefix, "1…`. Never log it.")]
            #[must_use]
            pub fn to_text(&self) -> Zeroizing<String> {
                let mut text = bech32::encode(&$secret_prefix.to_ascii_lowercase(), self.expose())
                    .unwrap_or_default();
                text.make_ascii_uppercase();
                text
            }

            /// The public key, for which to seal.
            #[must_use]
            pub fn recipient(&self) -> $recipient {
                let public = <$kem as Kem<$public_size, $encapsulated_size>>::public_key(self.expose());
                $recipient(Box::new(public))
            }

            pub(super) fn expose(&self) -> &[u8; 32] {
                self.0.expose()
            }
        }
    };
}

key_pair! {
    X25519, X25519_SIZE, X25519_SIZE;
    /// An X25519 public key. What is sealed for it is not safe from quantum computers.
    X25519Recipient, "age";
    /// An X25519 secret key, overwritten when dropped.
    X25519Identity, "AGE-SECRET-KEY-";
}

key_pair! {
    XWing, XWING_PUBLIC_SIZE, XWING_ENCAPSULATED_SIZE;
    /// A public key of X-Wing, which is ML-KEM-768 beside X25519: safe as long as either of the two is.
    HybridRecipient, "age1pq";
    /// A secret key of X-Wing, overwritten when dropped.
    HybridIdentity, "AGE-SECRET-KEY-PQ-";
}
