//! Reads a source with bad ranges, such as a file on a failing disk.

use crate::format::ByteRange;
use crate::stream_v2::io::ReadAt;
use std::collections::BTreeMap;
use std::io;
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A source whose bad ranges read as zeros and are remembered.
pub(crate) struct FaultTolerantSource<'a> {
    source: &'a dyn ReadAt,
    size: u64,
    bad_ranges: Mutex<BadRanges>,
    read_nanos: AtomicU64,
}

impl<'a> FaultTolerantSource<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt, size: u64) -> Self {
        Self {
            source,
            size,
            bad_ranges: Mutex::default(),
            read_nanos: AtomicU64::default(),
        }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The source itself, whose bad ranges fail.
    pub(crate) const fn raw(&self) -> &'a dyn ReadAt {
        self.source
    }

    /// Fills `buffer` with the bytes from `offset` on, and returns their number. Bytes that can't be read are zeros, which do not
    /// verify.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let available = self.size.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let buffer = &mut buffer[..available];
        let range = ByteRange::at(offset, available as u64);
        if !self.has_bad_range(range)
            && let Ok(read) = self.read_some(offset, buffer)
        {
            return read;
        }
        let mut done = 0;
        while done < available {
            let at = offset + done as u64;
            let count = (BLOCK - at % BLOCK).min((available - done) as u64) as usize;
            let block = &mut buffer[done..done + count];
            let known = self.has_bad_range(ByteRange::at(at, count as u64));
            match (!known).then(|| self.read_some(at, block)) {
                Some(Ok(read)) if read == count => {}
                Some(Ok(read)) => return done + read, // the source has become shorter
                Some(Err(_)) | None => {
                    block.fill(0);
                    self.lock().add(ByteRange::at(at, count as u64));
                }
            }
            done += count;
        }
        available
    }

    /// The `N` bytes at `offset`, unless the source ends before.
    pub(crate) fn read_array<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.read(offset, &mut bytes) == N).then_some(bytes)
    }

    /// Calls `take` with all bytes of the range, block by block. Returns whether the source has them all.
    pub(crate) fn stream(&self, range: ByteRange, mut take: impl FnMut(&[u8])) -> bool {
        let mut buffer = vec![0; range.size().min(STREAM_BLOCK) as usize];
        let mut at = range.start;
        while at < range.end {
            let wanted = (range.end - at).min(STREAM_BLOCK) as usize;
            let read = self.read(at, &mut buffer[..wanted]);
            take(&buffer[..read]);
            if read < wanted {
                return false;
            }
            at += read as u64;
        }
        true
    }

    /// Whether a part of the range was found to be bad.
    pub(crate) fn has_bad_range(&self, range: ByteRange) -> bool {
        self.lock().intersects(range)
    }

    /// The parts of the range that were found to be bad, in order.
    pub(crate) fn bad_ranges_in(&self, range: ByteRange) -> Vec<ByteRange> {
        let bad = self.lock();
        let mut found: Vec<_> = bad
            .0
            .range(..range.end)
            .rev()
            .take_while(|&(_, &end)| end > range.start)
            .map(|(&start, &end)| ByteRange {
                start: start.max(range.start),
                end: end.min(range.end),
            })
            .collect();
        found.reverse();
        found
    }

    /// The number of bytes that could not be read.
    pub(crate) fn unreadable_bytes(&self) -> u64 {
        self.lock().0.iter().map(|(start, end)| end - start).sum()
    }

    /// Time spent reading, summed over all threads.
    pub(crate) fn read_time(&self) -> Duration {
        Duration::from_nanos(self.read_nanos.load(Ordering::Relaxed))
    }

    fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let read = self.source.read_at(offset, &mut [IoSliceMut::new(buffer)]);
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.read_nanos.fetch_add(nanos, Ordering::Relaxed);
        read
    }

    fn lock(&self) -> MutexGuard<'_, BadRanges> {
        self.bad_ranges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Start and end of each bad range. Adjacent ranges are one.
#[derive(Default)]
struct BadRanges(BTreeMap<u64, u64>);

impl BadRanges {
    fn add(&mut self, range: ByteRange) {
        let ByteRange { mut start, mut end } = range;
        if let Some((&before, &its_end)) = self.0.range(..=start).next_back()
            && its_end >= start
        {
            (start, end) = (before, end.max(its_end));
        }
        while let Some((&next, &its_end)) = self.0.range(start..=end).next() {
            end = end.max(its_end);
            self.0.remove(&next);
        }
        // Ranges beyond this number are not remembered: they are read again each time.
        if self.0.len() < MAX_BAD_RANGES {
            self.0.insert(start, end);
        }
    }

    fn intersects(&self, range: ByteRange) -> bool {
        let before = self.0.range(..range.end).next_back();
        before.is_some_and(|(_, &end)| end > range.start)
    }
}

/// The least that disks read.
const BLOCK: u64 = 4096;
/// Bytes that `stream` reads at once.
const STREAM_BLOCK: u64 = 1024 * 1024;
const MAX_BAD_RANGES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_ranges_are_cut_to_the_given_range() {
        let source: &[u8] = &[];
        let source = FaultTolerantSource::new(&source, 0);
        for start in [0, 4096, 20_480] {
            source.lock().add(ByteRange::at(start, 4096));
        }
        for (range, expected) in [
            ((0, 30_000), vec![(0, 8192), (20_480, 24_576)]),
            ((100, 20_480), vec![(100, 8192)]),
            ((8191, 20_481), vec![(8191, 8192), (20_480, 20_481)]),
            ((8192, 20_480), vec![]),
        ] {
            let (start, end) = range;
            let bad = source.bad_ranges_in(ByteRange { start, end });
            let bad: Vec<_> = bad.iter().map(|bad| (bad.start, bad.end)).collect();
            assert_eq!(bad, expected, "{range:?}");
        }
    }

    #[test]
    fn adjacent_bad_ranges_are_one() {
        let mut bad = BadRanges::default();
        for start in [8192, 0, 4096, 20_480] {
            bad.add(ByteRange::at(start, 4096));
        }
        assert_eq!(
            bad.0.iter().collect::<Vec<_>>(),
            [(&0, &12_288), (&20_480, &24_576)]
        );
        for (start, size, expected) in [
            (0, 1, true),
            (12_287, 1, true),
            (12_288, 8192, false),
            (12_288, 8193, true),
            (24_576, 9, false),
        ] {
            assert_eq!(
                bad.intersects(ByteRange::at(start, size)),
                expected,
                "{start} {size}"
            );
        }
    }
}
