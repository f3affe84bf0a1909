//! How many threads work, and the edge at which a panic becomes an error.

use crate::headers::SegmentIndex;
use crate::stream_v2::failure::SealFailure;
use crate::stream_v2::segment_worker::{Join, SegmentWorkerError};
use rayon::ThreadPool;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The threads of an operation: the caller's alone, or a pool that operations may share.
#[derive(Clone, Debug)]
pub enum Threads {
    /// No pool: everything on the caller's thread.
    Serial,
    /// A pool.
    Pool(Arc<ThreadPool>),
}

impl Threads {
    /// Threads of its own for one operation: none besides the caller's for 1, as many as the machine runs at once for 0.
    ///
    /// # Errors
    /// `ThreadsUnavailable`.
    pub fn new(count: usize) -> Result<Self, SealFailure> {
        let count = if count == 0 { available_threads() } else { count };
        if count == 1 {
            return Ok(Self::Serial);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|index| format!("sealstream-{index}"))
            .build()
            .map_err(|error| SealFailure::ThreadsUnavailable {
                message: error.to_string(),
            })?;
        Ok(Self::Pool(Arc::new(pool)))
    }

    /// Threads that work on segments.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Serial => 1,
            Self::Pool(pool) => pool.current_num_threads(),
        }
    }
}

fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

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
