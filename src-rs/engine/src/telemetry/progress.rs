//! Progress, told at most ten times a second however many threads make it.

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

/// Counts bytes and tells a listener.
pub struct ProgressMeter<'a> {
    done: AtomicU64,
    total: Option<u64>,
    last_told: Mutex<Instant>,
    listener: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
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
