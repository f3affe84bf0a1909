//! What a frame on the wire is made of.

use crate::crypto::{FRAME_IV_SIZE, FRAME_TAG_SIZE, FrameIv};
use crate::format::FRAME_OVERHEAD;

/// What stands in front of a frame's ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether this is the message's last frame.
    pub is_final: bool,
    /// Bytes of the whole frame.
    pub encrypted_size: u32,
    /// The frame's IV.
    pub iv: FrameIv,
}

impl FrameHeader {
    /// The length field: the mark of a frame that isn't the last, or the last one's whole length.
    #[must_use]
    pub const fn length_field(&self) -> u32 {
        u32::from_be_bytes(length_field(self.encrypted_size, self.is_final))
    }
}

/// One frame, split into its parts; the ciphertext is opened in place.
#[derive(Debug)]
pub struct FrameRecord<'a> {
    /// The fields in front.
    pub header: FrameHeader,
    /// The encrypted content.
    pub content: &'a mut [u8],
    /// The frame's tag.
    pub tag: [u8; FRAME_TAG_SIZE],
}

/// Bytes that are not the frame that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length field is not that of this frame.
    #[error("the frame's length field is {actual:#010x}, expected {expected:#010x}")]
    LengthField {
        /// What position and finality ask for.
        expected: u32,
        /// What stands there.
        actual: u32,
    },
    /// Fewer bytes than a frame without content has.
    #[error("the frame has {actual} bytes, expected {expected}")]
    Size {
        /// Bytes that are due.
        expected: u64,
        /// Bytes that are there.
        actual: u64,
    },
}

/// The length field, as it stands on the wire, of a frame of `encrypted_size` bytes.
#[must_use]
pub const fn length_field(encrypted_size: u32, is_final: bool) -> [u8; LENGTH_SIZE] {
    let length = if is_final { encrypted_size } else { NOT_FINAL };
    length.to_be_bytes()
}

/// Bytes of the length field.
pub const LENGTH_SIZE: usize = 4;
/// The length field of every frame but the last.
pub(super) const NOT_FINAL: u32 = u32::MAX;
/// Bytes in front of the ciphertext.
pub const PREFIX_SIZE: usize = LENGTH_SIZE + FRAME_IV_SIZE;

const _: () = assert!(PREFIX_SIZE + FRAME_TAG_SIZE == FRAME_OVERHEAD);
