//! The threads of an operation.

use crate::error::SealError;
use rayon::ThreadPool;
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
    pub fn new(count: usize) -> Result<Self, SealError> {
        let count = if count == 0 { available_threads() } else { count };
        if count == 1 {
            return Ok(Self::Serial);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|index| format!("sealstream-{index}"))
            .build()
            .map_err(|error| SealError::ThreadsUnavailable {
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
