//! What a frame worker takes and gives.

use crate::crypto::CryptoError;
use crate::format::FrameIndex;
use crate::stream_v2::framing::FrameError;

/// A frame's place in its message, and its bytes.
#[derive(Debug)]
pub struct FrameInput<'a> {
    /// Position in the message; only frames of the worker's own run of keys.
    pub index: FrameIndex,
    /// Whether it is the message's last frame.
    pub is_final: bool,
    /// The whole frame's slot. To seal, the content stands where the ciphertext will.
    pub slot: &'a mut [u8],
}

/// A frame that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameOutput {
    /// Position in the message.
    pub index: FrameIndex,
    /// Bytes of content; they stand in the slot behind the frame's prefix.
    pub content_size: usize,
}

/// Why a frame failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameWorkerError {
    /// The tag is wrong, or a primitive failed.
    #[error("{error}")]
    Crypto {
        /// What the primitive says.
        error: CryptoError,
    },
    /// The bytes are not the frame that is due.
    #[error("{error}")]
    FrameParsing {
        /// What is wrong with them.
        error: FrameError,
    },
    /// The frame is not of this worker: its index belongs to another key.
    #[error("frame {frame} belongs to another run of keys")]
    InvalidHeader {
        /// The frame.
        frame: FrameIndex,
    },
}

impl From<CryptoError> for FrameWorkerError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto { error }
    }
}

impl From<FrameError> for FrameWorkerError {
    fn from(error: FrameError) -> Self {
        Self::FrameParsing { error }
    }
}
