//! Random access: of a stream whose end was verified, the frames that a range of the plaintext takes, and no others.
//!
//! A read has two steps, so that the bytes in between can come from anywhere: [`RangeReader::plan`] tells what is needed,
//! [`RangeReader::read`] opens it. What was opened stays in a cache, within a limit.

mod cache;
mod outer;
mod plan;
mod reader;

pub use outer::outer_ranges;
pub use plan::ReadPlan;
pub use reader::RangeReader;

use super::failure::SealFailure;
use super::segment_worker::SegmentWorkerError;
use crate::headers::SegmentIndex;

/// A plan that does not fit what it is used for, which only a bug could bring about.
const fn lost(segment: SegmentIndex) -> SealFailure {
    SealFailure::Segment {
        error: SegmentWorkerError::FrameWorkerDisconnected { segment },
    }
}
