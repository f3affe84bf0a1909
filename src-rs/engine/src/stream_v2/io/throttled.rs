//! A source that is read no faster than it may be, so that others who use the disk are not kept waiting.

use super::ReadAt;
use crate::operation::cancel::CancellationToken;
use std::io;
use std::io::IoSliceMut;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A source with a limit on the bytes that are read from it in a second, by all threads together.
///
/// Every read takes the next stretch of time that its bytes are worth, and waits until that begins. Time in which nobody
/// read is not made up for. A read that waits looks at the token.
pub struct ThrottledSource<'a> {
    source: &'a dyn ReadAt,
    bytes_per_second: u64,
    cancel: &'a CancellationToken,
    start: Instant,
    /// When the next read may begin, counted from the start.
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

    /// Takes the time that `bytes` are worth, and returns when it begins.
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

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let bytes = buffers.iter().map(|buffer| buffer.len() as u64).sum();
        self.wait_until(self.book(bytes))?;
        self.source.read_at(offset, buffers)
    }
}

/// How long a raised token may go unseen.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
