//! Everything that has an order: read on one thread, worked on by the pool, delivered in order on the caller's.

use crate::error::SealError;
use crate::operation::threads::Threads;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};

/// Calls `consume` with the result of `work` for everything that `produce` gives, in that order, until `produce` gives
/// `None` or `consume` breaks. At most `window` items are between the two.
///
/// `work` must not panic; `lost` stands in for a result that never came.
///
/// # Errors
/// `ThreadsUnavailable`.
pub(crate) fn run_ordered<I, O>(
    threads: &Threads,
    window: usize,
    mut produce: impl FnMut() -> Option<I> + Send,
    work: impl Fn(I) -> O + Sync,
    lost: impl Fn() -> O,
    mut consume: impl FnMut(O) -> ControlFlow<()>,
) -> Result<(), SealError>
where
    I: Send,
    O: Send,
{
    let Threads::Pool(pool) = threads else {
        while let Some(item) = produce() {
            if consume(work(item)).is_break() {
                break;
            }
        }
        return Ok(());
    };
    let work = &work;
    pool.in_place_scope(|pool| {
        std::thread::scope(|threads| {
            // The queue's bound is the window: a slow consumer stops the producer.
            let (queue, results) = sync_channel::<Receiver<O>>(window.max(1));
            let reader = move || {
                while let Some(item) = produce() {
                    let (answer, result) = sync_channel(1);
                    if queue.send(result).is_err() {
                        return;
                    }
                    // Nobody listens any more when the consumer has broken off.
                    pool.spawn(move |_| drop(answer.send(work(item))));
                }
            };
            let spawned = std::thread::Builder::new()
                .name("sealstream-reader".into())
                .spawn_scoped(threads, reader);
            spawned.map_err(|error| SealError::ThreadsUnavailable {
                message: error.to_string(),
            })?;
            for result in &results {
                if consume(result.recv().unwrap_or_else(|_| lost())).is_break() {
                    break;
                }
            }
            drop(results);
            Ok(())
        })
    })
}
