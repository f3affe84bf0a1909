//! Threading as a parameter: the algorithm over a segment's frames is written once and handed a way to run two halves.

/// A way to run two closures, one after the other or side by side.
pub trait Join: Sync {
    /// Whether halves run side by side; if not, frames are taken one by one.
    const PARALLEL: bool;

    /// Runs both and returns both results.
    fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send;
}

/// One after the other, on the caller's thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Join for Serial {
    const PARALLEL: bool = false;

    fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        (a(), b())
    }
}
