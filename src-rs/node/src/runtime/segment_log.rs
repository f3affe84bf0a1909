//! Finished segments on their way to JavaScript.
//!
//! They wait in a queue that JavaScript empties. A call for each would cost more, and would arrive in no defined order with the
//! operation's own end.

use crate::types::convert::IntoJs;
use crate::types::report::SegmentDone;
use napi::Status;
use napi::bindgen_prelude::ClassInstance;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use sealstream::telemetry;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// The finished segments of one operation that JavaScript has not taken yet.
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

    /// The segments since the last call. None are added after the operation's promise has settled.
    #[napi]
    pub fn take(&self) -> Vec<SegmentDone> {
        mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner)).into_js()
    }
}

/// Weak: it does not keep the event loop alive.
pub type Notify = ThreadsafeFunction<(), (), (), Status, false, true>;

/// How an operation reports finished segments.
#[napi(object, object_to_js = false)]
pub struct SegmentSettings<'env> {
    /// Collects them.
    #[napi(ts_type = "SegmentLog")]
    pub log: ClassInstance<'env, SegmentLog>,
    /// Called when a segment is added to an empty log.
    #[napi(ts_type = "() => void")]
    pub notify: Notify,
}

/// [`SegmentSettings`] on the operation's threads.
pub(crate) struct SegmentListener {
    queue: Queue,
    notify: Notify,
}

impl From<SegmentSettings<'_>> for SegmentListener {
    fn from(settings: SegmentSettings<'_>) -> Self {
        Self {
            queue: Arc::clone(&settings.log.queue),
            notify: settings.notify,
        }
    }
}

impl SegmentListener {
    pub(crate) fn add(&self, done: &telemetry::SegmentDone) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(*done);
        let is_first = queue.len() == 1;
        drop(queue);
        if is_first {
            self.notify.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
