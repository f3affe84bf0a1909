//! Receipts of parts: the end of a stream can be written without reading the records that others sealed (docs/FORMAT.md, "Parts").
//!
//! A part is a run of whole records of a stream of known length. Everyone who can open the header can seal one.

#[cfg(test)]
mod tests;

use crate::crypto::PartKey;
use crate::format::{Geometry, Manifest, SegmentIndex, StreamCore, manifest_entry_size};
use std::collections::BTreeMap;

/// The records of one part, as its maker vouches for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The first segment of the part.
    pub first: SegmentIndex,
    /// Plaintext bytes of the part's last segment.
    pub last_plaintext_size: u32,
    /// The manifest's entries of the part's records, at least one.
    pub entries: Manifest,
}

/// Why a receipt was refused, or the receipts do not make a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The bytes are no receipt for a stream with this digest, or have a wrong length.
    #[error("these bytes are no receipt of a part of this stream")]
    Malformed,
    /// The receipt is of another stream.
    #[error("the receipt is of another stream")]
    OtherStream,
    /// The receipt was changed, or made with another key.
    #[error("the receipt's authentication code does not match")]
    Tampered,
    /// The part has a segment that the stream has not, or with another size.
    #[error("the receipt states segment {segment} with a size that it has not in this stream")]
    Size {
        /// The first such segment.
        segment: SegmentIndex,
    },
    /// Two receipts cover the same segment.
    #[error("two receipts cover segment {segment}; use the one whose bytes were stored")]
    CoveredTwice {
        /// The first such segment.
        segment: SegmentIndex,
    },
    /// No receipt covers a segment.
    #[error("no receipt covers segment {segment}")]
    Missing {
        /// The first such segment.
        segment: SegmentIndex,
    },
}

impl Receipt {
    /// The receipt's bytes, for the writer of the end record.
    #[must_use]
    pub fn encode(&self, stream_id: &[u8; 32], key: &PartKey) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED_SIZE + self.entries.as_bytes().len() + MAC_SIZE);
        out.extend_from_slice(&MARKER);
        out.extend_from_slice(stream_id);
        out.extend_from_slice(&self.first.get().to_be_bytes());
        out.extend_from_slice(&(self.entries.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.last_plaintext_size.to_be_bytes());
        out.extend_from_slice(self.entries.as_bytes());
        let mac = key.sign(&out);
        out.extend_from_slice(&mac);
        out
    }

    /// Parses a receipt and checks it against the stream with this core, whose length must be known.
    ///
    /// # Errors
    /// All but `CoveredTwice` and `Missing`, in the order of [`ReceiptError`].
    pub fn parse(bytes: &[u8], core: &StreamCore, key: &PartKey) -> Result<Self, ReceiptError> {
        let malformed = ReceiptError::Malformed;
        let geometry = &core.geometry;
        let total = core.plaintext_size.ok_or_else(|| malformed.clone())?;
        let (covered, mac) = bytes
            .split_last_chunk::<MAC_SIZE>()
            .ok_or_else(|| malformed.clone())?;
        let (fixed, entries) = covered
            .split_first_chunk::<FIXED_SIZE>()
            .ok_or_else(|| malformed.clone())?;
        let rest = fixed.strip_prefix(&MARKER).ok_or_else(|| malformed.clone())?;
        let (stream_id, rest) = rest.split_at(32);
        let first = number(&rest[..8]);
        let count = number(&rest[8..12]);
        let last_plaintext_size = number(&rest[12..]) as u32;
        let size = count.checked_mul(manifest_entry_size(geometry.digest()) as u64);
        if count == 0 || size != Some(entries.len() as u64) {
            return Err(malformed);
        }
        if stream_id != core.stream_id {
            return Err(ReceiptError::OtherStream);
        }
        if !key.verify(covered, mac) {
            return Err(ReceiptError::Tampered);
        }
        let receipt = Self {
            first: SegmentIndex::new(first),
            last_plaintext_size,
            entries: Manifest::of_bytes(geometry.digest(), entries.to_vec()),
        };
        receipt.check_sizes(geometry, total)?;
        Ok(receipt)
    }

    /// Checks that the stream has these segments, with these sizes.
    fn check_sizes(&self, geometry: &Geometry, total: u64) -> Result<(), ReceiptError> {
        let segments = geometry.segment_count(total);
        let mut last = None;
        for (index, entry) in (0..).zip(self.entries.iter()) {
            let index = self
                .first
                .get()
                .checked_add(index)
                .filter(|&index| index < segments);
            let segment = SegmentIndex::new(index.unwrap_or(segments));
            let plaintext_size = geometry.segment_plaintext(total, segment);
            if index.is_none() || u64::from(entry.wire_size) != geometry.record_size(plaintext_size) {
                return Err(ReceiptError::Size { segment });
            }
            last = Some((segment, plaintext_size));
        }
        match last {
            Some((segment, size)) if size != self.last_plaintext_size => Err(ReceiptError::Size { segment }),
            _ => Ok(()),
        }
    }
}

/// Collects the receipts of all parts of one stream.
#[derive(Clone, Debug)]
pub struct Parts {
    geometry: Geometry,
    segments: u64,
    /// By first segment.
    receipts: BTreeMap<u64, Receipt>,
}

impl Parts {
    /// No part of a stream with these sizes and `total` plaintext bytes.
    #[must_use]
    pub const fn new(geometry: Geometry, total: u64) -> Self {
        Self {
            geometry,
            segments: geometry.segment_count(total),
            receipts: BTreeMap::new(),
        }
    }

    /// Adds the receipt of a part, which was checked against the same stream.
    ///
    /// # Errors
    /// `CoveredTwice`. The receipt was not added then.
    pub fn add(&mut self, receipt: Receipt) -> Result<(), ReceiptError> {
        let first = receipt.first.get();
        let end = first.saturating_add(receipt.entries.len());
        let before = self.receipts.range(..=first).next_back();
        let overlaps_before = before.is_some_and(|(&start, other)| start + other.entries.len() > first);
        let after = self.receipts.range(first..end).next().map(|(&start, _)| start);
        if let Some(segment) = overlaps_before.then_some(first).or(after) {
            return Err(ReceiptError::CoveredTwice {
                segment: SegmentIndex::new(segment),
            });
        }
        self.receipts.insert(first, receipt);
        Ok(())
    }

    /// The manifest of the whole stream, for its end record.
    ///
    /// # Errors
    /// `Missing`.
    pub fn into_manifest(self) -> Result<Manifest, ReceiptError> {
        let mut manifest = Manifest::new(self.geometry.digest());
        for (first, receipt) in self.receipts {
            if first != manifest.len() {
                break;
            }
            receipt.entries.iter().for_each(|entry| manifest.push(&entry));
        }
        if manifest.len() == self.segments {
            return Ok(manifest);
        }
        Err(ReceiptError::Missing {
            segment: SegmentIndex::new(manifest.len()),
        })
    }
}

/// A big-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

const MARKER: [u8; 4] = *b"SPRT";
/// Marker 4, stream id 32, first segment 8, count 4, plaintext size 4.
const FIXED_SIZE: usize = 52;
const MAC_SIZE: usize = 48;
