//! Opening one frame.

use super::types::{FrameInput, FrameOutput, FrameWorkerError};
use crate::crypto::FrameKey;
use crate::crypto::floe::{FloeParams, MessageKeys};
use crate::format::FrameIndex;
use crate::stream_v2::framing::split_frame;

/// Opens frames that share an AEAD key.
#[derive(Debug)]
pub struct DecryptFrameWorker {
    params: FloeParams,
    key: FrameKey,
    epoch: FrameIndex,
}

impl DecryptFrameWorker {
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

    /// Opens the slot in place: its content is plaintext if, and only if, this returns `Ok`.
    ///
    /// # Errors
    /// A frame of another run, a length field that disagrees, or a wrong tag, after which the content is zeros.
    pub fn open(&self, frame: FrameInput<'_>) -> Result<FrameOutput, FrameWorkerError> {
        let FrameInput {
            index,
            is_final,
            slot,
        } = frame;
        if !self.serves(index) {
            return Err(FrameWorkerError::InvalidHeader { frame: index });
        }
        let record = split_frame(slot, is_final)?;
        self.key
            .open(index, is_final, record.header.iv, record.content, record.tag)?;
        Ok(FrameOutput {
            index,
            content_size: record.content.len(),
        })
    }
}
