//! Thread pools for operations. An operation has a pool to itself and then leaves it to the next one.
//!
//! Starting a pool takes about 100 µs. In a shared pool, a job of one operation could run inside a waiting job of another. Idle pools end
//! with the executor's threads, a few seconds after the last operation.

use sealstream::{SealError, Threads};
use std::mem;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// The pool of one operation. It is returned when this is dropped.
pub(crate) struct Lease {
    pub(crate) threads: Threads,
}

impl Lease {
    /// Takes a pool of `count` threads, or none, to work on the calling thread alone.
    pub(crate) fn take(count: Option<usize>) -> Result<Self, SealError> {
        let Some(count) = count else {
            let threads = Threads::Serial;
            return Ok(Self { threads });
        };
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
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A pool that is larger than the machine is rarely needed again.
        if matches!(self.threads, Threads::Serial) || self.threads.count() > parallelism() {
            return;
        }
        let mut pools = idle_pools();
        let oldest = (pools.len() == MAX_IDLE).then(|| pools.remove(0));
        pools.push(self.threads.clone());
        drop(pools);
        // Without the lock, because dropping a pool signals its threads.
        drop(oldest);
    }
}

/// Ends the idle pools.
pub(crate) fn end_idle_pools() {
    let pools = mem::take(&mut *idle_pools());
    drop(pools);
}

/// Threads that the machine runs in parallel.
pub(crate) fn parallelism() -> usize {
    // Once, because it reads files on Linux.
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

fn idle_pools() -> MutexGuard<'static, Vec<Threads>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

static IDLE: Mutex<Vec<Threads>> = Mutex::new(Vec::new());
/// The largest number of idle pools. They are in the order in which they were returned; a further one replaces the oldest.
const MAX_IDLE: usize = 4;
