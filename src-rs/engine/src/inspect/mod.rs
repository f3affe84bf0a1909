//! All that can be seen of a stream without a key. None of it is authenticated.

#[cfg(test)]
pub(crate) mod tests;

use crate::error::SealError;
use crate::format::{DigestKind, RawKeySlot, SlotBody, SlotType, StreamHeader};
use crate::keys::PassphraseCost;
use crate::stream_v2::core::trailer::claimed_total;
use crate::stream_v2::core::unlock::{find_header, read_header};
use crate::stream_v2::io::ReadAt;

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
    /// This was read from the header's copy: the header itself is damaged, or older.
    pub header_from_copy: bool,
    /// Who can open the stream.
    pub slots: Vec<SlotInfo>,
    /// Whether no slot is known to fall to a quantum computer: none is for an X25519 key, or of an unknown type. How a key
    /// service wraps its keys can't be seen.
    pub is_post_quantum: bool,
}

/// A key slot as anyone can see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// The slot's type, such as `key`.
    pub slot_type: String,
    /// The key's name, where the slot has one; a key service's id of its key.
    pub key_id: Option<String>,
    /// What an attempt with a passphrase costs.
    pub passphrase_cost: Option<PassphraseCost>,
    /// What a key service has to unwrap.
    pub provider: Option<ProviderInfo>,
}

/// What a key slot says to the key service that can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderInfo {
    /// The service's name.
    pub name: String,
    /// The wrapped key.
    pub blob: Vec<u8>,
}

impl SlotInfo {
    pub(crate) fn new(raw: &RawKeySlot) -> Self {
        let mut info = Self {
            slot_type: raw.slot_type.to_string(),
            key_id: raw.key_id(),
            passphrase_cost: None,
            provider: None,
        };
        match raw.parsed() {
            Some(SlotBody::Passphrase(slot)) => info.passphrase_cost = Some(slot.cost),
            Some(SlotBody::Provider(slot)) => {
                info.provider = Some(ProviderInfo {
                    name: slot.name,
                    blob: slot.blob,
                });
            }
            Some(SlotBody::Key(_) | SlotBody::X25519(_) | SlotBody::Hybrid(_)) | None => {}
        }
        info
    }
}

/// The key slots of a header, of which `bytes` are at least all. Nothing in them has been authenticated: ask a key service only
/// if it, and the key, are ones that you trust.
///
/// # Errors
/// A header that is damaged, cut short or of another version.
pub fn inspect_slots(bytes: &[u8]) -> Result<Vec<SlotInfo>, SealError> {
    let mut reader = bytes;
    let found = read_header(&mut reader)?;
    Ok(slots(&found.header))
}

/// The key slots that opening a stream may try: those of its header, and where a rewrap was interrupted those of header and copy.
/// Nothing in them has been authenticated, as for [`inspect_slots`].
///
/// # Errors
/// A header that is damaged or of another version.
pub fn inspect_all_slots(source: &dyn ReadAt) -> Result<Vec<SlotInfo>, SealError> {
    let stream_size = source.size().map_err(SealError::reading)?;
    let found = find_header(source, stream_size)?;
    let older = found.older.as_ref().map(slots).unwrap_or_default();
    Ok([slots(&found.header), older].concat())
}

/// Reads what a stream says of itself.
///
/// # Errors
/// A header that is damaged or of another version.
pub fn inspect(source: &dyn ReadAt) -> Result<StreamInfo, SealError> {
    let stream_size = source.size().map_err(SealError::reading)?;
    let found = find_header(source, stream_size)?;
    let header = &found.header;
    let geometry = header.core.geometry;
    let plaintext_size = header
        .core
        .plaintext_size
        .or_else(|| claimed_total(source, stream_size, header));
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
        slots: slots(header),
        is_post_quantum: header.slots.iter().all(|slot| is_post_quantum(slot.slot_type)),
    })
}

fn slots(header: &StreamHeader) -> Vec<SlotInfo> {
    header.slots.iter().map(SlotInfo::new).collect()
}

const fn is_post_quantum(slot_type: SlotType) -> bool {
    match slot_type {
        SlotType::Key | SlotType::Passphrase | SlotType::Provider | SlotType::Hybrid => true,
        SlotType::X25519 | SlotType::Unknown(_) => false,
    }
}
