//! Names of algorithms and slot types, and the strengths of passphrases.

use crate::types::convert::{IntoJs, names, object};
use napi_derive::napi;
use sealstream::format;
use sealstream::format::DigestKind;
use sealstream::keys::PassphraseCost;

names! {
    /// The digest after each segment. It detects damage without a key.
    DigestName from DigestKind {
        /// None.
        None = "none",
        /// CRC-64/NVME.
        Crc64Nvme = "crc64-nvme",
        /// SHA-256.
        Sha256 = "sha256",
        /// SHA-512.
        Sha512 = "sha512",
        /// BLAKE3.
        Blake3 = "blake3",
    }
}

names! {
    /// A type of key slot that this release can open.
    SlotType into format::SlotType {
        /// A 32-byte key.
        Key = "key",
        /// A passphrase.
        Passphrase = "passphrase",
        /// An X25519 key pair.
        X25519 = "x25519",
        /// A provider.
        Provider = "provider",
        /// A post-quantum hybrid key pair.
        Hybrid = "hybrid",
    }
}

/// The cost of every attempt with a passphrase.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct PassphraseParameters {
    /// Memory, in KiB: at least 8 for each lane.
    #[napi(js_name = "memoryKiB")]
    pub memory_kib: u32,
    /// Passes over that memory, at least 1.
    pub passes: u32,
    /// Lanes that can be computed in parallel, at least 1.
    pub lanes: u32,
}

impl IntoJs<PassphraseParameters> for PassphraseCost {
    fn into_js(self) -> PassphraseParameters {
        PassphraseParameters {
            memory_kib: self.memory_kib(),
            passes: self.passes(),
            lanes: self.lanes(),
        }
    }
}

object! {
    /// The strengths that have a name.
    PassphraseStrengths from _engine: () {
        /// For files that a person waits for.
        interactive: PassphraseParameters = PassphraseCost::INTERACTIVE,
        /// The default.
        default: PassphraseParameters = PassphraseCost::default(),
        /// For secrets that justify more time and memory.
        sensitive: PassphraseParameters = PassphraseCost::SENSITIVE,
    }
}

/// The strengths that have a name.
#[napi]
#[must_use]
pub fn passphrase_strengths() -> PassphraseStrengths {
    ().into()
}
