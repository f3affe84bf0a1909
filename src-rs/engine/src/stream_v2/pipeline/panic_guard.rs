//! A panic becomes an error of its segment.

use crate::format::SegmentIndex;
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the work on a segment. A panic, which is a bug, fails this segment and no other.
///
/// # Errors
/// Those of `work`; `FrameWorkerDisconnected` after a panic.
pub(crate) fn guard<T, E: From<SegmentWorkerError>>(
    segment: SegmentIndex,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    // A panic leaves only this segment's buffer half done, and it is not read after an error.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(SegmentWorkerError::FrameWorkerDisconnected { segment }.into()))
}
