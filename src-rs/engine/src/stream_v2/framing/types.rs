//! Parts of a frame on the wire.

use crate::crypto::{FRAME_IV_SIZE, FRAME_TAG_SIZE, FrameIv};
use crate::format::FRAME_OVERHEAD;

/// The fields in front of a frame's ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether the frame is the message's last.
    pub is_final: bool,
    /// Bytes of the whole frame.
    pub encrypted_size: u32,
    /// The frame's IV.
    pub iv: FrameIv,
}

/// One frame, split into its parts. The ciphertext is decrypted in place.
#[derive(Debug)]
pub struct FrameRecord<'a> {
    /// The fields in front.
    pub header: FrameHeader,
    /// The encrypted content.
    pub content: &'a mut [u8],
    /// The frame's tag.
    pub tag: [u8; FRAME_TAG_SIZE],
}

/// Why bytes are not the expected frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Another length field than the frame must have.
    #[error("the frame's length field is {actual:#010x}, expected {expected:#010x}")]
    LengthField {
        /// The length field that follows from size and finality.
        expected: u32,
        /// The length field found.
        actual: u32,
    },
    /// Fewer bytes than an empty frame has.
    #[error("the frame has {actual} bytes, expected {expected}")]
    Size {
        /// Bytes of an empty frame.
        expected: u64,
        /// Bytes given.
        actual: u64,
    },
}

/// The length field on the wire: the size of the last frame, in bytes, and a fixed mark in all others.
#[must_use]
pub const fn length_field(encrypted_size: u32, is_final: bool) -> [u8; LENGTH_SIZE] {
    let length = if is_final { encrypted_size } else { NOT_FINAL };
    length.to_be_bytes()
}

/// Bytes of the length field.
pub const LENGTH_SIZE: usize = 4;
/// The length field of every frame except the last.
pub(super) const NOT_FINAL: u32 = u32::MAX;
/// Bytes in front of the ciphertext.
pub const PREFIX_SIZE: usize = LENGTH_SIZE + FRAME_IV_SIZE;

const _: () = assert!(PREFIX_SIZE + FRAME_TAG_SIZE == FRAME_OVERHEAD);
