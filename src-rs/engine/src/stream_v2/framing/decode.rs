//! Frames on their way in.

use super::types::{FrameError, FrameHeader, FrameRecord, PREFIX_SIZE};
use crate::crypto::FrameIv;
use crate::format::FRAME_OVERHEAD;

/// Splits a frame of exactly `slot.len()` bytes into its parts.
///
/// Finality comes from the caller, who has it from authenticated bytes, and never from the length field, which only
/// has to agree.
///
/// # Errors
/// A slot too small for a frame, or another length field.
pub fn split_frame(slot: &mut [u8], is_final: bool) -> Result<FrameRecord<'_>, FrameError> {
    let size = slot.len() as u64;
    let too_small = FrameError::Size {
        expected: FRAME_OVERHEAD as u64,
        actual: size,
    };
    let (prefix, rest) = slot.split_first_chunk_mut::<PREFIX_SIZE>().ok_or(too_small)?;
    let (content, tag) = rest.split_last_chunk_mut().ok_or(too_small)?;
    let [a, b, c, d, iv @ ..] = *prefix;
    let header = FrameHeader {
        is_final,
        encrypted_size: size as u32,
        iv: FrameIv::from_wire(iv),
    };
    let (expected, actual) = (header.length_field(), u32::from_be_bytes([a, b, c, d]));
    if expected != actual {
        return Err(FrameError::LengthField { expected, actual });
    }
    Ok(FrameRecord {
        header,
        content,
        tag: *tag,
    })
}
