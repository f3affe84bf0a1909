//! Events of a running operation: progress, at most ten times a second, and each finished segment.

use super::StageTimes;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Progress of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are done: of the plaintext, or of the sealed segments if they are only checked.
    pub bytes_done: u64,
    /// Total bytes, if known.
    pub bytes_total: Option<u64>,
}

/// A segment that was sealed, or opened and verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentDone {
    /// The segment, from 0.
    pub segment: u64,
    /// Plaintext bytes.
    pub plaintext_size: u32,
    /// Bytes of its record.
    pub sealed_size: u32,
    /// Frames.
    pub frames: u32,
    /// Time in each stage, summed over its threads.
    pub times: StageTimes,
}

/// Called after each segment, from any of the operation's threads, in any order.
pub type SegmentListener<'a> = &'a (dyn Fn(&SegmentDone) + Send + Sync);

/// Counts bytes and calls listeners.
pub struct ProgressMeter<'a> {
    done: AtomicU64,
    total: Option<u64>,
    last_call: Mutex<Instant>,
    listener: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
    segments: Option<SegmentListener<'a>>,
}

impl<'a> ProgressMeter<'a> {
    /// A meter at 0.
    #[must_use]
    pub fn new(
        total: Option<u64>,
        listener: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
        segments: Option<SegmentListener<'a>>,
    ) -> Self {
        Self {
            done: AtomicU64::new(0),
            total,
            last_call: Mutex::new(Instant::now()),
            listener,
            segments,
        }
    }

    /// Calls the listener for segments.
    pub fn segment(&self, done: &SegmentDone) {
        if let Some(listener) = self.segments {
            listener(done);
        }
    }

    /// Adds bytes and calls the listener if the interval has passed. A thread does not wait for another one that calls it.
    pub fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let Some(listener) = self.listener else { return };
        if let Ok(mut last) = self.last_call.try_lock()
            && last.elapsed() >= INTERVAL
        {
            *last = Instant::now();
            listener(Progress {
                bytes_done: done,
                bytes_total: self.total,
            });
        }
    }

    /// Calls the listener with the final state. Call this once, at the operation's end.
    pub fn finish(&self) {
        if let Some(listener) = self.listener {
            listener(Progress {
                bytes_done: self.done(),
                bytes_total: self.total,
            });
        }
    }

    /// Bytes so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

const INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_fast_steps_call_the_listener_once_at_the_end() {
        let calls = Mutex::new(Vec::new());
        let listener = |progress: Progress| calls.lock().unwrap().push(progress.bytes_done);
        let start = Instant::now();
        let meter = ProgressMeter::new(Some(1000), Some(&listener), None);
        (0..1000).for_each(|_| meter.add(1));
        meter.finish();
        let calls = calls.lock().unwrap();
        assert_eq!(calls.last(), Some(&1000));
        assert!(
            calls.len() as u128 <= 1 + start.elapsed().as_millis() / 100,
            "{calls:?}"
        );
    }

    #[test]
    fn the_listener_is_called_after_the_interval() {
        let calls = Mutex::new(Vec::new());
        let listener = |progress: Progress| calls.lock().unwrap().push(progress.bytes_done);
        let meter = ProgressMeter::new(None, Some(&listener), None);
        meter.add(1);
        std::thread::sleep(INTERVAL);
        meter.add(1);
        assert_eq!(*calls.lock().unwrap(), [2]);
    }
}
