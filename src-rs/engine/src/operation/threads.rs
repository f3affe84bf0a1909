//! The threads of an operation.

use crate::error::SealError;
use rayon::ThreadPool;
use std::sync::Arc;

/// The threads of an operation: the caller's thread, or a pool that operations may share.
#[derive(Clone, Debug)]
pub enum Threads {
    /// All work is done on the caller's thread.
    Serial,
    /// Segments are processed on a pool.
    Pool(Arc<ThreadPool>),
}

impl Threads {
    /// New threads for one operation. 1 is the caller's thread; 0 is as many threads as the machine runs at once.
    ///
    /// # Errors
    /// `ThreadsUnavailable`.
    pub fn new(count: usize) -> Result<Self, SealError> {
        let count = if count == 0 { available_threads() } else { count };
        if count == 1 {
            return Ok(Self::Serial);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|index| format!("sealstream-{index}"))
            .build()
            .map_err(SealError::no_threads)?;
        Ok(Self::Pool(Arc::new(pool)))
    }

    /// Number of threads that process segments.
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
