//! Thread pools for operations: one operation has a pool to itself, and leaves it to the next.
//!
//! Starting a pool costs some 100 µs. Sharing one would let a job of one operation run inside a waiting job of another.
//! Idle pools end with the executor's threads, a few seconds after the last operation.

use sealstream::{SealError, Threads};
use std::mem;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// A pool of one operation, given back when this is dropped.
pub(crate) struct Lease {
    threads: Threads,
}

impl Lease {
    /// A pool of `count` threads, at least 1.
    pub(crate) fn take(count: usize) -> Result<Self, SealError> {
        let idle = {
            let mut pools = idle_pools();
            pools
                .iter()
                .rposition(|threads| threads.count() == count)
                .map(|at| pools.remove(at))
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
        // One of more threads than the machine runs was an experiment.
        if matches!(self.threads, Threads::Serial) || self.threads.count() > parallelism() {
            return;
        }
        let mut pools = idle_pools();
        let oldest = (pools.len() == MAX_IDLE).then(|| pools.remove(0));
        pools.push(self.threads.clone());
        drop(pools);
        // Without the lock: it tells its threads to end.
        drop(oldest);
    }
}

/// Ends the pools that wait for an operation.
pub(crate) fn end_idle_pools() {
    let pools = mem::take(&mut *idle_pools());
    drop(pools);
}

/// Threads that the machine runs at once.
pub(crate) fn parallelism() -> usize {
    // Asked once: it reads files on Linux.
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

fn idle_pools() -> MutexGuard<'static, Vec<Threads>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

static IDLE: Mutex<Vec<Threads>> = Mutex::new(Vec::new());
/// Pools that wait for an operation, in the order in which they came back; one more takes the oldest's place.
const MAX_IDLE: usize = 4;
