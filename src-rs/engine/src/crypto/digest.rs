//! A record's digest, by which damage is found without a key.

use super::Crc64;
use crate::format::{DigestKind, MAX_DIGEST_SIZE};
use ring::digest;
use std::fmt;

/// A running digest of any kind.
#[derive(Clone)]
pub enum SegmentHasher {
    /// No digest.
    None,
    /// CRC-64/NVME.
    Crc64(Crc64),
    /// SHA-256 or SHA-512.
    Sha2(digest::Context),
    /// BLAKE3; its state is large.
    Blake3(Box<blake3::Hasher>),
}

impl SegmentHasher {
    /// Starts a digest.
    #[must_use]
    pub fn new(kind: DigestKind) -> Self {
        match kind {
            DigestKind::None => Self::None,
            DigestKind::Crc64Nvme => Self::Crc64(Crc64::default()),
            DigestKind::Sha256 => Self::Sha2(digest::Context::new(&digest::SHA256)),
            DigestKind::Sha512 => Self::Sha2(digest::Context::new(&digest::SHA512)),
            DigestKind::Blake3 => Self::Blake3(Box::default()),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Crc64(crc) => crc.update(bytes),
            Self::Sha2(context) => context.update(bytes),
            Self::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    /// The running CRC-64, if that is the digest: a caller that also needs the CRC then does not compute it twice.
    #[must_use]
    pub const fn crc64(&self) -> Option<Crc64> {
        match self {
            Self::Crc64(crc) => Some(*crc),
            _ => None,
        }
    }

    /// The digest of all bytes.
    #[must_use]
    pub fn finish(self) -> DigestValue {
        match self {
            Self::None => DigestValue::new(&[]),
            Self::Crc64(crc) => DigestValue::new(&crc.value().to_be_bytes()),
            Self::Sha2(context) => DigestValue::new(context.finish().as_ref()),
            Self::Blake3(hasher) => DigestValue::new(hasher.finalize().as_bytes()),
        }
    }
}

impl fmt::Debug for SegmentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentHasher")
    }
}

/// A finished digest of at most [`MAX_DIGEST_SIZE`] bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DigestValue {
    bytes: [u8; MAX_DIGEST_SIZE],
    length: usize,
}

impl DigestValue {
    /// Takes the digest's bytes. More than [`MAX_DIGEST_SIZE`] bytes are no digest: the value then differs from every
    /// digest of a [`DigestKind`].
    #[must_use]
    pub fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; MAX_DIGEST_SIZE];
        let copied = digest.len().min(MAX_DIGEST_SIZE);
        bytes[..copied].copy_from_slice(&digest[..copied]);
        Self {
            bytes,
            length: digest.len(),
        }
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length.min(MAX_DIGEST_SIZE)]
    }
}

impl fmt::Debug for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_bytes_equal_no_digest() {
        let digest = DigestValue::new(&[1; MAX_DIGEST_SIZE]);
        assert_ne!(DigestValue::new(&[1; MAX_DIGEST_SIZE + 1]), digest);
    }

    #[test]
    fn each_kind_gives_the_published_value_of_abc() {
        let value = |kind| {
            let mut hasher = SegmentHasher::new(kind);
            hasher.update(b"a");
            hasher.update(b"bc");
            format!("{:?}", hasher.finish())
        };
        assert_eq!(value(DigestKind::None), "");
        assert_eq!(
            value(DigestKind::Crc64Nvme),
            format!("{:016x}", Crc64::of(b"abc"))
        );
        assert!(value(DigestKind::Sha256).starts_with("ba7816bf8f01cfea"));
        assert!(value(DigestKind::Sha512).starts_with("ddaf35a193617aba"));
        assert!(value(DigestKind::Blake3).starts_with("6437b3ac38465133"));
        for kind in DigestKind::ALL {
            assert_eq!(value(kind).len(), 2 * kind.size());
        }
    }
}
