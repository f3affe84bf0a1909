//! A record's digest, by which damage is found without a key.

use super::Crc64;
use crate::format::{DigestKind, DigestValue};
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

#[cfg(test)]
mod tests {
    use super::*;

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
