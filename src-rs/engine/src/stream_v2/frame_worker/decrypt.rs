//! Opens one frame.

use super::types::{FrameInput, FrameOutput, FrameWorkerError, RunKey};
use crate::crypto::floe::MessageKeys;
use crate::format::FrameIndex;
use crate::stream_v2::framing::split_frame;

/// Opens frames that share an AEAD key.
#[derive(Debug)]
pub struct DecryptFrameWorker(RunKey);

impl DecryptFrameWorker {
    /// A worker for `frame` and all frames with the same key.
    ///
    /// # Errors
    /// `Crypto`, for associated data that is too long for the KDF.
    pub fn new(keys: &MessageKeys, frame: FrameIndex) -> Result<Self, FrameWorkerError> {
        RunKey::new(keys, frame).map(Self)
    }

    /// Whether `frame` has the worker's key.
    #[must_use]
    pub fn serves(&self, frame: FrameIndex) -> bool {
        self.0.serves(frame)
    }

    /// Opens the frame in place: its content is plaintext if, and only if, this returns `Ok`.
    ///
    /// # Errors
    /// `InvalidHeader` for a frame with another key; `FrameParsing` for a wrong length field; `Crypto` for a wrong tag,
    /// after which the content is zeros.
    pub fn open(&self, frame: FrameInput<'_>) -> Result<FrameOutput, FrameWorkerError> {
        let FrameInput {
            index,
            is_final,
            slot,
        } = frame;
        let key = self.0.of(index)?;
        let record = split_frame(slot, is_final)?;
        key.open(index, is_final, record.header.iv, record.content, record.tag)?;
        Ok(FrameOutput {
            index,
            content_size: record.content.len(),
        })
    }
}
