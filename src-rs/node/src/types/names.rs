//! Words and small values that cross in both directions.

use napi_derive::napi;
use sealstream::format::{DigestKind, SlotType};
use sealstream::keys::PassphraseCost;

/// The digest behind each segment, by which anyone can tell rot, without a key.
#[napi(string_enum)]
#[derive(Clone, Copy)]
pub enum DigestName {
    /// None.
    #[napi(value = "none")]
    None,
    /// CRC-64/NVME.
    #[napi(value = "crc64-nvme")]
    Crc64Nvme,
    /// SHA-256.
    #[napi(value = "sha256")]
    Sha256,
    /// SHA-512.
    #[napi(value = "sha512")]
    Sha512,
    /// BLAKE3.
    #[napi(value = "blake3")]
    Blake3,
}

impl From<DigestName> for DigestKind {
    fn from(name: DigestName) -> Self {
        match name {
            DigestName::None => Self::None,
            DigestName::Crc64Nvme => Self::Crc64Nvme,
            DigestName::Sha256 => Self::Sha256,
            DigestName::Sha512 => Self::Sha512,
            DigestName::Blake3 => Self::Blake3,
        }
    }
}

impl From<DigestKind> for DigestName {
    fn from(kind: DigestKind) -> Self {
        match kind {
            DigestKind::None => Self::None,
            DigestKind::Crc64Nvme => Self::Crc64Nvme,
            DigestKind::Sha256 => Self::Sha256,
            DigestKind::Sha512 => Self::Sha512,
            DigestKind::Blake3 => Self::Blake3,
        }
    }
}

/// A type of key slots that this release can open.
#[napi(string_enum)]
#[derive(Clone, Copy)]
pub enum SlotTypeName {
    /// A 32-byte key.
    #[napi(value = "key")]
    Key,
    /// A passphrase.
    #[napi(value = "passphrase")]
    Passphrase,
    /// An X25519 key pair.
    #[napi(value = "x25519")]
    X25519,
    /// A key service.
    #[napi(value = "provider")]
    Provider,
    /// A post-quantum hybrid key pair.
    #[napi(value = "hybrid")]
    Hybrid,
}

impl From<SlotTypeName> for SlotType {
    fn from(name: SlotTypeName) -> Self {
        match name {
            SlotTypeName::Key => Self::Key,
            SlotTypeName::Passphrase => Self::Passphrase,
            SlotTypeName::X25519 => Self::X25519,
            SlotTypeName::Provider => Self::Provider,
            SlotTypeName::Hybrid => Self::Hybrid,
        }
    }
}

/// What every attempt with a passphrase costs.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct PassphraseStrength {
    /// Memory, in KiB: at least 8 for each lane.
    #[napi(js_name = "memoryKiB")]
    pub memory_kib: u32,
    /// Passes over that memory, at least 1.
    pub passes: u32,
    /// Lanes that can be worked on side by side, at least 1.
    pub lanes: u32,
}

impl From<PassphraseCost> for PassphraseStrength {
    fn from(cost: PassphraseCost) -> Self {
        Self {
            memory_kib: cost.memory_kib(),
            passes: cost.passes(),
            lanes: cost.lanes(),
        }
    }
}

/// The strengths that have a name.
#[napi(object, object_from_js = false)]
pub struct PassphraseStrengths {
    /// Where somebody waits for every file.
    pub interactive: PassphraseStrength,
    /// Unless told otherwise.
    pub default: PassphraseStrength,
    /// Where there is time and memory.
    pub sensitive: PassphraseStrength,
}

/// The strengths that have a name.
#[napi]
#[must_use]
pub fn passphrase_strengths() -> PassphraseStrengths {
    PassphraseStrengths {
        interactive: PassphraseCost::INTERACTIVE.into(),
        default: PassphraseCost::default().into(),
        sensitive: PassphraseCost::SENSITIVE.into(),
    }
}
