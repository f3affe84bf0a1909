//! Sources and sinks that fail at a chosen operation.

use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::{InputSource, OutputSink, ReadAt, WriteAt};
use crate::testing::support::{End, Output};
use std::io;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What happens at the named operation.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The system fails.
    Error(io::ErrorKind),
    /// Half of the requested bytes, once.
    Short,
    /// The system was interrupted, once.
    Interrupted,
    /// Nothing more can be written.
    Zero,
    /// The token is raised.
    Cancel(CancellationToken),
    /// The source has fewer bytes than it claimed, from here on.
    Shrink,
    /// Nothing happens.
    None,
}

/// Memory that fails at its `at`th read, counted from 0.
pub(crate) struct FaultySource<'a> {
    bytes: &'a [u8],
    /// Bytes that the source claims to have.
    size: u64,
    at: usize,
    fault: Fault,
    operations: AtomicUsize,
    position: AtomicUsize,
}

impl<'a> FaultySource<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize, fault: Fault) -> Self {
        let size = bytes.len() as u64;
        Self {
            bytes,
            size,
            at,
            fault,
            operations: 0.into(),
            position: 0.into(),
        }
    }

    /// A source that claims to have `size` bytes.
    pub(crate) fn that_claims(self, size: u64) -> Self {
        Self { size, ..self }
    }

    pub(crate) fn input(&self, end: End) -> InputSource<'_> {
        match end {
            End::ByOffset => InputSource::Positioned(Box::new(self)),
            End::InOrder => InputSource::reader(self),
        }
    }

    /// Reads so far.
    pub(crate) fn operations(&self) -> usize {
        self.operations.load(Ordering::SeqCst)
    }

    /// The bytes that are there for this read, and how many of `wanted` it gives.
    fn read_one(&self, wanted: usize) -> io::Result<(&'a [u8], usize)> {
        let operation = self.operations.fetch_add(1, Ordering::SeqCst);
        let now = operation == self.at;
        match &self.fault {
            Fault::Error(kind) if operation >= self.at => Err((*kind).into()),
            Fault::Interrupted if now => Err(io::ErrorKind::Interrupted.into()),
            Fault::Short if now => Ok((self.bytes, wanted.div_ceil(2))),
            Fault::Shrink if operation >= self.at => Ok((&self.bytes[..self.bytes.len() / 2], wanted)),
            Fault::Cancel(token) if now => {
                token.cancel();
                Ok((self.bytes, wanted))
            }
            _ => Ok((self.bytes, wanted)),
        }
    }
}

impl ReadAt for &FaultySource<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let (bytes, _) = self.read_one(0)?;
        ReadAt::read_at(&bytes, offset, buffers)
    }
}

impl Read for &FaultySource<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (bytes, count) = self.read_one(buffer.len())?;
        let rest = bytes
            .get(self.position.load(Ordering::SeqCst)..)
            .unwrap_or_default();
        let count = (&rest[..]).read(&mut buffer[..count])?;
        self.position.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

/// Memory with ranges that can't be read.
pub(crate) struct BadBlocks<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) bad: Vec<Range<usize>>,
}

impl ReadAt for BadBlocks<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let start = offset as usize;
        let end = start + buffers.iter().map(|buffer| buffer.len()).sum::<usize>();
        if self.bad.iter().any(|bad| bad.start < end && start < bad.end) {
            return Err(io::Error::from_raw_os_error(5));
        }
        ReadAt::read_at(&self.bytes, offset, buffers)
    }
}

/// Memory that fails at its `at`th write, counted from 0.
pub(crate) struct FaultySink {
    pub(crate) output: Output,
    at: usize,
    fault: Fault,
    operations: AtomicUsize,
}

impl FaultySink {
    pub(crate) fn new(at: usize, fault: Fault) -> Self {
        Self {
            output: Output::default(),
            at,
            fault,
            operations: 0.into(),
        }
    }

    pub(crate) fn sink(&self, end: End) -> OutputSink<'_> {
        match end {
            End::ByOffset => OutputSink::Positioned(Box::new(self)),
            End::InOrder => OutputSink::writer(self),
        }
    }

    /// How many of `wanted` bytes this write takes.
    fn write_one(&self, wanted: usize) -> io::Result<usize> {
        let operation = self.operations.fetch_add(1, Ordering::SeqCst);
        match &self.fault {
            Fault::Error(kind) if operation >= self.at => Err((*kind).into()),
            Fault::Interrupted if operation == self.at => Err(io::ErrorKind::Interrupted.into()),
            Fault::Short if operation == self.at => Ok(wanted.div_ceil(2)),
            Fault::Zero if operation >= self.at => Ok(0),
            _ => Ok(wanted),
        }
    }
}

impl WriteAt for FaultySink {
    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.write_one(0)?;
        WriteAt::write_at(&&self.output, offset, buffers)
    }
}

/// A sink that can be told its size in advance, or refuses it.
pub(crate) struct Reserving<'a> {
    pub(crate) output: &'a Output,
    pub(crate) room: u64,
    pub(crate) reserved: &'a AtomicUsize,
}

impl WriteAt for Reserving<'_> {
    fn reserve(&self, size: u64) -> io::Result<()> {
        self.reserved.fetch_add(size as usize, Ordering::SeqCst);
        if size > self.room {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.output.write_at(offset, buffers)
    }
}

impl Write for &FaultySink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.write_one(bytes.len())?;
        (&self.output).write(&bytes[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.fault {
            Fault::Error(_) => self.write_one(0).map(drop),
            _ => Ok(()),
        }
    }
}
