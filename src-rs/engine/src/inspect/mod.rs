//! Reads what a stream shows without a key. Nothing of it is authenticated.

#[cfg(test)]
pub(crate) mod tests;

use crate::error::SealError;
use crate::format::{
    DigestKind, END_RECORD_FIXED_SIZE, END_SENDER, EndRecord, RawKeySlot, SlotType, StreamHeader,
    find_extension,
};
pub use crate::keys::{ProviderInfo, SlotInfo};
use crate::keys::{SenderEntry, SenderKey};
use crate::stream_v2::core::locate::{claimed_total, find_end, find_header, read_header};
use crate::stream_v2::core::sender::announced_sender;
use crate::stream_v2::core::stream_size::{check_size, check_stated_size};
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use std::io::IoSliceMut;

/// What a stream shows without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// Content bytes in a full frame.
    pub frame_size: u32,
    /// Plaintext bytes in a full segment.
    pub segment_size: u32,
    /// The digest at the end of each record.
    pub digest: DigestKind,
    /// Plaintext bytes, as the header states or else the trailer claims. `None` if neither does.
    pub plaintext_size: Option<u64>,
    /// Segments, if the plaintext's size is known.
    pub segments: Option<u64>,
    /// Bytes of the source.
    pub sealed_size: u64,
    /// Bytes of the header.
    pub header_size: u32,
    /// The number of times the header was rewritten for other keys.
    pub header_revision: u16,
    /// Whether the stream carries a copy of its header.
    pub has_header_copy: bool,
    /// The header's copy was read, because the header is damaged or older.
    pub header_from_copy: bool,
    /// The sender that the header announces, or else the end claims. Nothing proves it.
    pub claimed_sender: Option<SenderKey>,
    /// The key slots.
    pub slots: Vec<SlotInfo>,
    /// Whether all slots are post-quantum: none is for an X25519 key or of an unknown type. How a provider wraps its keys is not
    /// known.
    pub is_post_quantum: bool,
}

/// The key slots of the header at the start of `source`, which must hold the whole header. Nothing in them is authenticated: ask a key
/// provider only if you trust it and the key.
///
/// # Errors
/// The header is damaged, incomplete or of another version.
pub fn inspect_slots(source: &dyn ReadAt) -> Result<Vec<SlotInfo>, SealError> {
    Ok(slots(&read_header(&mut ReadAtCursor::new(source, 0))?))
}

/// The key slots that opening a stream may try: those of its header, and after an interrupted rewrap also those of the older header.
/// Nothing in them is authenticated, see [`inspect_slots`].
///
/// # Errors
/// The header is damaged or of another version.
pub fn inspect_all_slots(source: &dyn ReadAt) -> Result<Vec<SlotInfo>, SealError> {
    let sealed_size = source.size().map_err(SealError::reading)?;
    let found = find_header(source, sealed_size)?;
    let headers = std::iter::once(&found.header).chain(&found.older);
    Ok(headers.flat_map(slots).collect())
}

/// Reads what a stream shows without a key.
///
/// # Errors
/// The header is damaged or of another version.
pub fn inspect(source: &dyn ReadAt) -> Result<StreamInfo, SealError> {
    inspect_up_to(source, u64::MAX)
}

/// As [`inspect`], and refuses a stream of more than `max_size` bytes, as it states or as the source has.
///
/// # Errors
/// Also `LimitExceeded`.
pub fn inspect_up_to(source: &dyn ReadAt, max_size: u64) -> Result<StreamInfo, SealError> {
    let sealed_size = source.size().map_err(SealError::reading)?;
    check_size(sealed_size, max_size)?;
    let found = find_header(source, sealed_size)?;
    let header = &found.header;
    let geometry = header.core.geometry;
    let plaintext_size = header
        .core
        .plaintext_size
        .or_else(|| claimed_total(source, sealed_size, header));
    check_stated_size(header, plaintext_size, max_size)?;
    Ok(StreamInfo {
        stream_id: header.core.stream_id,
        frame_size: geometry.frame_size(),
        segment_size: geometry.segment_size(),
        digest: geometry.digest(),
        plaintext_size,
        segments: plaintext_size.map(|size| geometry.segment_count(size)),
        sealed_size,
        header_size: header.size(),
        header_revision: header.revision,
        has_header_copy: header.core.header_copy,
        header_from_copy: found.from_copy,
        claimed_sender: announced_sender(header).or_else(|| claimed_sender(source, sealed_size)),
        slots: slots(header),
        is_post_quantum: header.slots.iter().all(is_post_quantum),
    })
}

/// The sender that the end of a stream claims.
fn claimed_sender(source: &dyn ReadAt, size: u64) -> Option<SenderKey> {
    let (end_at, fixed) = find_end(source, size)?;
    let mut extensions = vec![0; usize::try_from(EndRecord::extensions_size(&fixed)?).ok()?];
    let at = end_at.checked_add(END_RECORD_FIXED_SIZE as u64)?;
    let read = source.read_at(at, &mut [IoSliceMut::new(&mut extensions)]).ok()?;
    let entry = find_extension(extensions.get(..read)?, END_SENDER)?;
    SenderEntry::parse(entry).key().cloned()
}

fn slots(header: &StreamHeader) -> Vec<SlotInfo> {
    SlotInfo::list(&header.slots)
}

const fn is_post_quantum(slot: &RawKeySlot) -> bool {
    !matches!(slot.slot_type, SlotType::X25519 | SlotType::Unknown(_))
}
