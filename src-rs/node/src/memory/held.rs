//! Inputs of operations: a caller's bytes that other threads read while JavaScript runs.
//!
//! Bytes of up to [`CAPACITY`] bytes are copied at the call. Larger ones would stop JavaScript for too long. A thread that needs some of them
//! asks the JavaScript thread, which looks where the array's bytes are, checks that this has not changed, and copies at most
//! [`A_VISIT`] between two of its other tasks. Shared memory can't be detached, so threads read it in place.

use super::argument::BytesArgument;
use super::array::{Place, PlaceSource};
use super::reference::Reference;
use crate::runtime::executor::Serving;
use crate::runtime::promises::{Promises, Visit};
use crate::runtime::spare_buffers::{CAPACITY, SpareBuffer};
use crate::runtime::teardown::promises_of;
use napi::{Env, Result};
use sealstream::error::SizeRelation;
use sealstream::stream_v2::io::ReadAt;
use sealstream::{CancellationToken, SealError};
use std::io;
use std::io::IoSliceMut;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The bytes of a `Uint8Array`, for as long as an operation needs them.
#[derive(Clone)]
pub struct HeldBytes(Arc<Held>);

struct Held {
    size: usize,
    content: Content,
    /// The memory was found to be another than at the call.
    has_changed: AtomicBool,
}

enum Content {
    Copied(SpareBuffer),
    Shared {
        source: PlaceSource<'static>,
        /// Keeps the memory.
        _array: Reference,
    },
    Visited(Arc<Array>),
}

/// An array that only the JavaScript thread reads.
struct Array {
    reference: Reference,
    /// Where its bytes were at the call.
    address: usize,
    size: usize,
    promises: Arc<Promises>,
}

impl HeldBytes {
    /// Takes the array as it is now. `copies` says that all of it is copied at once. Must be called on the JavaScript thread.
    pub(super) fn take(env: &Env, bytes: BytesArgument<'_>, copies: bool) -> Result<Self> {
        let place = bytes.place()?;
        let content = if copies || place.size <= CAPACITY {
            Content::Copied(bytes.to_spare_buffer()?)
        } else if place.is_shared {
            Content::Shared {
                _array: Reference::new(bytes.env, bytes.value)?,
                // SAFETY: shared memory stays, with its size, while the reference lives.
                source: unsafe { PlaceSource::new(place) },
            }
        } else {
            Content::Visited(Arc::new(Array {
                reference: Reference::new(bytes.env, bytes.value)?,
                address: place.data.addr(),
                size: place.size,
                promises: promises_of(env)?,
            }))
        };
        Ok(Self(Arc::new(Held {
            size: place.size,
            content,
            has_changed: AtomicBool::new(false),
        })))
    }

    pub(crate) fn size(&self) -> usize {
        self.0.size
    }

    /// The bytes as a source for an operation's threads, called on its first.
    pub(crate) fn source<'a>(&'a self, cancel: &'a CancellationToken) -> Box<dyn ReadAt + 'a> {
        match &self.0.content {
            Content::Copied(bytes) => Box::new(&bytes[..]),
            Content::Shared { source, .. } => Box::new(source),
            Content::Visited(array) => Box::new(VisitedSource {
                held: self,
                array,
                cancel,
                serving: Serving::current(),
            }),
        }
    }

    /// Has `read` read the bytes on the JavaScript thread. It must not run JavaScript.
    pub(crate) fn read_now<T>(
        &self,
        read: impl FnOnce(&dyn ReadAt) -> std::result::Result<T, SealError>,
    ) -> std::result::Result<T, SealError> {
        match &self.0.content {
            Content::Copied(bytes) => read(&&bytes[..]),
            Content::Shared { source, .. } => read(source),
            Content::Visited(array) => match array.place() {
                Some(place) => {
                    // SAFETY: JavaScript does not run before `read` returns. The engine reads into memory of its own.
                    let source = unsafe { PlaceSource::new(place) };
                    read(&source)
                }
                None => Err(self.changed()),
            },
        }
    }

    /// The outcome of an operation that read the bytes. It fails if they were not there: the engine takes some bytes that it can't read
    /// for damage.
    pub(crate) fn judge<T>(
        &self,
        outcome: std::result::Result<T, SealError>,
    ) -> std::result::Result<T, SealError> {
        match outcome {
            Err(SealError::Cancelled) => outcome,
            _ if self.0.has_changed.load(Ordering::Relaxed) => Err(self.changed()),
            outcome => outcome,
        }
    }

    fn changed(&self) -> SealError {
        self.0.has_changed.store(true, Ordering::Relaxed);
        SealError::SourceChanged {
            expected: self.0.size as u64,
            relation: SizeRelation::Detached,
        }
    }
}

impl Array {
    /// Where the bytes are, if that has not changed since the call. On the JavaScript thread.
    fn place(&self) -> Option<Place> {
        let place = Place::of(self.reference.env(), self.reference.get().ok()?).ok()?;
        (place.size == self.size && place.data.addr() == self.address).then_some(place)
    }
}

/// Reads an array through the JavaScript thread.
struct VisitedSource<'a> {
    held: &'a HeldBytes,
    array: &'a Arc<Array>,
    cancel: &'a CancellationToken,
    /// The operation that waits.
    serving: Option<Serving>,
}

