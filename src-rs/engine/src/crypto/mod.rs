//! Primitives, and the only module that names `ring`, `argon2` or `hpke`.
//!
//! It knows keys and bytes: no files, no threads, no wire layout beyond the FLOE header, which is part of FLOE.

mod aead;
mod argon2;
mod crc64;
mod digest;
pub mod floe;
mod hpke;
mod kdf;
mod random;
mod secret;
mod stack;
mod stream_keys;
mod wrap;

pub use aead::{FRAME_IV_SIZE, FRAME_TAG_SIZE, FrameIv, FrameKey};
pub use argon2::argon2id;
pub use crc64::{Crc64, Crc64Joiner};
pub use digest::{DigestValue, SegmentHasher};
pub use hpke::{
    Kem, SEALED_KEY_SIZE, SealedKey, X25519, X25519_SIZE, XWING_ENCAPSULATED_SIZE, XWING_PUBLIC_SIZE, XWing,
};
pub use kdf::RunningMac;
pub use random::Random;
pub use secret::{FileKey, SecretKey, SecretKeyError};
pub use stack::overwrite_stack;
pub use stream_keys::{EndKey, JournalKey, PayloadKey, StreamKeys};
pub use wrap::{UnwrapError, unwrap_file_key, wrap_file_key};

/// What can go wrong in a primitive. Like the primitive, it doesn't say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The tag is not that of these bytes under this key at this position.
    #[error("the authentication tag does not match")]
    TagMismatch,
    /// The operating system gave no random bytes.
    #[error("the system's random generator failed")]
    RandomUnavailable,
    /// A primitive refused its input's length; no input of a size that the format allows does that.
    #[error("the input is longer than the primitive allows")]
    InputTooLong,
    /// The system gave too little memory or no threads to stretch a passphrase.
    #[error("the system has too little memory, or no threads, to stretch the passphrase")]
    OutOfResources,
    /// No secret can be shared with a public key.
    #[error("the public key is not one that a secret can be shared with")]
    UnusablePublicKey,
}
