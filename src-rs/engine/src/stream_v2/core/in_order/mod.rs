//! Sealing and opening in order: the segments of a reader through the pipeline's window into a writer.

mod delivery;
mod open;
mod seal;
mod skip_damage;
mod source;

pub(crate) use open::open_in_order;
pub(crate) use seal::seal_in_order;
pub(crate) use skip_damage::open_around_damage_in_order;

use crate::error::SealError;
use crate::format::SegmentIndex;
use crate::stream_v2::segment_worker::SegmentWorkerError;

/// A result that never came, which only a bug in the pool could bring about.
fn lost<T>() -> Result<T, SealError> {
    Err(SegmentWorkerError::FrameWorkerDisconnected {
        segment: SegmentIndex::ZERO,
    }
    .into())
}
