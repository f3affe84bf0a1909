//! Stopping an operation from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that one operation looks at between frames, or at the latest every few hundred KiB, and while it waits for a
/// pipe. Use a new one for each operation: one that fails raises its own, so that a reader that waits stops too.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken(Arc<AtomicBool>);

impl CancellationToken {
    /// A token that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the operation to stop. It ends with `Cancelled`, and removes what it has written unless it can be resumed.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the operation was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The same for work that ends with an error.
    ///
    /// # Errors
    /// If the operation was asked to stop.
    pub(crate) fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

/// The token was raised. An `io::Error` carries it when that is its cause.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("cancelled")]
pub(crate) struct Cancelled;
