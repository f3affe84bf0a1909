//! Digest and checksum of a record.

use crate::crypto::{Crc64, SegmentHasher};
use crate::format::{DigestKind, DigestValue};

/// Computes a record's digest and, on request, the CRC-64/NVME of the whole record with its digest.
#[derive(Clone, Debug)]
pub(super) struct RecordHasher {
    hasher: SegmentHasher,
    /// `None` if the CRC-64 is not wanted, or is the digest.
    crc64: Option<Crc64>,
}

impl RecordHasher {
    pub(super) fn new(digest: DigestKind) -> Self {
        Self {
            hasher: SegmentHasher::new(digest),
            crc64: None,
        }
    }

    pub(super) fn with_crc64(digest: DigestKind) -> Self {
        let hasher = SegmentHasher::new(digest);
        let crc64 = hasher.crc64().is_none().then(Crc64::default);
        Self { hasher, crc64 }
    }

    /// Adds bytes in front of the digest.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.crc64.iter_mut().for_each(|crc| crc.update(bytes));
    }

    /// The digest, and the CRC-64 of all bytes and the digest; 0 if it was not computed.
    pub(super) fn finish(self) -> (DigestValue, u64) {
        let running = self.crc64.or(self.hasher.crc64());
        let digest = self.hasher.finish();
        let crc64 = running.map_or(0, |mut crc| {
            crc.update(digest.as_bytes());
            crc.value()
        });
        (digest, crc64)
    }
}
