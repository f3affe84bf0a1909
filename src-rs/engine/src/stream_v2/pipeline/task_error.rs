//! The error of work on a segment, which becomes a [`SealError`] at the end of the operation.

use crate::error::{Cancelled, SealError};
use crate::stream_v2::segment_worker::SegmentWorkerError;

/// Why work on a segment ended early.
#[derive(Debug)]
pub(crate) enum TaskError {
    /// The segment failed.
    Segment(SegmentWorkerError),
    /// The operation was cancelled.
    Cancelled,
    /// A failure of the whole operation, such as that of its source or sink.
    Fatal(SealError),
}

impl From<SegmentWorkerError> for TaskError {
    fn from(error: SegmentWorkerError) -> Self {
        Self::Segment(error)
    }
}

impl From<Cancelled> for TaskError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<SealError> for TaskError {
    fn from(error: SealError) -> Self {
        Self::Fatal(error)
    }
}

impl From<TaskError> for SealError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Segment(error) => error.into(),
            TaskError::Cancelled => Self::Cancelled,
            TaskError::Fatal(error) => error,
        }
    }
}
