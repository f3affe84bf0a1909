//! Inputs and outputs of segment workers: plain data.

use crate::crypto::floe::IV_SIZE;
use crate::format::{
    FLOE_HEADER_SIZE, Geometry, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, WireOffset,
};
use crate::stream_v2::framing::contents;

/// The bytes in front of a record's frames: segment header and FLOE header.
pub type RecordPreamble = [u8; PREAMBLE_SIZE];

/// Result of sealing, opening or checking one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSummary {
    /// Position in the stream.
    pub index: SegmentIndex,
    /// Whether the segment is the stream's last.
    pub is_final: bool,
    /// Plaintext bytes.
    pub plaintext_size: u32,
    /// Frames.
    pub frames: u32,
    /// The manifest's entry for the record.
    pub entry: ManifestEntry,
    /// CRC-64/NVME of the output: the record when sealing, the plaintext when opening.
    pub output_crc64: u64,
}

/// A segment to seal, in memory.
#[derive(Debug)]
pub struct SegmentInput {
    /// The segment's header.
    pub header: SegmentHeader,
    /// Memory for the record, with the plaintext in the content parts of its frames.
    pub record: Vec<u8>,
}

/// A sealed segment.
#[derive(Debug)]
pub struct EncryptedSegment {
    /// Its result.
    pub summary: RecordSummary,
    /// The whole record.
    pub record: Vec<u8>,
}

/// A record to open, in memory.
#[derive(Debug)]
pub struct SegmentWire {
    /// The segment expected at `offset`.
    pub index: SegmentIndex,
    /// Offset of the record in the stream.
    pub offset: WireOffset,
    /// What a verified manifest says about the record.
    pub named: Option<ManifestEntry>,
    /// The record.
    pub record: Vec<u8>,
}

/// An opened segment. Its digest and all of its frames have been verified.
#[derive(Debug)]
pub struct DecryptedSegment {
    /// Its result.
    pub summary: RecordSummary,
    pub(crate) geometry: Geometry,
    pub(crate) record: Vec<u8>,
}

impl DecryptedSegment {
    /// The plaintext, frame by frame.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let end = PREAMBLE_SIZE + self.geometry.frames_wire_size(self.summary.plaintext_size);
        let slots = self.record.get(PREAMBLE_SIZE..end).unwrap_or_default();
        contents(slots, self.geometry.frame_slot_size())
    }

    /// A copy of the plaintext.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut plaintext = Vec::with_capacity(self.summary.plaintext_size as usize);
        self.frames().for_each(|frame| plaintext.extend_from_slice(frame));
        plaintext
    }

    /// The memory, to be used for the next segment.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.record
    }
}

/// The IV and the tag of the FLOE header in a preamble.
#[must_use]
pub fn iv_and_tag(preamble: &RecordPreamble) -> ([u8; IV_SIZE], [u8; 32]) {
    let (mut iv, mut tag) = ([0; IV_SIZE], [0; 32]);
    iv.copy_from_slice(&preamble[MESSAGE_TAG_AT - IV_SIZE..MESSAGE_TAG_AT]);
    tag.copy_from_slice(&preamble[MESSAGE_TAG_AT..]);
    (iv, tag)
}

/// Offset of the FLOE header's tag in a preamble. The tag identifies the sealing in the manifest.
pub(crate) const MESSAGE_TAG_AT: usize = PREAMBLE_SIZE - 32;
/// Bytes in front of the frames.
pub const PREAMBLE_SIZE: usize = SEGMENT_HEADER_SIZE + FLOE_HEADER_SIZE;
