//! First bytes that are kept apart from the rest: in front of a source, and away from a sink.

use super::{ReadAt, WriteAt};
use std::borrow::Cow;
use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::sync::{Mutex, PoisonError};

/// A source that is some bytes in memory and then another source.
pub struct BytesInFront<'a> {
    first: Cow<'a, [u8]>,
    rest: Box<dyn ReadAt + 'a>,
}

impl<'a> BytesInFront<'a> {
    /// `first`, and `rest` behind it.
    #[must_use]
    pub fn new(first: impl Into<Cow<'a, [u8]>>, rest: impl ReadAt + 'a) -> Self {
        Self {
            first: first.into(),
            rest: Box::new(rest),
        }
    }
}

impl ReadAt for BytesInFront<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.rest.size()?.saturating_add(self.first.len() as u64))
    }

    fn read_at(&self, offset: u64, mut buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut read = 0;
        let behind = self.first.len() as u64;
        let mut left = usize::try_from(offset)
            .ok()
            .and_then(|start| self.first.get(start..))
            .unwrap_or_default();
        while !left.is_empty()
            && let Some(buffer) = buffers.first_mut()
        {
            let count = left.len().min(buffer.len());
            let (now, later) = left.split_at(count);
            buffer[..count].copy_from_slice(now);
            left = later;
            read += count;
            IoSliceMut::advance_slices(&mut buffers, count);
        }
        if buffers.is_empty() {
            return Ok(read);
        }
        let at = offset.saturating_add(read as u64).saturating_sub(behind);
        Ok(read + self.rest.read_at(at, buffers)?)
    }
}

/// A sink whose first bytes are kept in memory; what is behind them goes to another sink, from its first byte on.
pub struct BytesApart<'a> {
    first: Mutex<Vec<u8>>,
    size: usize,
    rest: Box<dyn WriteAt + 'a>,
}

impl<'a> BytesApart<'a> {
    /// Keeps the first `size` bytes; the others go to `rest`.
    #[must_use]
    pub fn new(size: usize, rest: Box<dyn WriteAt + 'a>) -> Self {
        Self {
            first: Mutex::new(vec![0; size]),
            size,
            rest,
        }
    }

    /// The bytes that were kept; zeros where none were written.
    #[must_use]
    pub fn into_first(self) -> Vec<u8> {
        self.first.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteAt for &BytesApart<'_> {
    fn reserve(&self, size: u64) -> io::Result<()> {
        self.rest.reserve(size.saturating_sub(self.size as u64))
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.rest.set_size(size.saturating_sub(self.size as u64))
    }

    fn write_at(&self, offset: u64, mut buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        let mut at = offset;
        if at < self.size as u64 {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(buffer) = buffers.first()
                && let Some(room) = first.get_mut(at as usize..).filter(|room| !room.is_empty())
            {
                let count = room.len().min(buffer.len());
                room[..count].copy_from_slice(&buffer[..count]);
                at += count as u64;
                IoSlice::advance_slices(&mut buffers, count);
            }
        }
        if buffers.is_empty() {
            return Ok(());
        }
        self.rest.write_at(at - self.size as u64, buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const WHOLE: &[u8] = b"0123456789";

    #[test]
    fn what_is_in_front_and_what_is_behind_are_one_source() {
        for split in 0..=WHOLE.len() {
            let (first, rest) = WHOLE.split_at(split);
            let source = BytesInFront::new(first, rest);
            assert_eq!(source.size().unwrap(), 10);
            for offset in 0..12_usize {
                for sizes in [[0, 0], [1, 1], [3, 0], [0, 4], [2, 20]] {
                    let mut memory = sizes.map(|size| vec![b'.'; size]);
                    let [a, b] = &mut memory;
                    let mut buffers = [IoSliceMut::new(a), IoSliceMut::new(b)];
                    let count = source.read_at(offset as u64, &mut buffers).unwrap();
                    let wanted = sizes[0] + sizes[1];
                    let due = &WHOLE[offset.min(10)..(offset + wanted).min(10)];
                    assert_eq!(&memory.concat()[..count], due, "{split} {offset} {sizes:?}");
                }
            }
        }
    }

    #[test]
    fn whatever_crosses_the_border_ends_on_both_sides_of_it() {
        for split in 0..=WHOLE.len() {
            for cut in 0..=WHOLE.len() {
                for at in 0..WHOLE.len() {
                    let rest = Kept::default();
                    let sink = BytesApart::new(split, Box::new(&rest));
                    // Backwards, as threads may write.
                    (&sink)
                        .write_at(at as u64, &mut [IoSlice::new(&WHOLE[at..])])
                        .unwrap();
                    let (a, b) = WHOLE[..at].split_at(cut.min(at));
                    (&sink)
                        .write_at(0, &mut [IoSlice::new(a), IoSlice::new(b), IoSlice::new(b"")])
                        .unwrap();
                    let mut whole = sink.into_first();
                    assert_eq!(whole, WHOLE[..split], "{split} {cut} {at}");
                    whole.extend(rest.0.into_inner().unwrap());
                    assert_eq!(whole, WHOLE);
                }
            }
        }
    }

    #[derive(Default)]
    struct Kept(Mutex<Vec<u8>>);

    impl WriteAt for &Kept {
        fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
            let mut kept = self.0.lock().unwrap();
            let size: usize = buffers.iter().map(|buffer| buffer.len()).sum();
            let (start, end) = (offset as usize, offset as usize + size);
            if kept.len() < end {
                kept.resize(end, 0);
            }
            (&mut kept[start..end]).write_vectored(buffers).map(drop)
        }
    }
}
