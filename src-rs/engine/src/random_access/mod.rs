//! Random access: of a stream whose end was verified, the frames that a range of the plaintext takes, and no others.
//!
//! A read has two steps, so that the bytes in between can come from anywhere: [`RangeReader::plan`] tells what is needed,
//! [`RangeReader::read`] opens it. What was opened stays in a cache, within a limit.

mod cache;
mod open_ranges;
mod plan;
mod reader;

#[cfg(test)]
pub(crate) mod tests;

pub use open_ranges::open_ranges;
pub use plan::ReadPlan;
pub use reader::RangeReader;

use crate::error::SealError;
use crate::format::SegmentIndex;
use crate::stream_v2::segment_worker::SegmentWorkerError;

/// A plan that does not fit what it is used for, which only a bug could bring about.
const fn lost(segment: SegmentIndex) -> SealError {
    SealError::Segment {
        error: SegmentWorkerError::FrameWorkerDisconnected { segment },
    }
}
