//! A source of which the caller fetched some byte ranges.

use super::ReadAt;
use std::io;
use std::io::IoSliceMut;

/// Byte ranges of a source of known size. Reading a byte that was not fetched is an error; it never reads as zero.
pub struct FetchedRanges<'a> {
    size: u64,
    ranges: Vec<FetchedRange<'a>>,
}

/// A range that was fetched.
pub struct FetchedRange<'a> {
    /// Where it starts in the source.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// What reads them, from 0 on.
    pub bytes: Box<dyn ReadAt + 'a>,
}

impl<'a> FetchedRanges<'a> {
    /// `ranges` of a source of `size` bytes, in any order.
    #[must_use]
    pub const fn new(size: u64, ranges: Vec<FetchedRange<'a>>) -> Self {
        Self { size, ranges }
    }

    /// Reads from `offset` on into `room`, which is not empty, up to the end of a range that contains `offset`.
    fn read_some(&self, offset: u64, room: &mut [u8]) -> io::Result<usize> {
        let holds =
            |range: &&FetchedRange<'a>| offset.checked_sub(range.offset).is_some_and(|at| at < range.size);
        let not_fetched = || io::Error::other(format!("byte {offset} was not fetched"));
        let range = self.ranges.iter().find(holds).ok_or_else(not_fetched)?;
        let within = offset - range.offset;
        let count = (range.size - within).min(room.len() as u64) as usize;
        let read = range
            .bytes
            .read_at(within, &mut [IoSliceMut::new(&mut room[..count])])?;
        if read == 0 { Err(not_fetched()) } else { Ok(read) }
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
                let count = self.read_some(at, room)?;
                room = &mut room[count..];
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

    fn fetched(ranges: &[(u64, &'static [u8])]) -> FetchedRanges<'static> {
        let range = |&(offset, bytes): &(u64, &'static [u8])| FetchedRange {
            offset,
            size: bytes.len() as u64,
            bytes: Box::new(bytes),
        };
        FetchedRanges::new(10, ranges.iter().map(range).collect())
    }

    #[test]
    fn adjacent_and_overlapping_ranges_read_as_one() {
        let source = fetched(&[(4, b"456"), (0, b"01234"), (7, b"789")]);
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
        let source = fetched(&[(2, b"234"), (6, b"67")]);
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
