//! Sealing one frame.

use super::types::{FrameInput, FrameOutput, FrameWorkerError};
use crate::crypto::floe::{FloeParams, MessageKeys};
use crate::crypto::{FrameIv, FrameKey};
use crate::format::{FRAME_OVERHEAD, FrameIndex};
use crate::stream_v2::framing::{FrameError, FrameHeader, content_mut, write_frame};

/// Seals frames that share an AEAD key.
#[derive(Debug)]
pub struct EncryptFrameWorker {
    params: FloeParams,
    key: FrameKey,
    epoch: FrameIndex,
}

impl EncryptFrameWorker {
    /// A worker for the run of frames that `frame` is in.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn new(keys: &MessageKeys, frame: FrameIndex) -> Result<Self, FrameWorkerError> {
        let params = keys.params();
        Ok(Self {
            params,
            key: keys.frame_key(frame)?,
            epoch: params.key_epoch(frame),
        })
    }

    /// Whether `frame` is of this worker's run.
    #[must_use]
    pub fn serves(&self, frame: FrameIndex) -> bool {
        self.params.key_epoch(frame) == self.epoch
    }

    /// Seals the content that stands in the slot, in place, under an IV that must never be used again.
    ///
    /// # Errors
    /// A slot too small for a frame, or a frame of another run.
    pub fn seal(&self, frame: FrameInput<'_>, iv: FrameIv) -> Result<FrameOutput, FrameWorkerError> {
        let FrameInput {
            index,
            is_final,
            slot,
        } = frame;
        if !self.serves(index) {
            return Err(FrameWorkerError::InvalidHeader { frame: index });
        }
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
        let tag = self.key.seal(index, is_final, iv, content)?;
        write_frame(slot, &header, &tag);
        Ok(FrameOutput { index, content_size })
    }
}
