//! Processes segments that are read and written by offset: each thread takes the next segment and does all of its work alone.
//!
//! Threads share only immutable keys and a cursor, so there is no queue, no reordering and no copy between threads. A
//! thread's buffer holds one portion of a record, so memory does not grow with the segment size.

use super::panic_guard::guard;
use super::portion_buffer::PortionBuffer;
use super::portions::{Parallelism, PortionRunner, portion_size};
use super::task_error::TaskError;
use crate::error::SealError;
use crate::format::{Geometry, SegmentIndex};
use crate::operation::options::Control;
use crate::operation::threads::Threads;
use crate::telemetry::StageTimes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// State of one thread, kept from its first segment to its last.
pub(crate) struct Worker<'a> {
    pub(crate) runner: PortionRunner<'a>,
    /// Bytes of frames that are processed at a time.
    pub(crate) batch_size: usize,
    /// Contents are unspecified on entry.
    pub(crate) buffer: PortionBuffer,
    pub(crate) times: StageTimes,
}

/// Calls `work` for every segment below `count`, in any order. If there are fewer segments than
/// threads, they are processed one by one, and the frames of each in parallel.
///
/// # Errors
/// The failure of the lowest segment that failed. Segments above it may not have been tried.
pub(crate) fn run_positioned(
    count: u64,
    geometry: &Geometry,
    control: &Control<'_>,
    times: &mut StageTimes,
    work: impl Fn(&mut Worker<'_>, SegmentIndex) -> Result<(), TaskError> + Sync,
) -> Result<(), SealError> {
    let cursor = AtomicU64::new(0);
    // The lowest segment that failed so far. Segments above it are no longer started. All below it were started before, and
    // their threads finish them. So the result is the failure of the lowest segment, independent of timing.
    let failed_at = AtomicU64::new(u64::MAX);
    let batch_size = portion_size(geometry.frame_slot_size());
    let runner = PortionRunner::new(control, Some(count));
    let run = |batch_size| {
        let mut worker = Worker {
            runner,
            batch_size,
            buffer: PortionBuffer::default(),
            times: StageTimes::default(),
        };
        let failure = loop {
            let next = cursor.fetch_add(1, Ordering::Relaxed);
            if next >= count || next > failed_at.load(Ordering::Relaxed) {
                break None;
            }
            let index = SegmentIndex::new(next);
            if let Err(failure) = guard(index, || work(&mut worker, index)) {
                failed_at.fetch_min(next, Ordering::Relaxed);
                break Some((next, failure));
            }
        };
        (failure, worker.times)
    };
    let workers = match &control.threads {
        Threads::Serial => vec![run(batch_size)],
        Threads::Pool(pool) => match runner.parallelism {
            Parallelism::Segments => pool.broadcast(|_| run(batch_size)),
            Parallelism::Frames => vec![pool.install(|| run(batch_size * pool.current_num_threads()))],
        },
    };
    let mut failures = Vec::new();
    for (failure, spent) in workers {
        *times += spent;
        failures.extend(failure);
    }
    match failures.into_iter().min_by_key(|(segment, _)| *segment) {
        Some((_, failure)) => Err(failure.into()),
        None => Ok(()),
    }
}

/// As [`run_positioned`], and returns the results in order.
///
/// # Errors
/// Same as [`run_positioned`].
pub(crate) fn map_positioned<T: Send>(
    count: u64,
    geometry: &Geometry,
    control: &Control<'_>,
    times: &mut StageTimes,
    work: impl Fn(&mut Worker<'_>, SegmentIndex) -> Result<T, TaskError> + Sync,
) -> Result<Vec<T>, SealError> {
    let results = Mutex::new(Vec::new());
    run_positioned(count, geometry, control, times, |worker, index| {
        let result = work(worker, index)?;
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        results.push((index, result));
        Ok(())
    })?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}
