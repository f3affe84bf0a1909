//! One segment: plaintext to record and back, step by step in the caller's buffers.
//!
//! A segment is one FLOE message behind a header and in front of a digest. The steps are `begin`, then frames in order
//! and in portions of any number, then `finish`; so a caller moves a segment of any size through a buffer that stays in
//! L2. No IO, no threads, no channels, no panic: whether the frames of a portion are worked on side by side is up to
//! the [`Join`] that the caller passes.

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
pub(crate) use check::frame_offset;
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
