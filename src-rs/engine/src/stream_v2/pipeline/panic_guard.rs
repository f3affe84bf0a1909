//! How a segment's frames are split over a pool, and the edge at which a panic becomes an error.

use crate::format::SegmentIndex;
use crate::stream_v2::segment_worker::{Join, SegmentWorkerError};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Splits the frames of one segment over the pool that it is called in, by work stealing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rayon;

impl Join for Rayon {
    const PARALLEL: bool = true;

    fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        rayon::join(a, b)
    }
}

/// Runs a segment's work; a panic, which is a bug, costs this segment and nothing else.
pub(crate) fn guard<T>(segment: SegmentIndex, work: impl FnOnce() -> T) -> Result<T, SegmentWorkerError> {
    // What the closure leaves half done is this segment's buffer, which nobody reads after an error.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| SegmentWorkerError::FrameWorkerDisconnected { segment })
}
