//! The threads that run operations: plain threads, a few, in three lanes.
//!
//! They are not the pool's, which must not be blocked by an operation that waits for it, and not libuv's four, which
//! the program needs for its own files. Small operations have a lane of their own, so that none waits behind a large one, and so have those whose time goes into
//! stretching passphrases, of which one runs at a time.

use crate::runtime::pools::{end_idle_pools, parallelism};
use sealstream::{CancellationToken, SealError};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Which queue an operation stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    /// A few milliseconds at most: at most two MiB or so for one thread.
    Small,
    /// Any length.
    Large,
    /// Passphrases, and little else: a second or more, and much memory.
    Passphrases,
}

/// Work for a thread.
pub(crate) struct Job {
    /// Raised when the work is not wanted any more.
    pub(crate) cancel: CancellationToken,
    /// Threads that it is going to have at work; 0 if its executor's alone.
    pub(crate) threads: usize,
    /// Is called once: with `Ok` to do the work, or with why no thread can.
    pub(crate) run: Box<dyn FnOnce(Result<(), SealError>) + Send>,
}

/// Runs `job` on a thread of `lane`, first come, first served.
pub(crate) fn submit(lane: Lane, job: Job) {
    match lane {
        Lane::Small => SMALL.submit(job),
        Lane::Large => LARGE.submit(job),
        Lane::Passphrases => PASSPHRASES.submit(job),
    }
}

/// Runs the jobs that were cancelled while they waited, on this thread: they end at once, and need not wait for that
/// behind others that take long.
pub(crate) fn run_cancelled() {
    for job in [&SMALL, &LARGE, &PASSPHRASES]
        .into_iter()
        .flat_map(Executor::take_cancelled)
    {
        (job.run)(Ok(()));
    }
}

struct Executor {
    state: Mutex<State>,
    work: Condvar,
    /// Threads, each of which runs an operation.
    limit: fn() -> usize,
    /// Is called when the last thread has ended.
    at_rest: fn(),
}

struct State {
    queue: VecDeque<Job>,
    /// Threads that the running jobs have at work together.
    working: usize,
    threads: usize,
    idle: usize,
    /// Threads whose job waits for JavaScript. They count as little as if they were not there: what JavaScript does before
    /// it answers may be an operation too.
    waiting: usize,
}

/// The job that a thread serves.
#[derive(Clone, Copy)]
struct Serving {
    lane: &'static Executor,
    threads: usize,
}

thread_local! {
    static SERVING: Cell<Option<Serving>> = const { Cell::new(None) };
}

/// Waits for JavaScript in a job's own thread; others may begin meanwhile.
pub(crate) fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    let Some(Serving { lane, threads }) = SERVING.get() else {
        return wait();
    };
    let mut state = lane.lock();
    state.waiting += 1;
    state.working -= threads;
    if state.has_work() {
        lane.find_thread(state);
    } else {
        drop(state);
    }
    let result = wait();
    let mut state = lane.lock();
    state.waiting -= 1;
    state.working += threads;
    drop(state);
    result
}

impl Executor {
    const fn new(limit: fn() -> usize, at_rest: fn()) -> Self {
        let state = State {
            queue: VecDeque::new(),
            working: 0,
            threads: 0,
            idle: 0,
            waiting: 0,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            limit,
            at_rest,
        }
    }

    fn submit(&'static self, job: Job) {
        let mut state = self.lock();
        state.queue.push_back(job);
        self.find_thread(state);
    }

    /// Has somebody look at the queue: a thread that is idle, or a new one.
    fn find_thread(&'static self, mut state: MutexGuard<'_, State>) {
        if state.idle >= state.queue.len() {
            self.work.notify_one();
            return;
        }
        if state.threads - state.waiting >= (self.limit)() {
            return;
        }
        state.threads += 1;
        let started = thread::Builder::new()
            .name("sealstream".into())
            .spawn(move || self.serve());
        let Err(error) = started else { return };
        state.threads -= 1;
        // While there is another thread the job stays in its queue.
        if state.threads == state.waiting
            && let Some(job) = state.queue.pop_back()
        {
            drop(state);
            (job.run)(Err(SealError::ThreadsUnavailable {
                message: error.to_string(),
            }));
        }
    }

    fn take_cancelled(&self) -> Vec<Job> {
        let mut state = self.lock();
        let (cancelled, wanted) = state.queue.drain(..).partition(|job| job.cancel.is_cancelled());
        state.queue = wanted;
        if state.idle > 0 && state.has_work() {
            // One that needed more room stood in front of it.
            self.work.notify_all();
        }
        Vec::from(cancelled)
    }

    /// A thread's life: jobs, until none has come for a while.
    fn serve(&'static self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.take() {
                let threads = job.threads;
                drop(state);
                SERVING.set(Some(Serving { lane: self, threads }));
                (job.run)(Ok(()));
                SERVING.set(None);
                state = self.lock();
                state.working -= threads;
                if threads > 0 && state.idle > 0 && !state.queue.is_empty() {
                    // There may be room for several now.
                    self.work.notify_all();
                }
                continue;
            }
            state.idle += 1;
            let waited = self
                .work
                .wait_timeout_while(state, IDLE_LIFE, |state| !state.has_work());
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                let last = state.threads == 0;
                drop(state);
                if last {
                    (self.at_rest)();
                }
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<Job> {
        let job = if self.has_work() {
            self.queue.pop_front()
        } else {
            None
        }?;
        self.working += job.threads;
        Some(job)
    }

    /// Whether the first job may begin: alone it may always, beside others while [`SIDE_BY_SIDE`] operations of all the
    /// machine's threads would have as many. So 2 cores run 4 operations at once and have 8 threads at work; 64 cores run
    /// 4 on 64 threads each, or 64 on 4 each, and never 64 on 64 each.
    fn has_work(&self) -> bool {
        self.queue.front().is_some_and(|job| {
            self.working == 0 || self.working + job.threads <= SIDE_BY_SIDE * parallelism()
        })
    }
}

/// Threads of most lanes: enough for the machine, and for a few operations to wait for the
/// disk side by side.
fn limit() -> usize {
    parallelism().max(SIDE_BY_SIDE)
}

static SMALL: Executor = Executor::new(limit, || ());
static LARGE: Executor = Executor::new(limit, end_idle_pools);
static PASSPHRASES: Executor = Executor::new(|| 1, || ());
const SIDE_BY_SIDE: usize = 4;
const IDLE_LIFE: Duration = Duration::from_secs(5);
