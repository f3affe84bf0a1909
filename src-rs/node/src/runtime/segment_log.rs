//! Segments that are done, on their way to whoever watches.
//!
//! They wait in a queue that JavaScript empties: a call for each would arrive in no certain order with the operation's
//! own end, and cost more.

use crate::types::report::SegmentDone;
use napi::Status;
use napi::bindgen_prelude::ClassInstance;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use sealstream::telemetry;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// Segments of one operation that nobody has been told of.
#[napi]
#[derive(Default)]
pub struct SegmentLog {
    queue: Queue,
}

type Queue = Arc<Mutex<Vec<telemetry::SegmentDone>>>;

#[napi]
impl SegmentLog {
    /// An empty one.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What has come since the last call. When the operation's promise has settled nothing more comes.
    #[napi]
    pub fn take(&self) -> Vec<SegmentDone> {
        take(&self.queue).iter().map(SegmentDone::from).collect()
    }
}

fn take(queue: &Queue) -> Vec<telemetry::SegmentDone> {
    mem::take(&mut *queue.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Weak: it does not keep the event loop alive.
pub type Notify = ThreadsafeFunction<(), (), (), Status, false, true>;

/// How an operation tells of segments.
#[napi(object, object_to_js = false)]
pub struct SegmentSettings<'env> {
    /// Where they wait.
    #[napi(ts_type = "SegmentLog")]
    pub log: ClassInstance<'env, SegmentLog>,
    /// Called when some wait, and none did before.
    #[napi(ts_type = "() => void")]
    pub notify: Notify,
}

/// [`SegmentSettings`] on the operation's threads.
pub(crate) struct SegmentWatch {
    queue: Queue,
    notify: Notify,
}

impl From<SegmentSettings<'_>> for SegmentWatch {
    fn from(settings: SegmentSettings<'_>) -> Self {
        Self {
            queue: Arc::clone(&settings.log.queue),
            notify: settings.notify,
        }
    }
}

impl SegmentWatch {
    /// Puts a segment in the queue.
    pub(crate) fn tell(&self, done: &telemetry::SegmentDone) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(*done);
        let is_first = queue.len() == 1;
        drop(queue);
        if is_first {
            self.notify.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
