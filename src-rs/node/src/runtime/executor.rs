//! The threads that run operations: a few plain threads, in three lanes.
//!
//! An operation waits for its pool, so it must not block one of the pool's threads. Libuv's four threads belong to the program.
//!
//! Small operations have a lane of their own, so that none waits for a large one. So have operations that spend their time stretching
//! passphrases: the engine limits the memory that these take together, and most of them wait there.

use crate::runtime::pools::{end_idle_pools, parallelism};
use crate::runtime::spare_buffers::free_spare_buffers;
use sealstream::{CancellationToken, SealError};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The queue of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    /// For a few milliseconds of work: about 2 MiB at most, on one thread.
    Small,
    /// For work of any length.
    Large,
    /// For stretching passphrases, which takes a second or more and much memory.
    Passphrases,
}

/// Work for a thread.
pub(crate) struct Job {
    /// Cancels the work.
    pub(crate) cancel: CancellationToken,
    /// Threads of its pool; 0 if it runs on the executor's thread alone.
    pub(crate) threads: usize,
    /// Called once: with `Ok` to do the work, or with the reason why there is no thread for it.
    pub(crate) run: Box<dyn FnOnce(Result<(), SealError>) + Send>,
}

/// Runs `job` on a thread of `lane`, first come, first served.
pub(crate) fn submit(lane: Lane, job: Job) {
    let [small, large, passphrases] = &LANES;
    let executor = match lane {
        Lane::Small => small,
        Lane::Large => large,
        Lane::Passphrases => passphrases,
    };
    executor.submit(job);
}

/// Runs the jobs that were cancelled while they waited, on this thread. They end at once, instead of waiting for long jobs.
pub(crate) fn run_cancelled() {
    for job in LANES.iter().flat_map(Executor::take_cancelled) {
        (job.run)(Ok(()));
    }
}

struct Executor {
    state: Mutex<State>,
    work: Condvar,
    /// The number of threads. Each runs one operation.
    limit: fn() -> usize,
    /// Called when the last thread has ended.
    at_rest: fn(),
}

struct State {
    queue: VecDeque<Job>,
    /// Threads in the pools of all running jobs.
    working: usize,
    threads: usize,
    idle: usize,
    /// Threads whose job waits for JavaScript. They do not count against the limit: before it answers, JavaScript may wait for an
    /// operation of its own.
    waiting: usize,
}

/// The job that a thread runs.
#[derive(Clone)]
pub(crate) struct Serving {
    lane: &'static Executor,
    threads: usize,
    /// How many of the job's threads wait for JavaScript. Changed under the lane's lock.
    waits: Arc<AtomicUsize>,
}

thread_local! {
    static SERVING: RefCell<Option<Serving>> = const { RefCell::new(None) };
}

/// Waits for JavaScript in a job's own thread. Other jobs may begin meanwhile.
pub(crate) fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    match Serving::current() {
        Some(serving) => serving.waiting(wait),
        None => wait(),
    }
}

impl Serving {
    /// The job of this thread, if it is an executor's own.
    pub(crate) fn current() -> Option<Self> {
        SERVING.with_borrow(Clone::clone)
    }

    /// Waits for JavaScript in any thread of the job. Other jobs may begin meanwhile.
    pub(crate) fn waiting<T>(&self, wait: impl FnOnce() -> T) -> T {
        let Self { lane, threads, waits } = self;
        let mut state = lane.lock();
        let is_first = waits.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first {
            state.waiting += 1;
            state.working -= threads;
        }
        if is_first && state.has_work() {
            lane.find_thread(state);
        } else {
            drop(state);
        }
        let result = wait();
        let mut state = lane.lock();
        if waits.fetch_sub(1, Ordering::Relaxed) == 1 {
            state.waiting -= 1;
            state.working += threads;
        }
        drop(state);
        result
    }
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

    /// Has an idle thread look at the queue, or a new one.
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
            // The job before it needed more threads.
            self.work.notify_all();
        }
        Vec::from(cancelled)
    }

    /// Runs jobs on this thread, until none has come for a while.
    fn serve(&'static self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.take() {
                let threads = job.threads;
                drop(state);
                let waits = Arc::default();
                SERVING.set(Some(Serving {
                    lane: self,
                    threads,
                    waits,
                }));
                (job.run)(Ok(()));
                SERVING.set(None);
                state = self.lock();
                state.working -= threads;
                if threads > 0 && state.idle > 0 && !state.queue.is_empty() {
                    // There may be threads for several jobs now.
                    self.work.notify_all();
                }
                continue;
            }
            state.idle += 1;
            let waited = self
                .work
                .wait_timeout_while(state, IDLE_TIMEOUT, |state| !state.has_work());
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
        let job = self.has_work().then(|| self.queue.pop_front()).flatten()?;
        self.working += job.threads;
        Some(job)
    }

    /// Whether the first job may begin. A single job always may. Others may while all jobs together have at most as many threads as
    /// [`PARALLEL_OPERATIONS`] operations on all of the machine's threads. So 2 cores run 4 operations on 8 threads in all; 64 cores run
    /// 4 operations on 64 threads each, or 64 on 4 threads each, but not 64 on 64 each.
    fn has_work(&self) -> bool {
        self.queue.front().is_some_and(|job| {
            self.working == 0 || self.working + job.threads <= PARALLEL_OPERATIONS * parallelism()
        })
    }
}

/// Threads of most lanes: enough for the machine, and for a few operations that wait for the disk.
fn limit() -> usize {
    parallelism().max(PARALLEL_OPERATIONS)
}

/// In the order of [`Lane`].
static LANES: [Executor; 3] = [
    Executor::new(limit, free_spare_buffers),
    Executor::new(limit, || {
        end_idle_pools();
        free_spare_buffers();
    }),
    Executor::new(|| STRETCHING_OPERATIONS, || ()),
];
const PARALLEL_OPERATIONS: usize = 4;
/// More than can be stretched at a time, so that a few costly passphrases do not take all threads.
const STRETCHING_OPERATIONS: usize = 32;
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
