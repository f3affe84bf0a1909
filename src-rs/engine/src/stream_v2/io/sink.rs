//! Sinks.

use std::fs::File;
use std::io;
use std::io::{IoSlice, Write};

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

/// A sink whose bytes can be written by offset, from several threads at once.
pub trait WriteAt: Send + Sync {
    /// Makes room for `size` bytes in all, where the sink can: a full disk then says so before any work is done, and
    /// writers that arrive in any order find their place ready.
    ///
    /// # Errors
    /// What the system says; a sink that has no such call says nothing.
    fn reserve(&self, size: u64) -> io::Result<()> {
        let _ = size;
        Ok(())
    }

    /// Makes the sink `size` bytes long: what was never written reads as zeros and, in a file, takes no room.
    ///
    /// # Errors
    /// What the system says; a sink that has no such call says nothing.
    fn set_size(&self, size: u64) -> io::Result<()> {
        let _ = size;
        Ok(())
    }

    /// Writes all of `buffers`, one after the other, from `offset` on. Retries what was interrupted.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()>;
}

/// Where an operation writes to.
pub enum OutputSink<'a> {
    /// By offset: workers write their own segments.
    Positioned(Box<dyn WriteAt + 'a>),
    /// In order, on the caller's thread.
    Ordered(Box<dyn Write + Send + 'a>),
    /// Memory of a fixed size; what is larger is refused. The report says how much was written.
    Memory(&'a mut [u8]),
}

impl<'a> OutputSink<'a> {
    /// A regular file, from its first byte on.
    #[must_use]
    pub fn file(file: &'a File) -> Self {
        Self::Positioned(Box::new(file))
    }

    /// The sink as a writer, for an operation that has an order anyway.
    #[must_use]
    pub fn into_writer(self) -> Box<dyn Write + Send + 'a> {
        match self {
            Self::Positioned(sink) => Box::new(WriteAtCursor::new(sink)),
            Self::Ordered(writer) => writer,
            Self::Memory(memory) => Box::new(memory),
        }
    }

    /// Anything that can be written in order.
    pub fn writer(writer: impl Write + Send + 'a) -> Self {
        Self::Ordered(Box::new(writer))
    }
}
