//! Thread pools for operations: one operation has a pool to itself, and leaves it to the next.
//!
//! Starting a pool costs some 100 µs. Sharing one would let a job of one operation run inside a waiting job of another.

use sealstream::{SealFailure, Threads};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

/// A pool of one operation, given back when this is dropped.
pub(crate) struct Lease {
    threads: Threads,
}

impl Lease {
    /// A pool of `count` threads, or of as many as the machine runs at once for 0.
    pub(crate) fn take(count: usize) -> Result<Self, SealFailure> {
        let count = if count == 0 {
            available_parallelism().map_or(1, usize::from)
        } else {
            count
        };
        let idle = {
            let mut pools = idle_pools();
            pools
                .iter()
                .position(|threads| threads.count() == count)
                .map(|at| pools.swap_remove(at))
        };
        let threads = match idle {
            Some(threads) => threads,
            None => Threads::new(count)?,
        };
        Ok(Self { threads })
    }

    /// The caller's thread alone.
    pub(crate) const fn serial() -> Self {
        Self {
            threads: Threads::Serial,
        }
    }

    /// The threads to work on.
    pub(crate) fn threads(&self) -> Threads {
        self.threads.clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if matches!(self.threads, Threads::Pool(_)) {
            let mut pools = idle_pools();
            if pools.len() < MAX_IDLE {
                pools.push(self.threads.clone());
            }
        }
    }
}

fn idle_pools() -> MutexGuard<'static, Vec<Threads>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

static IDLE: Mutex<Vec<Threads>> = Mutex::new(Vec::new());
/// Pools that wait for an operation; one more that comes back ends.
const MAX_IDLE: usize = 4;
