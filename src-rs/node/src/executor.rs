//! The threads that run operations: plain threads, a few, in two lanes.
//!
//! They are not the pool's, which must not be blocked by an operation that waits for it, and not libuv's four, which
//! the program needs for its own files. Small operations have a lane of their own, so that none waits behind a large one.

use sealstream::{CancellationToken, SealFailure};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Which queue an operation stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    /// A few milliseconds at most.
    Small,
    /// Any length.
    Large,
}

/// Work for a thread.
pub(crate) struct Job {
    /// Raised when the work is not wanted any more.
    pub(crate) cancel: CancellationToken,
    /// Is called once: with `Ok` to do the work, or with why no thread can.
    pub(crate) run: Box<dyn FnOnce(Result<(), SealFailure>) + Send>,
}

/// Runs `job` on a thread of `lane`, first come, first served.
pub(crate) fn submit(lane: Lane, job: Job) {
    match lane {
        Lane::Small => SMALL.submit(job),
        Lane::Large => LARGE.submit(job),
    }
}

/// Runs the jobs that were cancelled while they waited, on this thread: they end at once, and need not wait for that
/// behind others that take long.
pub(crate) fn run_cancelled() {
    for job in [&SMALL, &LARGE].into_iter().flat_map(Executor::take_cancelled) {
        (job.run)(Ok(()));
    }
}

struct Executor {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Executor {
    const fn new() -> Self {
        let state = State {
            queue: VecDeque::new(),
            threads: 0,
            idle: 0,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
        }
    }

    fn submit(&'static self, job: Job) {
        let mut state = self.lock();
        state.queue.push_back(job);
        if state.idle >= state.queue.len() {
            self.work.notify_one();
            return;
        }
        if state.threads >= limit() {
            return;
        }
        state.threads += 1;
        let started = thread::Builder::new()
            .name("sealstream".into())
            .spawn(move || self.serve());
        let Err(error) = started else { return };
        state.threads -= 1;
        // While there is another thread the job stays in its queue.
        if state.threads == 0
            && let Some(job) = state.queue.pop_back()
        {
            drop(state);
            (job.run)(Err(SealFailure::ThreadsUnavailable {
                message: error.to_string(),
            }));
        }
    }

    fn take_cancelled(&self) -> Vec<Job> {
        let mut state = self.lock();
        let (cancelled, wanted) = state.queue.drain(..).partition(|job| job.cancel.is_cancelled());
        state.queue = wanted;
        Vec::from(cancelled)
    }

    /// A thread's life: jobs, until none has come for a while.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                (job.run)(Ok(()));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let waited = self
                .work
                .wait_timeout_while(state, IDLE_LIFE, |state| state.queue.is_empty());
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads of a lane: enough for the machine, and for a few operations to wait for the disk side by side.
fn limit() -> usize {
    thread::available_parallelism()
        .map_or(MIN_LIMIT, usize::from)
        .max(MIN_LIMIT)
}

static SMALL: Executor = Executor::new();
static LARGE: Executor = Executor::new();
const MIN_LIMIT: usize = 4;
const IDLE_LIFE: Duration = Duration::from_secs(5);
