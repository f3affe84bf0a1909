//! Sealing and opening in order: the segments of a reader through the pipeline's window into a writer.

mod delivery;
mod open;
mod seal;
mod source;
mod tolerant;

pub(super) use open::open_in_order;
pub(super) use seal::seal_in_order;
pub(super) use tolerant::open_tolerantly;

use super::failure::SealFailure;
use super::segment_worker::SegmentWorkerError;
use crate::headers::SegmentIndex;

/// A result that never came, which only a bug in the pool could bring about.
fn lost<T>() -> Result<T, SealFailure> {
    Err(SegmentWorkerError::FrameWorkerDisconnected {
        segment: SegmentIndex::ZERO,
    }
    .into())
}
