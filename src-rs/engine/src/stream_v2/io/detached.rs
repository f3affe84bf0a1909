//! Detached headers: a source that joins a header and a body, and a sink that takes the header out of a stream.

use super::{ReadAt, WriteAt};
use std::borrow::Cow;
use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::sync::{Mutex, PoisonError};

/// A whole stream as a source: a detached header in memory, followed by the body.
pub struct JoinedSource<'a> {
    header: Cow<'a, [u8]>,
    body: Box<dyn ReadAt + 'a>,
}

impl<'a> JoinedSource<'a> {
    /// Joins `header` and `body`.
    #[must_use]
    pub fn new(header: impl Into<Cow<'a, [u8]>>, body: impl ReadAt + 'a) -> Self {
        Self {
            header: header.into(),
            body: Box::new(body),
        }
    }
}

impl ReadAt for JoinedSource<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.body.size()?.saturating_add(self.header.len() as u64))
    }

    fn read_at(&self, offset: u64, mut buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = (&*self.header).read_at(offset, buffers)?;
        IoSliceMut::advance_slices(&mut buffers, read);
        if buffers.is_empty() {
            return Ok(read);
        }
        let in_body = offset
            .saturating_add(read as u64)
            .saturating_sub(self.header.len() as u64);
        Ok(read + self.body.read_at(in_body, buffers)?)
    }
}

/// A sink that keeps the header of a stream in memory and writes only the body to another sink.
pub(crate) struct DetachingSink<'a> {
    header: Mutex<Vec<u8>>,
    header_size: u64,
    body: &'a dyn WriteAt,
}

impl<'a> DetachingSink<'a> {
    /// Keeps the first `header_size` bytes and writes the others to `body`.
    #[must_use]
    pub(crate) fn new(header_size: usize, body: &'a dyn WriteAt) -> Self {
        Self {
            header: Mutex::new(vec![0; header_size]),
            header_size: header_size as u64,
            body,
        }
    }

    /// The header. Bytes that were never written are zero.
    #[must_use]
    pub(crate) fn into_header(self) -> Vec<u8> {
        self.header.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteAt for DetachingSink<'_> {
    fn reserve(&self, size: u64) -> io::Result<()> {
        self.body.reserve(size.saturating_sub(self.header_size))
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.body.set_size(size.saturating_sub(self.header_size))
    }

    fn has_holes(&self) -> bool {
        self.body.has_holes()
    }

    fn write_at(&self, mut offset: u64, mut buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        if offset < self.header_size {
            let mut header = self.header.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(buffer) = buffers.first()
                && let Some(room) = header.get_mut(offset as usize..).filter(|room| !room.is_empty())
            {
                let count = room.len().min(buffer.len());
                room[..count].copy_from_slice(&buffer[..count]);
                offset += count as u64;
                IoSlice::advance_slices(&mut buffers, count);
            }
        }
        if buffers.is_empty() {
            return Ok(());
        }
        self.body.write_at(offset - self.header_size, buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const WHOLE: &[u8] = b"0123456789";

    #[test]
    fn header_and_body_read_as_one_stream() {
        for split in 0..=WHOLE.len() {
            let (header, body) = WHOLE.split_at(split);
            let source = JoinedSource::new(header, body);
            assert_eq!(source.size().unwrap(), 10);
            for offset in 0..12_usize {
                for sizes in [[0, 0], [1, 1], [3, 0], [0, 4], [2, 20]] {
                    let mut memory = sizes.map(|size| vec![b'.'; size]);
                    let [a, b] = &mut memory;
                    let mut buffers = [IoSliceMut::new(a), IoSliceMut::new(b)];
                    let count = source.read_at(offset as u64, &mut buffers).unwrap();
                    let wanted = sizes[0] + sizes[1];
                    let expected = &WHOLE[offset.min(10)..(offset + wanted).min(10)];
                    assert_eq!(&memory.concat()[..count], expected, "{split} {offset} {sizes:?}");
                }
            }
        }
    }

    #[test]
    fn a_write_across_the_boundary_is_split_between_header_and_body() {
        for split in 0..=WHOLE.len() {
            for cut in 0..=WHOLE.len() {
                for at in 0..WHOLE.len() {
                    let body = Memory::default();
                    let sink = DetachingSink::new(split, &body);
                    // The end first, as threads may write it.
                    sink.write_at(at as u64, &mut [IoSlice::new(&WHOLE[at..])])
                        .unwrap();
                    let (a, b) = WHOLE[..at].split_at(cut.min(at));
                    sink.write_at(0, &mut [IoSlice::new(a), IoSlice::new(b), IoSlice::new(b"")])
                        .unwrap();
                    let mut whole = sink.into_header();
                    assert_eq!(whole, WHOLE[..split], "{split} {cut} {at}");
                    whole.extend(body.0.into_inner().unwrap());
                    assert_eq!(whole, WHOLE);
                }
            }
        }
    }

    #[derive(Default)]
    struct Memory(Mutex<Vec<u8>>);

    impl WriteAt for Memory {
        fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
            let mut memory = self.0.lock().unwrap();
            let size: usize = buffers.iter().map(|buffer| buffer.len()).sum();
            let (start, end) = (offset as usize, offset as usize + size);
            if memory.len() < end {
                memory.resize(end, 0);
            }
            (&mut memory[start..end]).write_vectored(buffers).map(drop)
        }
    }
}
