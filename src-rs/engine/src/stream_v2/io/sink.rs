//! Sinks.

use super::ReadAt;
use std::io;
use std::io::{IoSlice, Write};

/// A sink whose bytes can be written by offset, from several threads at once.
pub trait WriteAt: Send + Sync {
    /// Allocates space for `size` bytes in all, where the sink can: a full disk is then reported before any work is done,
    /// and writes in any order find their space.
    ///
    /// # Errors
    /// The system's error. Sinks without such a call succeed.
    fn reserve(&self, size: u64) -> io::Result<()> {
        let _ = size;
        Ok(())
    }

    /// Makes the sink `size` bytes long. Bytes that were never written read as zeros and take no space in a file.
    ///
    /// # Errors
    /// The system's error. Sinks without such a call succeed.
    fn set_size(&self, size: u64) -> io::Result<()> {
        let _ = size;
        Ok(())
    }

    /// Whether bytes that were never written read as zeros and take no space, after [`set_size`](Self::set_size).
    fn has_holes(&self) -> bool {
        false
    }

    /// Writes all of `buffers`, one after the other, starting at `offset`. Retries interrupted calls.
    ///
    /// # Errors
    /// The system's error.
    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()>;
}

impl<T: WriteAt + ?Sized> WriteAt for &T {
    fn reserve(&self, size: u64) -> io::Result<()> {
        (**self).reserve(size)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        (**self).set_size(size)
    }

    fn has_holes(&self) -> bool {
        (**self).has_holes()
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        (**self).write_at(offset, buffers)
    }
}

/// An existing file that is read and changed by offset.
pub(crate) trait ReadWriteAt: ReadAt + WriteAt {
    /// Waits until all written bytes are on the disk.
    ///
    /// # Errors
    /// The system's error.
    fn sync(&self) -> io::Result<()>;
}

/// Where an operation writes to.
pub enum OutputSink<'a> {
    /// By offset: each worker writes its own segments.
    Positioned(Box<dyn WriteAt + 'a>),
    /// In order, on the caller's thread.
    Ordered(Box<dyn Write + Send + 'a>),
    /// Memory of a fixed size. Larger output is refused; the report says how many bytes were written.
    Memory(&'a mut [u8]),
}

impl<'a> OutputSink<'a> {
    /// Any sink that can be written by offset, such as a file.
    #[must_use]
    pub fn positioned(sink: impl WriteAt + 'a) -> Self {
        Self::Positioned(Box::new(sink))
    }

    /// Any sink that can be written in order.
    pub fn writer(writer: impl Write + Send + 'a) -> Self {
        Self::Ordered(Box::new(writer))
    }

    /// The sink as a writer, for an operation that writes in order.
    #[must_use]
    pub fn into_writer(self) -> Box<dyn Write + Send + 'a> {
        match self {
            Self::Positioned(sink) => Box::new(WriteAtCursor::new(sink)),
            Self::Ordered(writer) => writer,
            Self::Memory(memory) => Box::new(memory),
        }
    }

    /// As [`into_writer`](Self::into_writer), for an operation that may leave holes.
    pub(crate) fn into_hole_writer(self) -> HoleWriter<'a> {
        match self {
            Self::Positioned(sink) => HoleWriter::Positioned(WriteAtCursor::new(sink)),
            other => HoleWriter::Other(other.into_writer()),
        }
    }
}

/// A writer that leaves holes where its sink can.
pub(crate) enum HoleWriter<'a> {
    Positioned(WriteAtCursor<'a>),
    Other(Box<dyn Write + Send + 'a>),
}

impl HoleWriter<'_> {
    /// Leaves `size` bytes of zeros without writing them. Returns whether it did: other sinks need the bytes.
    ///
    /// # Errors
    /// The system's error.
    pub(crate) fn leave_hole(&mut self, size: u64) -> io::Result<bool> {
        let Self::Positioned(cursor) = self else {
            return Ok(false);
        };
        if !cursor.sink.has_holes() {
            return Ok(false);
        }
        let end = cursor
            .offset
            .checked_add(size)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        cursor.sink.set_size(end)?;
        cursor.offset = end;
        Ok(true)
    }
}

impl Write for HoleWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Positioned(cursor) => cursor.write(bytes),
            Self::Other(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Positioned(cursor) => cursor.flush(),
            Self::Other(writer) => writer.flush(),
        }
    }
}

/// Writes a positioned sink in order.
pub struct WriteAtCursor<'a> {
    sink: Box<dyn WriteAt + 'a>,
    offset: u64,
}

impl<'a> WriteAtCursor<'a> {
    /// Starts at the sink's first byte.
    #[must_use]
    pub fn new(sink: Box<dyn WriteAt + 'a>) -> Self {
        Self { sink, offset: 0 }
    }
}

impl Write for WriteAtCursor<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write_at(self.offset, &mut [IoSlice::new(bytes)])?;
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
