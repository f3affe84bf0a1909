//! Frames of an existing stream.

use super::types::{FrameError, FrameHeader, FrameRecord, PREFIX_SIZE, length_field};
use crate::crypto::FrameIv;
use crate::format::FRAME_OVERHEAD;

/// Checks the length field of the frame that fills `slot` and returns the fields in front of its ciphertext.
///
/// The caller takes `is_final` from authenticated bytes. The length field only has to agree with it.
///
/// # Errors
/// A slot too small for a frame, or another length field.
pub fn parse_header(slot: &[u8], is_final: bool) -> Result<FrameHeader, FrameError> {
    let too_small = FrameError::Size {
        expected: FRAME_OVERHEAD as u64,
        actual: slot.len() as u64,
    };
    let prefix = slot.first_chunk::<PREFIX_SIZE>();
    let [a, b, c, d, iv @ ..] = *prefix.filter(|_| slot.len() >= FRAME_OVERHEAD).ok_or(too_small)?;
    let encrypted_size = slot.len() as u32;
    let [expected, actual] = [length_field(encrypted_size, is_final), [a, b, c, d]].map(u32::from_be_bytes);
    if expected != actual {
        return Err(FrameError::LengthField { expected, actual });
    }
    Ok(FrameHeader {
        is_final,
        encrypted_size,
        iv: FrameIv::from_wire(iv),
    })
}

/// Splits the frame that fills `slot` into its parts.
///
/// # Errors
/// Those of [`parse_header`].
pub fn split_frame(slot: &mut [u8], is_final: bool) -> Result<FrameRecord<'_>, FrameError> {
    let header = parse_header(slot, is_final)?;
    let too_small = FrameError::Size {
        expected: FRAME_OVERHEAD as u64,
        actual: slot.len() as u64,
    };
    let content = slot.get_mut(PREFIX_SIZE..).and_then(<[u8]>::split_last_chunk_mut);
    let (content, tag) = content.ok_or(too_small)?;
    Ok(FrameRecord {
        header,
        content,
        tag: *tag,
    })
}
