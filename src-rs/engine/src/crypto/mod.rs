//! Cryptographic primitives. No other module uses `ring`, `argon2` or `hpke`.
//!
//! The module works on keys and bytes. It does no IO, starts no threads and knows no wire layout but the FLOE header, which is part
//! of FLOE.

mod aead;
mod argon2;
mod crc64;
mod digest;
mod ed25519;
pub mod floe;
mod hpke;
mod kdf;
mod random;
mod sealed_extension;
mod secret;
mod stack_overwrite;
mod stream_keys;
mod wrap;

#[cfg(test)]
mod tests;

pub use aead::{FRAME_IV_SIZE, FRAME_TAG_SIZE, FrameIv, FrameKey};
pub use argon2::argon2id;
pub use crc64::{Crc64, Crc64Joiner};
pub use digest::SegmentHasher;
pub use ed25519::{
    ED25519_PUBLIC_SIZE, ED25519_SIGNATURE_SIZE, Ed25519Key, is_acceptable_ed25519_key, verify_ed25519,
};
pub use hpke::{
    Kem, SEALED_KEY_SIZE, SealedKey, X25519, X25519_SIZE, XWING_ENCAPSULATED_SIZE, XWING_PUBLIC_SIZE, XWing,
};
pub use kdf::{MacKey, RunningMac};
pub use random::Random;
pub use sealed_extension::{ExtensionKeys, sealed_extension_size};
pub use secret::{FileKey, SecretKey, SecretKeyError};
pub use stack_overwrite::overwrite_stack;
pub use stream_keys::{
    EndKey, EndPurpose, HeaderPurpose, JournalKey, JournalPurpose, PartKey, PartPurpose, PayloadKey,
    StreamBinding, StreamKeys,
};
pub use wrap::{UnwrapError, unwrap_file_key, wrap_file_key};

/// Failure of a primitive. It tells no more than the primitive does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The tag does not belong to these bytes under this key at this position.
    #[error("the authentication tag does not match")]
    TagMismatch,
    /// The operating system's random generator failed.
    #[error("the system's random generator failed")]
    RandomUnavailable,
    /// The input is too long for the primitive. No input that the format allows is.
    #[error("the input is longer than the primitive allows")]
    InputTooLong,
    /// The system has too little memory or no threads to stretch a passphrase.
    #[error("the system has too little memory, or no threads, to stretch the passphrase")]
    OutOfResources,
    /// The container that the process runs in has too little memory to stretch a passphrase.
    #[error(
        "the passphrase needs {needed_kib} KiB of memory, and this container has {available_kib} KiB left; give it more memory"
    )]
    MemoryLimit {
        /// Memory of the passphrase's cost, in KiB.
        needed_kib: u64,
        /// Memory that the container's limit leaves, in KiB.
        available_kib: u64,
    },
    /// The caller cancelled the operation.
    #[error("the operation was cancelled")]
    Cancelled,
    /// Key agreement with this public key gives no shared secret.
    #[error("the public key is invalid: key agreement with it gives no shared secret")]
    UnusablePublicKey,
}
