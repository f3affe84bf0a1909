//! Ordered processing: one thread reads, the pool works, the caller's thread takes the results in order.

use crate::error::SealError;
use crate::operation::threads::Threads;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};

/// Calls `work` on the pool for each item of `produce`, and `consume` with the results in the same order, until `produce`
/// returns `None` or `consume` breaks. At most `window` items are in between.
///
/// `work` must not panic. If it does, `consume` gets the result of `lost`.
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
            // The queue is as long as the window: a slow consumer blocks the producer.
            let (queue, results) = sync_channel::<Receiver<O>>(window.max(1));
            let reader = move || {
                while let Some(item) = produce() {
                    let (answer, result) = sync_channel(1);
                    if queue.send(result).is_err() {
                        return;
                    }
                    // Sending fails after the consumer broke off.
                    pool.spawn(move |_| drop(answer.send(work(item))));
                }
            };
            let spawned = std::thread::Builder::new()
                .name("sealstream-reader".into())
                .spawn_scoped(threads, reader);
            spawned.map_err(SealError::no_threads)?;
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
