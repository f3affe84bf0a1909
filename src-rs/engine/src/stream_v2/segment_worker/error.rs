//! What a segment worker reports. The caller decides what to make of it: abort, skip, retry or log.

use crate::format::{FrameIndex, SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset};
use crate::stream_v2::frame_worker::FrameWorkerError;
use crate::stream_v2::framing::FrameError;

/// Why one segment failed. The others go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentWorkerError {
    /// The worker went away without an answer. This is a bug; please report it.
    #[error(
        "segment {segment}: its worker stopped without an answer (a bug in sealstream; please report it)"
    )]
    FrameWorkerDisconnected {
        /// The segment.
        segment: SegmentIndex,
    },
    /// A frame could not be sealed.
    #[error("segment {segment}, frame {frame}: could not be sealed: {source}")]
    FrameEncryptionFailed {
        /// The segment.
        segment: SegmentIndex,
        /// The frame in the segment.
        frame: FrameIndex,
        /// Why.
        source: FrameWorkerError,
    },
    /// A frame fails its tag though the record's digest is right: somebody changed the stream on purpose. Where no digest
    /// was looked at, since there is none or single frames were read, it may have rotted.
    #[error(
        "segment {segment}, frame {frame} (byte {offset}): {source}: the stream was tampered with, or is damaged where \
         no digest tells"
    )]
    FrameDecryptionFailed {
        /// The segment.
        segment: SegmentIndex,
        /// The frame in the segment.
        frame: FrameIndex,
        /// Where the frame starts in the stream.
        offset: WireOffset,
        /// Why.
        source: FrameWorkerError,
    },
    /// The record is not the bytes that were written: rot on disk or in transit.
    #[error(
        "segment {segment} (byte {offset}): its digest is {actual}, expected {expected}: the stream is damaged; \
         restore it from another copy"
    )]
    DigestMismatch {
        /// The segment.
        segment: SegmentIndex,
        /// Where the record starts in the stream.
        offset: WireOffset,
        /// The digest that stands in the record, in hexadecimal.
        expected: String,
        /// The digest of the record's bytes, in hexadecimal.
        actual: String,
    },
    /// A frame's length field disagrees with the segment's header.
    #[error("segment {segment}, frame {frame} (byte {offset}): {source}")]
    FramingError {
        /// The segment.
        segment: SegmentIndex,
        /// The frame in the segment.
        frame: FrameIndex,
        /// Where the frame starts in the stream.
        offset: WireOffset,
        /// What is wrong.
        source: FrameError,
    },
    /// The record is not the segment that is due at this place of this stream.
    #[error("segment {segment} (byte {offset}): its {reason} is {actual}, expected {expected}")]
    InvalidSegment {
        /// The segment that is due.
        segment: SegmentIndex,
        /// Where its record starts in the stream.
        offset: WireOffset,
        /// Which part is wrong.
        reason: SegmentReason,
        /// What was due.
        expected: String,
        /// What stands there.
        actual: String,
    },
    /// The journal of finished segments could not be written. The operation went on without it; its report holds this.
    #[error("segment {segment}: its checkpoint could not be saved: {message}")]
    CheckpointError {
        /// The segment.
        segment: SegmentIndex,
        /// Why.
        message: String,
    },
}

impl SegmentWorkerError {
    /// The segment that failed.
    #[must_use]
    pub const fn segment(&self) -> SegmentIndex {
        match self {
            Self::FrameWorkerDisconnected { segment }
            | Self::FrameEncryptionFailed { segment, .. }
            | Self::FrameDecryptionFailed { segment, .. }
            | Self::DigestMismatch { segment, .. }
            | Self::FramingError { segment, .. }
            | Self::InvalidSegment { segment, .. }
            | Self::CheckpointError { segment, .. } => *segment,
        }
    }

    /// A record that is not the segment due at `offset`.
    #[must_use]
    pub fn invalid(segment: SegmentIndex, offset: WireOffset, error: SegmentHeaderError) -> Self {
        let SegmentHeaderError {
            reason,
            expected,
            actual,
        } = error;
        Self::InvalidSegment {
            segment,
            offset,
            reason,
            expected,
            actual,
        }
    }
}
