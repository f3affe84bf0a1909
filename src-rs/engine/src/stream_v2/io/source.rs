//! Sources.

use std::io;
use std::io::{IoSliceMut, Read};
use std::time::SystemTime;

/// A source whose bytes can be read by offset, from several threads at once.
pub trait ReadAt: Send + Sync {
    /// Current size of the source in bytes.
    ///
    /// # Errors
    /// The system's error.
    fn size(&self) -> io::Result<u64>;

    /// When the source was last modified; `None` if it has no such time.
    ///
    /// # Errors
    /// The system's error.
    fn modified(&self) -> io::Result<Option<SystemTime>> {
        Ok(None)
    }

    /// Fills `buffers` one after the other with the bytes from `offset` on, and returns the number of bytes read. It is
    /// less than the buffers' total size only at the source's end. Retries interrupted calls.
    ///
    /// # Errors
    /// The system's error.
    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }

    fn modified(&self) -> io::Result<Option<SystemTime>> {
        (**self).modified()
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (**self).read_at(offset, buffers)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Box<T> {
    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }

    fn modified(&self) -> io::Result<Option<SystemTime>> {
        (**self).modified()
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (**self).read_at(offset, buffers)
    }
}

/// Where an operation reads from.
pub enum InputSource<'a> {
    /// By offset: each worker reads its own segments.
    Positioned(Box<dyn ReadAt + 'a>),
    /// In order, on a separate thread.
    Ordered(Box<dyn Read + Send + 'a>),
}

impl<'a> InputSource<'a> {
    /// Any source that can be read by offset, such as a file.
    #[must_use]
    pub fn positioned(source: impl ReadAt + 'a) -> Self {
        Self::Positioned(Box::new(source))
    }

    /// Bytes in memory.
    #[must_use]
    pub fn memory(bytes: &'a [u8]) -> Self {
        Self::positioned(bytes)
    }

    /// Any source that can be read in order. An operation that fails or is cancelled waits until the current `read` call
    /// returns. A reader whose calls can block must therefore check the operation's token, as
    /// [`PipeReader`](super::PipeReader) does.
    pub fn reader(reader: impl Read + Send + 'a) -> Self {
        Self::Ordered(Box::new(reader))
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let mut rest = self.get(start..).unwrap_or_default();
        let available = rest.len();
        for buffer in buffers {
            let count = buffer.len().min(rest.len());
            let (now, later) = rest.split_at(count);
            buffer[..count].copy_from_slice(now);
            rest = later;
        }
        Ok(available - rest.len())
    }
}

/// Reads a positioned source in order.
pub struct ReadAtCursor<'a> {
    source: &'a dyn ReadAt,
    offset: u64,
}

impl<'a> ReadAtCursor<'a> {
    /// Starts at `offset`.
    #[must_use]
    pub const fn new(source: &'a dyn ReadAt, offset: u64) -> Self {
        Self { source, offset }
    }
}

impl Read for ReadAtCursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(self.offset, &mut [IoSliceMut::new(buffer)])?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Reads until `buffer` is full or the source ends, and returns the number of bytes read. Retries interrupted calls.
///
/// # Errors
/// The reader's error.
pub fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match reader.read(free) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
