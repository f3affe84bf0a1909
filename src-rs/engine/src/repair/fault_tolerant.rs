//! A source that can't be read everywhere, read around what can't.

use crate::format::ByteRange;
use crate::stream_v2::io::ReadAt;
use std::collections::BTreeMap;
use std::io;
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Reads around what can't be read, and remembers where that is.
pub(crate) struct FaultTolerantSource<'a> {
    source: &'a dyn ReadAt,
    size: u64,
    holes: Mutex<BadRanges>,
    read_nanos: AtomicU64,
}

impl<'a> FaultTolerantSource<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt, size: u64) -> Self {
        Self {
            source,
            size,
            holes: Mutex::default(),
            read_nanos: AtomicU64::default(),
        }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The source as it is.
    pub(crate) const fn raw(&self) -> &'a dyn ReadAt {
        self.source
    }

    /// Fills `buffer` with the bytes from `offset` on and returns how many there are. Those that can't be read are
    /// zeros, which verify as nothing.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let available = self.size.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let buffer = &mut buffer[..available];
        let range = ByteRange::at(offset, available as u64);
        if !self.has_hole(range)
            && let Ok(read) = self.read_some(offset, buffer)
        {
            return read;
        }
        let mut done = 0;
        while done < available {
            let at = offset + done as u64;
            let count = (BLOCK - at % BLOCK).min((available - done) as u64) as usize;
            let block = &mut buffer[done..done + count];
            let known = self.has_hole(ByteRange::at(at, count as u64));
            match (!known).then(|| self.read_some(at, block)) {
                Some(Ok(read)) if read == count => {}
                Some(Ok(read)) => return done + read, // the source became shorter
                Some(Err(_)) | None => {
                    block.fill(0);
                    self.holes().add(ByteRange::at(at, count as u64));
                }
            }
            done += count;
        }
        available
    }

    /// The `N` bytes at `offset`, if there are as many.
    pub(crate) fn read_array<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.read(offset, &mut bytes) == N).then_some(bytes)
    }

    /// Calls `take` with all bytes of the range, in pieces; returns whether they are all there.
    pub(crate) fn stream(&self, range: ByteRange, mut take: impl FnMut(&[u8])) -> bool {
        let mut buffer = vec![0; range.size().min(PIECE) as usize];
        let mut at = range.start;
        while at < range.end {
            let wanted = (range.end - at).min(PIECE) as usize;
            let read = self.read(at, &mut buffer[..wanted]);
            take(&buffer[..read]);
            if read < wanted {
                return false;
            }
            at += read as u64;
        }
        true
    }

    /// Whether a part of the range was found unreadable.
    pub(crate) fn has_hole(&self, range: ByteRange) -> bool {
        self.holes().intersects(range)
    }

    /// The parts of the range that were found unreadable, in order.
    pub(crate) fn holes_in(&self, range: ByteRange) -> Vec<ByteRange> {
        let holes = self.holes();
        let behind = holes.0.range(..range.end).rev();
        let mut found: Vec<_> = behind
            .take_while(|&(_, &end)| end > range.start)
            .map(|(&start, &end)| ByteRange {
                start: start.max(range.start),
                end: end.min(range.end),
            })
            .collect();
        found.reverse();
        found
    }

    /// Bytes that were found unreadable.
    pub(crate) fn unreadable(&self) -> u64 {
        self.holes().0.iter().map(|(start, end)| end - start).sum()
    }

    /// Time that reading took, summed over all threads.
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

    fn holes(&self) -> MutexGuard<'_, BadRanges> {
        self.holes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Start and end of each hole; holes that touch are one.
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
        // Past this many, further ones are read again each time, and no cause is told for them.
        if self.0.len() < MAX_HOLES {
            self.0.insert(start, end);
        }
    }

    fn intersects(&self, range: ByteRange) -> bool {
        let before = self.0.range(..range.end).next_back();
        before.is_some_and(|(_, &end)| end > range.start)
    }
}

/// What disks read at least.
const BLOCK: u64 = 4096;
/// Bytes of a piece of what is only looked through.
const PIECE: u64 = 1024 * 1024;
const MAX_HOLES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holes_of_a_range_end_where_it_ends() {
        let source: &[u8] = &[];
        let source = FaultTolerantSource::new(&source, 0);
        for start in [0, 4096, 20_480] {
            source.holes().add(ByteRange::at(start, 4096));
        }
        for (range, due) in [
            ((0, 30_000), vec![(0, 8192), (20_480, 24_576)]),
            ((100, 20_480), vec![(100, 8192)]),
            ((8191, 20_481), vec![(8191, 8192), (20_480, 20_481)]),
            ((8192, 20_480), vec![]),
        ] {
            let (start, end) = range;
            let holes = source.holes_in(ByteRange { start, end });
            let holes: Vec<_> = holes.iter().map(|hole| (hole.start, hole.end)).collect();
            assert_eq!(holes, due, "{range:?}");
        }
    }

    #[test]
    fn holes_that_touch_are_one_and_are_found_by_any_of_their_bytes() {
        let mut holes = BadRanges::default();
        for start in [8192, 0, 4096, 20_480] {
            holes.add(ByteRange::at(start, 4096));
        }
        assert_eq!(
            holes.0.iter().collect::<Vec<_>>(),
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
                holes.intersects(ByteRange::at(start, size)),
                expected,
                "{start} {size}"
            );
        }
    }
}
