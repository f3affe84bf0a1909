//! Cancels an operation from another thread.

use crate::error::Cancelled;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that one operation checks between frames, at least every few hundred KiB, and while it waits for a pipe. Use a new
/// token for each operation: a failing operation raises its own token to stop a reader that waits.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken(Arc<AtomicBool>);

impl CancellationToken {
    /// A token that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the operation to stop. It fails with `Cancelled` and removes its output, unless it can be resumed.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the operation was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails if the operation was asked to stop.
    pub(crate) fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}
