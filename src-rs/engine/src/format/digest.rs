//! The digest behind each record.

use std::fmt;

/// The digest behind each record. It detects damage without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DigestKind {
    /// No digest: damage and tampering look the same.
    None,
    /// CRC-64/NVME, 8 bytes. The default: as fast as memory, and the checksum of object stores.
    #[default]
    Crc64Nvme,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
    /// BLAKE3, 32 bytes.
    Blake3,
}

impl DigestKind {
    /// Every kind, in the order of its number on the wire.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Crc64Nvme,
        Self::Sha256,
        Self::Sha512,
        Self::Blake3,
    ];

    /// Bytes of the digest on the wire.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::None => 0,
            Self::Crc64Nvme => 8,
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Whether two different records with one digest can't be made, so that a signature over digests is one over records.
    #[must_use]
    pub const fn is_collision_resistant(self) -> bool {
        matches!(self, Self::Sha256 | Self::Sha512 | Self::Blake3)
    }

    pub(super) const fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl fmt::Display for DigestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Crc64Nvme => "crc64-nvme",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        })
    }
}

const _: () = {
    let mut number = 0;
    while number < DigestKind::ALL.len() {
        assert!(DigestKind::ALL[number].size() <= MAX_DIGEST_SIZE);
        number += 1;
    }
};

/// A finished digest of at most [`MAX_DIGEST_SIZE`] bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DigestValue {
    bytes: [u8; MAX_DIGEST_SIZE],
    length: u8,
}

impl DigestValue {
    /// The digest of streams without digests.
    pub const NONE: Self = Self {
        bytes: [0; MAX_DIGEST_SIZE],
        length: 0,
    };

    /// Takes the digest's bytes. More than [`MAX_DIGEST_SIZE`] bytes are no digest: the value then differs from every
    /// digest of a [`DigestKind`].
    #[must_use]
    pub fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; MAX_DIGEST_SIZE];
        let copied = digest.len().min(MAX_DIGEST_SIZE);
        bytes[..copied].copy_from_slice(&digest[..copied]);
        Self {
            bytes,
            length: u8::try_from(digest.len()).unwrap_or(u8::MAX),
        }
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length).min(MAX_DIGEST_SIZE)]
    }
}

impl fmt::Debug for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Bytes of the largest digest.
pub const MAX_DIGEST_SIZE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_bytes_equal_no_digest() {
        let digest = DigestValue::new(&[1; MAX_DIGEST_SIZE]);
        assert_ne!(DigestValue::new(&[1; MAX_DIGEST_SIZE + 1]), digest);
    }
}
