//! A source with a read rate limit, which leaves disk bandwidth to other processes.

use super::ReadAt;
use crate::operation::cancel::CancellationToken;
use std::io;
use std::io::IoSliceMut;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::SystemTime;
use std::time::{Duration, Instant};

/// Limits the bytes read from a source per second, over all threads together.
///
/// Each read books the next time slot of the length that its bytes take at the limit, and waits until that slot starts.
/// Idle time gives no credit. A waiting read checks the token.
pub struct ThrottledSource<'a> {
    source: &'a dyn ReadAt,
    bytes_per_second: u64,
    cancel: &'a CancellationToken,
    start: Instant,
    /// Time from `start` at which the next read may begin.
    next: Mutex<Duration>,
}

impl<'a> ThrottledSource<'a> {
    /// Limits `source` to `bytes_per_second`, at least 1.
    #[must_use]
    pub fn new(source: &'a dyn ReadAt, bytes_per_second: u64, cancel: &'a CancellationToken) -> Self {
        Self {
            source,
            bytes_per_second: bytes_per_second.max(1),
            cancel,
            start: Instant::now(),
            next: Mutex::new(Duration::ZERO),
        }
    }

    /// Books a time slot for `bytes`, and returns when it begins, counted from `start`.
    fn book(&self, bytes: u64) -> Duration {
        let time = Duration::from_secs(bytes / self.bytes_per_second)
            + Duration::from_secs_f64((bytes % self.bytes_per_second) as f64 / self.bytes_per_second as f64);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = self.start.elapsed().max(*next);
        *next = begin.saturating_add(time);
        begin
    }

    fn wait_until(&self, begin: Duration) -> io::Result<()> {
        loop {
            self.cancel.check().map_err(io::Error::other)?;
            let left = begin.saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            sleep(left.min(LONGEST_SLEEP));
        }
    }
}

impl ReadAt for ThrottledSource<'_> {
    fn size(&self) -> io::Result<u64> {
        self.source.size()
    }

    fn modified(&self) -> io::Result<Option<SystemTime>> {
        self.source.modified()
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let bytes = buffers.iter().map(|buffer| buffer.len() as u64).sum();
        self.wait_until(self.book(bytes))?;
        self.source.read_at(offset, buffers)
    }
}

/// Time between checks of the token.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
