//! Operations that run beside JavaScript: the call returns a promise, which another thread settles.

use crate::runtime::executor::{Job, Lane, run_cancelled, submit};
use crate::runtime::pools::{Lease, parallelism};
use crate::runtime::segment_log::{SegmentListener, SegmentSettings};
use crate::runtime::teardown::Ticket;
use crate::types::convert::{IntoJs, object};
use crate::types::failure::Failure;
use napi::bindgen_prelude::{ClassInstance, Object, ToNapiValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use sealstream::format::SlotType;
use sealstream::{CancellationToken, Control, SealError, telemetry};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Cancels the operation that it was passed to. For one operation only.
#[napi]
#[derive(Default)]
pub struct Cancellation {
    token: CancellationToken,
}

#[napi]
impl Cancellation {
    /// A new one.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the operation to stop. It fails with `Cancelled` unless it is finished by then. An operation that waits for a thread
    /// fails when it gets one, or when [`end_cancelled`] is called.
    #[napi]
    pub fn cancel(&self) {
        self.token.cancel();
    }
}

/// Ends the operations that were cancelled while they waited for a thread. It looks at all waiting operations: call it once after
/// cancelling several.
#[napi]
pub fn end_cancelled() {
    run_cancelled();
}

object! {
    /// Progress of an operation.
    OperationProgress from progress: telemetry::Progress {
        /// Bytes processed so far: plaintext, or sealed segments for an operation that only checks them.
        bytes_done: f64,
        /// Bytes in all, if that is known.
        bytes_total: Option<f64>,
    }
}

/// How to run an operation.
#[napi(object, object_to_js = false)]
pub struct RunSettings<'env> {
    /// Threads that work on segments; 0 for as many as the machine runs in parallel.
    pub threads: u32,
    /// Cancels the operation.
    #[napi(ts_type = "Cancellation")]
    pub cancellation: Option<ClassInstance<'env, Cancellation>>,
    /// Called with the progress.
    #[napi(ts_type = "(progress: OperationProgress) => void")]
    pub on_progress: Option<OnProgress>,
    /// Receives every finished segment.
    pub segments: Option<SegmentSettings<'env>>,
}

/// Weak: it does not keep the event loop alive. Not callee-handled: the listener gets no error argument.
pub type OnProgress = ThreadsafeFunction<OperationProgress, (), OperationProgress, Status, false, true>;

/// An operation that has not started.
pub(crate) struct Task {
    cancel: CancellationToken,
    on_progress: Option<OnProgress>,
    segments: Option<SegmentListener>,
    /// Threads to lease from a pool; `None` to work on the executor's thread alone.
    threads: Option<usize>,
    lane: Lane,
}

impl Task {
    /// A short operation for one thread.
    pub(crate) fn new(cancellation: Option<&Cancellation>) -> Self {
        Self {
            cancel: cancellation
                .map(|cancellation| cancellation.token.clone())
                .unwrap_or_default(),
            on_progress: None,
            segments: None,
            threads: None,
            lane: Lane::Small,
        }
    }

    /// An operation of any length, for a pool of threads.
    pub(crate) fn parallel(run: RunSettings<'_>) -> Self {
        let threads = match run.threads {
            0 => parallelism(),
            threads => threads as usize,
        };
        Self {
            on_progress: run.on_progress,
            segments: run.segments.map(SegmentListener::from),
            threads: Some(threads),
            lane: Lane::Large,
            ..Self::new(run.cancellation.as_deref())
        }
    }

    /// The same operation, which processes this many bytes. A parallel operation on at most [`SMALL_SIZE`] bytes gets one thread, in
    /// the lane of small operations. An operation for one thread leaves that lane if it processes more than twice [`SMALL_SIZE`]: a
    /// read of [`SMALL_SIZE`] bytes opens some frames more than it returns.
    pub(crate) fn of_size(mut self, bytes: u64) -> Self {
        if self.threads.is_some() && bytes <= SMALL_SIZE {
            self.threads = None;
            self.lane = Lane::Small;
        } else if bytes > 2 * SMALL_SIZE {
            self.lane = Lane::Large;
        }
        self
    }

    /// The same operation, for recipients or identities with these types of slots. A small operation moves to the lane of passphrases
    /// if it derives a key from a passphrase, because that takes long.
    pub(crate) fn for_slots(mut self, mut slots: impl Iterator<Item = SlotType>) -> Self {
        if matches!(self.lane, Lane::Small) && slots.any(|slot| slot == SlotType::Passphrase) {
            self.lane = Lane::Passphrases;
        }
        self
    }

    /// Runs `work` on a thread of the executor and settles the promise with its result.
    ///
    /// What `work` owns is dropped on the JavaScript thread when the promise settles, so it may own references to JavaScript's
    /// buffers.
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
            // The listeners are dropped before the promise settles: nothing is called after it.
            drop(self);
            // A promise that is never settled would keep the event loop alive for ever.
            deferred.settle(move |env| {
                drop(work);
                match outcome {
                    Ok(Ok(value)) => Ok(value),
                    Ok(Err(failure)) => Err(failure.to_error(&env)?),
                    Err(_) => Err(Error::from_reason(
                        "an operation stopped without an answer (a bug in sealstream; please report it)",
                    )),
                }
            });
            // Last: the environment must not end while its promise is being settled.
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
        let lease = Lease::take(self.threads)?;
        let progress = self.on_progress.as_ref().map(|on_progress| {
            |progress: telemetry::Progress| {
                on_progress.call(progress.into_js(), ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
        let segments = self
            .segments
            .as_ref()
            .map(|listener| |done: &telemetry::SegmentDone| listener.add(done));
        work(&Control {
            threads: lease.threads.clone(),
            cancel: self.cancel.clone(),
            progress: progress.as_ref().map(|progress| progress as _),
            segments: segments.as_ref().map(|segments| segments as _),
        })
    }
}

/// A single thread is finished with this many bytes before a pool has woken.
const SMALL_SIZE: u64 = 1024 * 1024;
