//! All that can be seen of a stream without a key. None of it is authenticated.

use super::ending::claimed_total;
use super::failure::SealFailure;
use super::incoming::find_header;
use super::io::ReadAt;
use crate::headers::{DigestKind, RawKeySlot};
use crate::keys::key_slot;

/// A stream as anyone can see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// Content bytes in a full frame.
    pub frame_size: u32,
    /// Plaintext bytes in a full segment.
    pub segment_size: u32,
    /// The digest behind each record.
    pub digest: DigestKind,
    /// Plaintext bytes: what the header states, or else what the end claims; neither where it can't be found.
    pub plaintext_size: Option<u64>,
    /// Segments, where the plaintext's size is known.
    pub segments: Option<u64>,
    /// Bytes of the source.
    pub stream_size: u64,
    /// Bytes of the header.
    pub header_size: u32,
    /// How often the header was rewritten for other keys.
    pub header_revision: u16,
    /// Whether the stream carries a copy of its header.
    pub has_header_copy: bool,
    /// The header is damaged, and this was read from its copy.
    pub header_from_copy: bool,
    /// Who can open the stream.
    pub slots: Vec<SlotInfo>,
}

/// A key slot as anyone can see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// The slot's type, such as `key`.
    pub slot_type: String,
    /// The key's name, where the slot has one.
    pub key_id: Option<String>,
}

/// Reads what a stream says of itself.
///
/// # Errors
/// A header that is damaged or of another version.
pub fn inspect(source: &dyn ReadAt) -> Result<StreamInfo, SealFailure> {
    let stream_size = source.size().map_err(SealFailure::reading)?;
    let found = find_header(source, stream_size)?;
    let header = &found.header;
    let geometry = header.core.geometry;
    let plaintext_size = header
        .core
        .plaintext_size
        .or_else(|| claimed_total(source, stream_size, header));
    let slot_info = |raw: &RawKeySlot| SlotInfo {
        slot_type: raw.slot_type.to_string(),
        key_id: key_slot(raw).map(|slot| slot.id).filter(|id| !id.is_empty()),
    };
    Ok(StreamInfo {
        stream_id: header.core.stream_id,
        frame_size: geometry.frame_size(),
        segment_size: geometry.segment_size(),
        digest: geometry.digest(),
        plaintext_size,
        segments: plaintext_size.map(|size| geometry.segment_count(size)),
        stream_size,
        header_size: header.size(),
        header_revision: header.revision,
        has_header_copy: header.core.header_copy,
        header_from_copy: found.from_copy,
        slots: header.slots.iter().map(slot_info).collect(),
    })
}
