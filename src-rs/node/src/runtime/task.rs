//! Operations that run beside JavaScript: a promise now, its settlement from another thread.

use crate::runtime::executor::{Job, Lane, run_cancelled, submit};
use crate::runtime::pools::{Lease, parallelism};
use crate::runtime::segment_log::{SegmentSettings, SegmentWatch};
use crate::runtime::teardown::Ticket;
use crate::types::failure::{Panicked, rejection};
use napi::bindgen_prelude::{ClassInstance, Object, ToNapiValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use sealstream::{CancellationToken, Control, SealError, telemetry};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Stops the operation that was given it. Of use once.
#[napi]
#[derive(Default)]
pub struct Cancellation {
    token: CancellationToken,
}

#[napi]
impl Cancellation {
    /// One that has not been used.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the operation to stop; it ends with `Cancelled` unless it is done by then. One that still waits for a thread
    /// ends when that comes, or with [`end_cancelled`].
    #[napi]
    pub fn cancel(&self) {
        self.token.cancel();
    }
}

/// Ends the operations that were cancelled while they waited for a thread. It looks at all that wait, so call it once for
/// many.
#[napi]
pub fn end_cancelled() {
    run_cancelled();
}

/// How far an operation is.
#[napi(object, object_from_js = false)]
pub struct Progress {
    /// Bytes that are done: of the plaintext, or of the sealed segments where these are only checked.
    pub bytes_done: f64,
    /// Bytes in all, where that is known.
    pub bytes_total: Option<f64>,
}

/// How to run an operation; what is absent is not wanted.
#[napi(object, object_to_js = false)]
pub struct RunSettings<'env> {
    /// Threads that work on segments; 0 for as many as the machine runs at once.
    pub threads: u32,
    /// Stops it.
    #[napi(ts_type = "Cancellation")]
    pub cancellation: Option<ClassInstance<'env, Cancellation>>,
    /// Is told how far it is.
    #[napi(ts_type = "(progress: Progress) => void")]
    pub on_progress: Option<OnProgress>,
    /// Is told of every segment that is done.
    pub segments: Option<SegmentSettings<'env>>,
}

/// Weak: it does not keep the event loop alive. Not callee-handled: the listener gets no error in front.
pub type OnProgress = ThreadsafeFunction<Progress, (), Progress, Status, false, true>;

/// What an operation needs besides its data.
pub(crate) struct Task {
    cancel: CancellationToken,
    on_progress: Option<OnProgress>,
    segments: Option<SegmentWatch>,
    /// `None` for the caller's thread alone.
    threads: Option<usize>,
    lane: Lane,
}

impl Task {
    /// An operation of any length.
    pub(crate) fn large(run: RunSettings<'_>) -> Self {
        let cancel = run
            .cancellation
            .map(|cancellation| cancellation.token.clone())
            .unwrap_or_default();
        let threads = match run.threads {
            0 => parallelism(),
            threads => threads as usize,
        };
        Self {
            cancel,
            on_progress: run.on_progress,
            segments: run.segments.map(SegmentWatch::from),
            threads: Some(threads),
            lane: Lane::Large,
        }
    }

    /// The same operation, in the lane of small ones and without a pool, if it handles at most [`SMALL_SIZE`] bytes.
    pub(crate) fn of_size(self, bytes: usize) -> Self {
        if bytes <= SMALL_SIZE {
            Self {
                threads: None,
                lane: Lane::Small,
                ..self
            }
        } else {
            self
        }
    }

    /// The same operation in the lane of passphrases if `stretches` one, and it is a small one otherwise.
    pub(crate) fn stretching(self, stretches: bool) -> Self {
        let lane = match self.lane {
            Lane::Small if stretches => Lane::Passphrases,
            lane => lane,
        };
        Self { lane, ..self }
    }

    /// Work for one thread on `bytes` bytes. Up to twice [`SMALL_SIZE`], it is a small operation: a read of that size takes
    /// some frames more than it gives.
    pub(crate) fn alone(cancellation: Option<&Cancellation>, bytes: u64) -> Self {
        let lane = if bytes <= 2 * SMALL_SIZE as u64 {
            Lane::Small
        } else {
            Lane::Large
        };
        Self {
            cancel: cancellation
                .map(|cancellation| cancellation.token.clone())
                .unwrap_or_default(),
            lane,
            ..Self::short()
        }
    }

    /// Work of any length for one thread.
    pub(crate) fn long(cancellation: Option<&Cancellation>) -> Self {
        Self {
            lane: Lane::Large,
            ..Self::alone(cancellation, 0)
        }
    }

    /// A short operation that can't be cancelled.
    pub(crate) fn short() -> Self {
        Self {
            cancel: CancellationToken::new(),
            on_progress: None,
            segments: None,
            threads: None,
            lane: Lane::Small,
        }
    }

    /// Runs `work` on a thread of the executor, and settles the promise with what it returns.
    ///
    /// What `work` holds is dropped on the JavaScript thread when the promise settles, so it may own references to
    /// JavaScript's buffers.
    pub(crate) fn launch<'env, T, W>(self, env: &'env Env, mut work: W) -> Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        W: FnMut(&Control<'_>) -> std::result::Result<T, SealError> + Send + 'static,
    {
        let ticket = Ticket::take(env, self.cancel.clone())?;
        let (deferred, promise) = ticket.promises().create(env)?;
        let (lane, cancel, threads) = (self.lane, self.cancel.clone(), self.threads.unwrap_or(0));
        let run = move |started: std::result::Result<(), SealError>| {
            let outcome = catch_unwind(AssertUnwindSafe(|| started.and_then(|()| self.run(&mut work))));
            // The listener goes before the settlement: nobody is told anything after it.
            drop(self);
            // A promise that is never settled would keep the event loop alive for ever.
            deferred.settle(move |env| {
                drop(work);
                match outcome {
                    Ok(Ok(value)) => Ok(value),
                    Ok(Err(failure)) => Err(rejection(&env, &failure)?),
                    Err(_) => Err(Panicked.into()),
                }
            });
            // Only now: the environment must not go while its promise is being settled.
            drop(ticket);
        };
        submit(
            lane,
            Job {
                cancel,
                threads,
                run: Box::new(run),
            },
        );
        Ok(promise)
    }

    fn run<T>(
        &self,
        work: &mut impl FnMut(&Control<'_>) -> std::result::Result<T, SealError>,
    ) -> std::result::Result<T, SealError> {
        if self.cancel.is_cancelled() {
            return Err(SealError::Cancelled);
        }
        let lease = self.threads.map_or_else(|| Ok(Lease::serial()), Lease::take)?;
        let tell = |progress: telemetry::Progress| {
            if let Some(on_progress) = &self.on_progress {
                on_progress.call(progress.into(), ThreadsafeFunctionCallMode::NonBlocking);
            }
        };
        let progress = self
            .on_progress
            .is_some()
            .then_some(&tell as &(dyn Fn(_) + Send + Sync));
        let tell_segment = |done: &telemetry::SegmentDone| {
            if let Some(watch) = &self.segments {
                watch.tell(done);
            }
        };
        let segments = self.segments.is_some().then_some(&tell_segment as _);
        work(&Control {
            threads: lease.threads(),
            cancel: self.cancel.clone(),
            progress,
            segments,
        })
    }
}

impl From<telemetry::Progress> for Progress {
    fn from(progress: telemetry::Progress) -> Self {
        Self {
            bytes_done: progress.bytes_done as f64,
            bytes_total: progress.bytes_total.map(|total| total as f64),
        }
    }
}

/// Up to here one thread is done before a pool has woken.
const SMALL_SIZE: usize = 1024 * 1024;
