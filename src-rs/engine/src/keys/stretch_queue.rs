//! Limits the memory that running derivations of passphrases take together. Who waits can be cancelled.
//!
//! Small derivations have a queue of their own, so that none waits for a large one that a hostile header asked for.

use super::memory_limit;
use crate::crypto::CryptoError;
use crate::format::PassphraseCost;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The right to use the memory of one derivation, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    queue: &'static StretchQueue,
    size: Size,
    kib: u64,
}

#[derive(Clone, Copy, Debug)]
enum Size {
    Small,
    Large,
}

/// The derivations of the process.
#[derive(Debug)]
pub(super) struct StretchQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    next_ticket: u64,
    small: Queue,
    large: Queue,
}

#[derive(Debug)]
struct Queue {
    running_kib: u64,
    waiting: VecDeque<u64>,
}

/// The queue of this process.
pub(super) static QUEUE: StretchQueue = StretchQueue::new();

impl StretchQueue {
    const fn new() -> Self {
        const fn queue() -> Queue {
            Queue {
                running_kib: 0,
                waiting: VecDeque::new(),
            }
        }
        Self {
            state: Mutex::new(State {
                next_ticket: 0,
                small: queue(),
                large: queue(),
            }),
            changed: Condvar::new(),
        }
    }

    /// Waits until a derivation of this cost may run: first come, first served among small ones, and among large ones.
    ///
    /// # Errors
    /// `Cancelled`. `MemoryLimit` if the container of this process does not have the memory, even when nothing else runs.
    pub(super) fn enter(
        &'static self,
        cost: PassphraseCost,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Permit, CryptoError> {
        self.enter_on(Path::new("/"), cost, is_cancelled)
    }

    /// As [`enter`](Self::enter), with the system's files below `root`.
    fn enter_on(
        &'static self,
        root: &Path,
        cost: PassphraseCost,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Permit, CryptoError> {
        let kib = u64::from(cost.memory_kib());
        let size = if kib <= MAX_SMALL_KIB {
            Size::Small
        } else {
            Size::Large
        };
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket = ticket.wrapping_add(1);
        state.queue(size).waiting.push_back(ticket);
        loop {
            if is_cancelled() {
                return Err(self.leave(state, size, ticket, CryptoError::Cancelled));
            }
            let others = state.small.running_kib.saturating_add(state.large.running_kib);
            if state.is_next(size, ticket, kib) {
                let available = memory_limit::available(root).map(|bytes| bytes / 1024);
                // Whether the others have touched all of their memory is not known, so it counts as if they had not.
                if available.is_none_or(|available| others.saturating_add(kib) <= available) {
                    let queue = state.queue(size);
                    queue.waiting.pop_front();
                    queue.running_kib = queue.running_kib.saturating_add(kib);
                    drop(state);
                    self.changed.notify_all();
                    return Ok(Permit {
                        queue: self,
                        size,
                        kib,
                    });
                }
                if let Some(available_kib) = available.filter(|_| others == 0) {
                    let error = CryptoError::MemoryLimit {
                        needed_kib: kib,
                        available_kib,
                    };
                    return Err(self.leave(state, size, ticket, error));
                }
            }
            let woken = self.changed.wait_timeout(state, CANCEL_INTERVAL);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn leave(
        &self,
        mut state: MutexGuard<'_, State>,
        size: Size,
        ticket: u64,
        error: CryptoError,
    ) -> CryptoError {
        state.queue(size).waiting.retain(|&waiting| waiting != ticket);
        drop(state);
        self.changed.notify_all();
        error
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn queue(&mut self, size: Size) -> &mut Queue {
        match size {
            Size::Small => &mut self.small,
            Size::Large => &mut self.large,
        }
    }

    /// Whether this is the first that waits, and there is memory for it. A single derivation may take any.
    fn is_next(&mut self, size: Size, ticket: u64, kib: u64) -> bool {
        let most = match size {
            Size::Small => MAX_SMALL_TOTAL_KIB,
            Size::Large => MAX_LARGE_TOTAL_KIB,
        };
        let queue = self.queue(size);
        let fits = queue.running_kib == 0 || queue.running_kib.saturating_add(kib) <= most;
        fits && queue.waiting.front() == Some(&ticket)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let queue = state.queue(self.size);
        queue.running_kib = queue.running_kib.saturating_sub(self.kib);
        drop(state);
        self.queue.changed.notify_all();
    }
}

/// The largest small derivation, 256 MiB: four times the default cost.
const MAX_SMALL_KIB: u64 = 256 * 1024;
/// Memory of all small derivations that run at a time, 1 GiB.
const MAX_SMALL_TOTAL_KIB: u64 = 1024 * 1024;
/// Memory of all large derivations that run at a time, unless one alone takes more: 2 GiB.
const MAX_LARGE_TOTAL_KIB: u64 = 2 * 1024 * 1024;
/// How often a cancellation is looked at.
pub(super) const CANCEL_INTERVAL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn new_queue() -> &'static StretchQueue {
        Box::leak(Box::new(StretchQueue::new()))
    }

    fn mib(mib: u32) -> PassphraseCost {
        PassphraseCost::new(mib * 1024, 1, 1).unwrap()
    }

    #[test]
    fn a_small_derivation_does_not_wait_for_large_ones() {
        let queue = new_queue();
        let large = queue.enter(mib(2048), &|| false).unwrap();
        let waits = AtomicBool::new(true);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(queue.enter(mib(2048), &|| !waits.load(Ordering::Relaxed))));
            while queue.lock().large.waiting.is_empty() {
                std::thread::yield_now();
            }
            drop(queue.enter(mib(64), &|| false).unwrap());
            waits.store(false, Ordering::Relaxed);
        });
        drop(large);
        let state = queue.lock();
        assert_eq!((state.small.running_kib, state.large.running_kib), (0, 0));
        assert!(state.large.waiting.is_empty());
    }

    #[test]
    fn one_that_waits_can_be_cancelled_and_the_next_one_runs() {
        let queue = new_queue();
        let running = [(); 4].map(|()| queue.enter(mib(256), &|| false).unwrap());
        assert_eq!(queue.enter(mib(8), &|| true).unwrap_err(), CryptoError::Cancelled);
        let is_full = || queue.lock().small.running_kib == MAX_SMALL_TOTAL_KIB;
        assert!(is_full());
        std::thread::scope(|scope| {
            let next = scope.spawn(|| queue.enter(mib(8), &|| false).map(drop));
            while queue.lock().small.waiting.is_empty() {
                std::thread::yield_now();
            }
            drop(running);
            assert_eq!(next.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn a_container_without_the_memory_refuses_before_anything_is_allocated() {
        let root = memory_limit::tests::container(
            "0::/\n",
            &[("memory.max", "104857600"), ("memory.current", "52428800")],
        );
        let queue = new_queue();
        assert_eq!(
            queue.enter_on(root.path(), mib(64), &|| false).unwrap_err(),
            CryptoError::MemoryLimit {
                needed_kib: 64 * 1024,
                available_kib: 50 * 1024
            }
        );
        assert!(queue.lock().small.waiting.is_empty());
        drop(queue.enter_on(root.path(), mib(50), &|| false).unwrap());
    }
}
