//! Threading as a parameter: the algorithm over a segment's frames exists once and takes a way to run two halves.

/// A way to run two closures, in sequence or in parallel.
pub trait Join: Sync {
    /// Whether [`join`](Self::join) runs in parallel. If not, frames are processed in a plain loop.
    fn is_parallel(&self) -> bool;

    /// Runs both and returns both results.
    fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send;
}
