//! One segment: plaintext to record and back, step by step in the caller's buffers.
//!
//! A segment is one FLOE message between a header and a digest. The steps are `begin`, then the frames in order, any
//! number at a time, then `finish`; so a segment of any size passes through a buffer that stays in the L2 cache. No IO,
//! threads, channels or panics: the caller's [`Join`] decides whether the frames of a portion run in parallel.
//!
//! Records are opened in three ways: [`SegmentOpener`] opens a whole record, [`FrameOpener`] single frames, and
//! [`SegmentChecker`] checks a record without a key. They share each check: header and place, FLOE parameters and header
//! tag, frame length, frame tag, digest.

mod check;
mod crypto;
mod decrypt;
mod encrypt;
mod error;
mod frames;
mod join;
mod record_hasher;
mod types;

#[cfg(test)]
mod tests;

pub use check::SegmentChecker;
pub(crate) use check::{frame_offset, has_right_digest};
pub use crypto::SegmentCryptoContext;
pub use decrypt::{DecryptSegmentWorker, SegmentOpener};
pub use encrypt::{EncryptSegmentWorker, SegmentSealer};
pub use error::SegmentWorkerError;
pub use frames::FrameOpener;
pub use join::Join;
pub(crate) use types::MESSAGE_TAG_AT;
pub use types::{
    DecryptedSegment, EncryptedSegment, PREAMBLE_SIZE, RecordPreamble, RecordSummary, SegmentInput,
    SegmentWire, iv_and_tag,
};
