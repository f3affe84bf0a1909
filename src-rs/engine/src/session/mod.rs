//! Streams that are sealed or opened as their bytes arrive. The caller supplies the bytes; nothing here waits for them.
//!
//! A session holds what the segments of one stream share. Its caller cuts the input into segments with a
//! [`SegmentCutter`](crate::stream_v2::pipeline::record_layout::SegmentCutter) or a
//! [`RecordCursor`](crate::stream_v2::pipeline::record_layout::RecordCursor). It then has segments sealed or opened in
//! memory of its own, on any threads and several at once, and ends the session when all are done. A stream has no thread
//! of its own, so any number of streams can be open.

mod open;
mod seal;

#[cfg(test)]
pub(crate) mod tests;

pub use crate::stream_v2::core::tally::StreamEnd;
pub use open::{OpenSession, PlaintextSlots};
pub use seal::SealSession;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks the state of a session. No code panics while it holds the lock.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
