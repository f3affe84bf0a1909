//! Errors of segment workers. The caller decides how to go on: abort, skip, retry or log.

use crate::format::{FrameIndex, SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset};
use crate::stream_v2::frame_worker::FrameWorkerError;
use crate::stream_v2::framing::FrameError;

/// Why one segment failed. It does not affect other segments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentWorkerError {
    /// The worker ended without a result. This is a bug; please report it.
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
    /// A frame's tag is wrong although the record's digest is right: the stream was changed on purpose. If the digest was
    /// not checked, because the stream has none or single frames were read, damage is possible too.
    #[error(
        "segment {segment}, frame {frame} (byte {offset}): {source}: the stream was tampered with, or is damaged where \
         no digest tells"
    )]
    FrameDecryptionFailed {
        /// The segment.
        segment: SegmentIndex,
        /// The frame in the segment.
        frame: FrameIndex,
        /// Offset of the frame in the stream.
        offset: WireOffset,
        /// Why.
        source: FrameWorkerError,
    },
    /// The record differs from what was written: it was damaged on disk or in transit.
    #[error(
        "segment {segment} (byte {offset}): its digest is {actual}, expected {expected}: the stream is damaged; \
         restore it from another copy"
    )]
    DigestMismatch {
        /// The segment.
        segment: SegmentIndex,
        /// Offset of the record in the stream.
        offset: WireOffset,
        /// The digest stored in the record, in hexadecimal.
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
        /// Offset of the frame in the stream.
        offset: WireOffset,
        /// Why.
        source: FrameError,
    },
    /// The record is not the segment that this stream must have at this offset.
    #[error("segment {segment} (byte {offset}): its {reason} is {actual}, expected {expected}")]
    InvalidSegment {
        /// The segment expected.
        segment: SegmentIndex,
        /// Offset of its record in the stream.
        offset: WireOffset,
        /// Which part is wrong.
        reason: SegmentReason,
        /// The value expected.
        expected: String,
        /// The value found.
        actual: String,
    },
    /// The journal of finished segments could not be written. The operation continued without it; its report contains this
    /// error.
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

    /// The record at `offset` is not the expected segment.
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