impl ReadAt for VisitedSource<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.array.size as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut left = self.array.size.saturating_sub(start);
        let mut done = 0;
        let mut visit = Vec::new();
        let mut visit_size = 0;
        for buffer in buffers {
            let count = left.min(buffer.len());
            let mut rest = &mut buffer[..count];
            left -= rest.len();
            while !rest.is_empty() {
                let (now, later) = rest.split_at_mut(rest.len().min(A_VISIT - visit_size));
                visit_size += now.len();
                visit.push(now);
                rest = later;
                if visit_size == A_VISIT {
                    self.visit(start + done, &mut visit)?;
                    visit.clear();
                    done += visit_size;
                    visit_size = 0;
                }
            }
        }
        if visit_size > 0 {
            self.visit(start + done, &mut visit)?;
        }
        Ok(done + visit_size)
    }
}

impl VisitedSource<'_> {
    /// Waits until the JavaScript thread has filled `targets` with the bytes from `offset` on.
    fn visit(&self, offset: usize, targets: &mut [&mut [u8]]) -> io::Result<()> {
        let request = Arc::new(Request {
            array: Arc::clone(self.array),
            offset,
            state: Mutex::new(State::Waiting(Targets::of(targets))),
            done: Condvar::new(),
        });
        // Dropped before the targets may be used again.
        let withdrawal = Withdrawal(&request);
        self.array.promises.visit(Arc::clone(&request) as Arc<dyn Visit>);
        let outcome = request.wait(self.cancel, self.serving.as_ref());
        drop(withdrawal);
        outcome.map_err(|failure| {
            io::Error::other(match failure {
                Failure::Cancelled => SealError::Cancelled,
                Failure::Changed => self.held.changed(),
            })
        })
    }
}

/// What a thread asks the JavaScript thread for.
struct Request {
    array: Arc<Array>,
    offset: usize,
    state: Mutex<State>,
    done: Condvar,
}

enum State {
    Waiting(Targets),
    Copied,
    Changed,
    /// The thread no longer waits, and its memory must not be written to.
    Withdrawn,
}

enum Failure {
    Changed,
    Cancelled,
}

impl Request {
    fn wait(
        &self,
        cancel: &CancellationToken,
        serving: Option<&Serving>,
    ) -> std::result::Result<(), Failure> {
        let wait = |patience: Option<Duration>| {
            let mut state = self.lock();
            loop {
                match *state {
                    State::Waiting(_) => {}
                    State::Copied => return Some(Ok(())),
                    State::Changed => return Some(Err(Failure::Changed)),
                    State::Withdrawn => return Some(Err(Failure::Cancelled)),
                }
                if cancel.is_cancelled() {
                    return Some(Err(Failure::Cancelled));
                }
                let waited = self
                    .done
                    .wait_timeout(state, patience.unwrap_or(CANCELLATION_CHECK));
                let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state = woken;
                if patience.is_some() && timeout.timed_out() && matches!(*state, State::Waiting(_)) {
                    return None;
                }
            }
        };
        // A JavaScript thread that does not come soon may itself wait for an operation of another thread's, which needs a thread here.
        wait(Some(PATIENCE)).unwrap_or_else(|| {
            let wait = || wait(None).unwrap_or(Err(Failure::Cancelled));
            match serving {
                Some(serving) => serving.waiting(wait),
                None => wait(),
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit for Request {
    fn run(&self) {
        let mut state = self.lock();
        let State::Waiting(targets) = &mut *state else {
            return;
        };
        let is_copied = self.array.place().is_some_and(|place| {
            // SAFETY: the thread waits, with the lock of its state held here, and JavaScript does not run.
            unsafe { targets.fill(place, self.offset) }
        });
        *state = if is_copied { State::Copied } else { State::Changed };
        drop(state);
        self.done.notify_all();
    }
}

/// Ends a request's right to write.
struct Withdrawal<'a>(&'a Request);

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if matches!(*state, State::Waiting(_)) {
            *state = State::Withdrawn;
        }
    }
}

/// The memory of a thread that waits.
struct Targets(Vec<(*mut u8, usize)>);

// SAFETY: the memory belongs to the thread that waits, and is written to only while it does; see `fill`.
unsafe impl Send for Targets {}

impl Targets {
    fn of(targets: &mut [&mut [u8]]) -> Self {
        let parts = targets.iter_mut().map(|part| (part.as_mut_ptr(), part.len()));
        Self(parts.collect())
    }

    /// Fills the memory from `offset` of the place on. Returns whether the place had enough.
    ///
    /// # Safety
    /// The borrow that [`Targets::of`] was called with has not ended, and nothing uses it meanwhile. The conditions of [`Place::copy`].
    unsafe fn fill(&mut self, place: Place, offset: usize) -> bool {
        let mut at = offset;
        for &(part, size) in &self.0 {
            // SAFETY: the caller vouches for the memory.
            let part = unsafe { slice::from_raw_parts_mut(part, size) };
            // SAFETY: the caller vouches for the place.
            at += unsafe { place.copy(at, part) };
        }
        at - offset == self.0.iter().map(|(_, size)| size).sum()
    }
}

/// Bytes that are copied between two other tasks of the JavaScript thread.
const A_VISIT: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_millis(20);
const CANCELLATION_CHECK: Duration = Duration::from_millis(50);
