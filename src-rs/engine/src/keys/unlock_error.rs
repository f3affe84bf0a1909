//! Why no key slot opened.

use super::MAX_PASSPHRASE_LANES;
use crate::crypto::CryptoError;

/// Why no key slot opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// No slot belongs to a given identity.
    #[error("none of the header's key slots opens with the given keys")]
    NoMatch,
    /// As `NoMatch`, and only passphrases could be tried.
    #[error("none of the header's passphrase slots opens with the passphrase")]
    WrongPassphrase,
    /// A slot belongs to a given identity, but was changed.
    #[error("a key slot was changed")]
    Tampered,
    /// A passphrase slot takes more memory than the limit.
    #[error("a passphrase slot takes {value} KiB of memory, more than {maximum}")]
    PassphraseMemory {
        /// The limit.
        maximum: u64,
        /// Its memory.
        value: u64,
    },
    /// The passphrase slots cost more than the limit.
    #[error("the passphrase slots cost {value} KiB times passes, more than {maximum}")]
    PassphraseCost {
        /// The limit.
        maximum: u64,
        /// Their total cost.
        value: u64,
    },
    /// A passphrase slot has more lanes than [`MAX_PASSPHRASE_LANES`].
    #[error("a passphrase slot has {lanes} lanes, more than {MAX_PASSPHRASE_LANES}")]
    PassphraseLanes {
        /// The slot's lanes.
        lanes: u32,
    },
    /// The headers have more slots for key pairs than are tried.
    #[error("more than {maximum} attempts to open slots for key pairs")]
    KeyAttempts {
        /// The limit.
        maximum: u64,
        /// Attempts that all headers up to this one take.
        value: u64,
    },
    /// A primitive failed, or the caller cancelled.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
