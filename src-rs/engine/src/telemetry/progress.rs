//! What is told while an operation runs: progress, at most ten times a second however many threads make it, and each
//! segment, to whoever asked for that.

use super::StageTimes;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are done: of the plaintext, or of the sealed segments where these are only checked.
    pub bytes_done: u64,
    /// Bytes in all, where that is known.
    pub bytes_total: Option<u64>,
}

/// A segment that is done: sealed, or opened and verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentDone {
    /// Position in the stream, from 0.
    pub index: u64,
    /// Plaintext bytes.
    pub plaintext_size: u32,
    /// Bytes of its record.
    pub wire_size: u32,
    /// Frames.
    pub frames: u32,
    /// The time that it took in each stage, on however many threads.
    pub times: StageTimes,
}

/// A listener to segments, called from any of the operation's threads, in any order.
pub type SegmentListener<'a> = &'a (dyn Fn(&SegmentDone) + Send + Sync);

/// Counts bytes and tells listeners.
pub struct ProgressMeter<'a> {
    done: AtomicU64,
    total: Option<u64>,
    last_told: Mutex<Instant>,
    listener: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
    segments: Option<SegmentListener<'a>>,
}

impl<'a> ProgressMeter<'a> {
    /// A meter at 0.
    #[must_use]
    pub fn new(total: Option<u64>, listener: Option<&'a (dyn Fn(Progress) + Send + Sync)>) -> Self {
        Self {
            done: AtomicU64::new(0),
            total,
            last_told: Mutex::new(Instant::now()),
            listener,
            segments: None,
        }
    }

    /// The same meter, which tells of segments too.
    #[must_use]
    pub fn with_segments(self, segments: Option<SegmentListener<'a>>) -> Self {
        Self { segments, ..self }
    }

    /// Tells of a segment that is done.
    pub fn segment(&self, done: &SegmentDone) {
        if let Some(listener) = self.segments {
            listener(done);
        }
    }

    /// Adds bytes; tells the listener if it is time. A thread that finds another one telling goes on.
    pub fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let Some(listener) = self.listener else { return };
        if let Ok(mut last) = self.last_told.try_lock()
            && last.elapsed() >= INTERVAL
        {
            *last = Instant::now();
            listener(Progress {
                bytes_done: done,
                bytes_total: self.total,
            });
        }
    }

    /// Tells the final state, once, at the operation's end.
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
    fn many_steps_in_no_time_are_told_once_at_the_end() {
        let told = Mutex::new(Vec::new());
        let listener = |progress: Progress| told.lock().unwrap().push(progress.bytes_done);
        let start = Instant::now();
        let meter = ProgressMeter::new(Some(1000), Some(&listener));
        (0..1000).for_each(|_| meter.add(1));
        meter.finish();
        let told = told.lock().unwrap();
        assert_eq!(told.last(), Some(&1000));
        assert!(
            told.len() as u128 <= 1 + start.elapsed().as_millis() / 100,
            "{told:?}"
        );
    }

    #[test]
    fn time_that_passes_is_told() {
        let told = Mutex::new(Vec::new());
        let listener = |progress: Progress| told.lock().unwrap().push(progress.bytes_done);
        let meter = ProgressMeter::new(None, Some(&listener));
        meter.add(1);
        std::thread::sleep(INTERVAL);
        meter.add(1);
        assert_eq!(*told.lock().unwrap(), [2]);
    }
}
