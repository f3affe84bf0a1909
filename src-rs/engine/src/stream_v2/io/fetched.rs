//! A source of which the caller fetched some byte ranges.

use super::ReadAt;
use std::io;
use std::io::IoSliceMut;

/// Byte ranges of a source of known size. Reading a byte that was not fetched is an error; it never reads as zero.
#[derive(Debug)]
pub struct FetchedRanges<'a> {
    size: u64,
    /// Offset and bytes of each range.
    ranges: Vec<(u64, &'a [u8])>,
}

impl<'a> FetchedRanges<'a> {
    /// `ranges` of a source of `size` bytes, with their offsets, in any order.
    #[must_use]
    pub const fn new(size: u64, ranges: Vec<(u64, &'a [u8])>) -> Self {
        Self { size, ranges }
    }

    /// The fetched bytes from `offset` to the end of a range that contains it.
    fn from(&self, offset: u64) -> io::Result<&[u8]> {
        let within_range = |&(start, bytes): &(u64, &'a [u8])| {
            let within = usize::try_from(offset.checked_sub(start)?).ok()?;
            bytes.get(within..).filter(|rest| !rest.is_empty())
        };
        let found = self.ranges.iter().find_map(within_range);
        found.ok_or_else(|| io::Error::other(format!("byte {offset} was not fetched")))
    }
}

impl ReadAt for FetchedRanges<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut left = self.size.saturating_sub(offset);
        let mut at = offset;
        for buffer in buffers {
            let wanted = left.min(buffer.len() as u64) as usize;
            let mut room = &mut buffer[..wanted];
            while !room.is_empty() {
                let bytes = self.from(at)?;
                let count = bytes.len().min(room.len());
                let (now, later) = room.split_at_mut(count);
                now.copy_from_slice(&bytes[..count]);
                room = later;
                at += count as u64;
            }
            left -= wanted as u64;
        }
        Ok((at - offset) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &FetchedRanges<'_>, offset: u64, sizes: [usize; 2]) -> io::Result<Vec<u8>> {
        let mut memory = sizes.map(|size| vec![b'.'; size]);
        let [a, b] = &mut memory;
        let count = source.read_at(offset, &mut [IoSliceMut::new(a), IoSliceMut::new(b)])?;
        Ok(memory.concat()[..count].to_vec())
    }

    #[test]
    fn adjacent_and_overlapping_ranges_read_as_one() {
        let ranges = vec![(4, &b"456"[..]), (0, b"01234"), (7, b"789")];
        let source = FetchedRanges::new(10, ranges);
        assert_eq!(source.size().unwrap(), 10);
        for (offset, sizes, expected) in [
            (0, [4, 6], &b"0123456789"[..]),
            (3, [0, 5], b"34567"),
            (8, [1, 9], b"89"),
            (10, [1, 1], b""),
            (u64::MAX, [1, 1], b""),
        ] {
            assert_eq!(read(&source, offset, sizes).unwrap(), expected, "{offset}");
        }
    }

    #[test]
    fn reading_bytes_that_were_not_fetched_fails() {
        let source = FetchedRanges::new(10, vec![(2, &b"234"[..]), (6, b"67")]);
        assert_eq!(read(&source, 2, [1, 2]).unwrap(), b"234");
        for (offset, sizes) in [
            (0, [1, 0]),
            (1, [2, 0]),
            (2, [2, 2]),
            (4, [1, 2]),
            (7, [1, 1]),
            (9, [5, 0]),
        ] {
            assert!(read(&source, offset, sizes).is_err(), "{offset}");
        }
    }
}
