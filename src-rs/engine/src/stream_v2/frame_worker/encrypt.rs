//! Seals one frame.

use super::types::{FrameInput, FrameOutput, FrameWorkerError, RunKey};
use crate::crypto::FrameIv;
use crate::crypto::floe::MessageKeys;
use crate::format::{FRAME_OVERHEAD, FrameIndex};
use crate::stream_v2::framing::{FrameError, FrameHeader, content_mut, write_frame};

/// Seals frames that share an AEAD key.
#[derive(Debug)]
pub struct EncryptFrameWorker(RunKey);

impl EncryptFrameWorker {
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

    /// Seals the frame's content in place. The caller must never use `iv` again.
    ///
    /// # Errors
    /// `InvalidHeader` for a frame with another key; `FrameParsing` for a slot that is too small.
    pub fn seal(&self, frame: FrameInput<'_>, iv: FrameIv) -> Result<FrameOutput, FrameWorkerError> {
        let FrameInput {
            index,
            is_final,
            slot,
        } = frame;
        let key = self.0.of(index)?;
        if slot.len() < FRAME_OVERHEAD {
            let (expected, actual) = (FRAME_OVERHEAD as u64, slot.len() as u64);
            return Err(FrameError::Size { expected, actual }.into());
        }
        let header = FrameHeader {
            is_final,
            encrypted_size: slot.len() as u32,
            iv,
        };
        let content = content_mut(slot);
        let content_size = content.len();
        let tag = key.seal(index, is_final, iv, content)?;
        write_frame(slot, &header, &tag);
        Ok(FrameOutput { index, content_size })
    }
}
