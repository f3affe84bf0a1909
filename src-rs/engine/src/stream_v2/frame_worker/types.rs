//! Inputs, outputs and errors of frame workers.

use crate::crypto::floe::{FloeParams, MessageKeys};
use crate::crypto::{CryptoError, FrameKey};
use crate::format::FrameIndex;
use crate::stream_v2::framing::FrameError;

/// A frame's position in its message, and its bytes.
#[derive(Debug)]
pub struct FrameInput<'a> {
    /// Position in the message. The worker's key must be that of this frame.
    pub index: FrameIndex,
    /// Whether the frame is the message's last.
    pub is_final: bool,
    /// The whole frame. To seal, its content part holds the plaintext.
    pub slot: &'a mut [u8],
}

/// The AEAD key of a run of frames.
#[derive(Debug)]
pub(super) struct RunKey {
    params: FloeParams,
    key: FrameKey,
    epoch: FrameIndex,
}

impl RunKey {
    /// The key of the run that `frame` is in.
    pub(super) fn new(keys: &MessageKeys, frame: FrameIndex) -> Result<Self, FrameWorkerError> {
        let params = keys.params();
        Ok(Self {
            params,
            key: keys.frame_key(frame)?,
            epoch: params.key_epoch(frame),
        })
    }

    /// Whether `frame` is in the run.
    pub(super) fn serves(&self, frame: FrameIndex) -> bool {
        self.params.key_epoch(frame) == self.epoch
    }

    /// The key, for a frame of the run.
    pub(super) fn of(&self, frame: FrameIndex) -> Result<&FrameKey, FrameWorkerError> {
        let key = self.serves(frame).then_some(&self.key);
        key.ok_or(FrameWorkerError::InvalidHeader { frame })
    }
}

/// A frame that was sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameOutput {
    /// Position in the message.
    pub index: FrameIndex,
    /// Content bytes.
    pub content_size: usize,
}

/// Why a frame failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameWorkerError {
    /// The tag is wrong, or a cryptographic primitive failed.
    #[error("{error}")]
    Crypto {
        /// The error of the primitive.
        error: CryptoError,
    },
    /// The bytes are not the expected frame.
    #[error("{error}")]
    FrameParsing {
        /// Why.
        error: FrameError,
    },
    /// The frame has another key than the worker.
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
