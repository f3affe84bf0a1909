//! Frames to be written.

use super::types::{FrameHeader, LENGTH_SIZE, PREFIX_SIZE, length_field};
use crate::crypto::FRAME_TAG_SIZE;
use crate::format::FRAME_OVERHEAD;

/// The content part of the frame that fills `slot`: plaintext before sealing in place, ciphertext after. Empty if `slot` is
/// too small for a frame.
#[must_use]
pub fn content_mut(slot: &mut [u8]) -> &mut [u8] {
    let end = slot.len().saturating_sub(FRAME_TAG_SIZE);
    slot.get_mut(PREFIX_SIZE..end).unwrap_or_default()
}

/// The content parts of consecutive frames. Each has `slot_size` bytes; the last can be shorter.
pub fn contents_mut(slots: &mut [u8], slot_size: usize) -> impl Iterator<Item = &mut [u8]> {
    slots.chunks_mut(slot_size.max(1)).map(content_mut)
}

/// Same as [`contents_mut`], read-only.
pub fn contents(slots: &[u8], slot_size: usize) -> impl Iterator<Item = &[u8]> {
    slots.chunks(slot_size.max(1)).map(|slot| {
        let end = slot.len().saturating_sub(FRAME_TAG_SIZE);
        slot.get(PREFIX_SIZE..end).unwrap_or_default()
    })
}

/// Sets the length field of the frame that fills `slot` to its only valid value.
pub fn restore_length(slot: &mut [u8], is_final: bool) {
    let length = length_field(slot.len() as u32, is_final);
    if let Some(field) = slot.first_chunk_mut::<LENGTH_SIZE>() {
        *field = length;
    }
}

/// Writes a frame's fields around its sealed content.
pub fn write_frame(slot: &mut [u8], header: &FrameHeader, tag: &[u8; FRAME_TAG_SIZE]) {
    debug_assert!(slot.len() >= FRAME_OVERHEAD && slot.len() == header.encrypted_size as usize);
    if let Some((prefix, rest)) = slot.split_first_chunk_mut::<PREFIX_SIZE>() {
        prefix[..LENGTH_SIZE].copy_from_slice(&length_field(header.encrypted_size, header.is_final));
        prefix[LENGTH_SIZE..].copy_from_slice(header.iv.as_bytes());
        if let Some(last) = rest.last_chunk_mut() {
            *last = *tag;
        }
    }
}
