//! Pipes, terminals and sockets as sources and sinks whose waiting calls can be cancelled.

use crate::error::Cancelled;
use crate::operation::cancel::CancellationToken;
use std::fs::File;
use std::io;
use std::io::{Read, Write};

/// Reads a file descriptor whose reads can block.
#[derive(Debug)]
pub struct PipeReader {
    file: File,
    cancel: CancellationToken,
}

impl PipeReader {
    /// Reads `file` until its end or until `cancel` is raised.
    #[must_use]
    pub const fn new(file: File, cancel: CancellationToken) -> Self {
        Self { file, cancel }
    }
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            wait(&self.file, Direction::Read, &self.cancel)?;
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

/// Writes a file descriptor whose writes can block.
#[derive(Debug)]
pub struct PipeWriter {
    file: File,
    cancel: CancellationToken,
    /// Largest number of bytes in one write.
    portion: usize,
}

impl PipeWriter {
    /// Writes to `file` until `cancel` is raised.
    #[must_use]
    pub fn new(file: File, cancel: CancellationToken) -> Self {
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let portion = if is_file { FILE_PORTION } else { PIPE_BUF };
        Self {
            file,
            cancel,
            portion,
        }
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes.get(..self.portion).unwrap_or(bytes);
        loop {
            wait(&self.file, Direction::Write, &self.cancel)?;
            match self.file.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Read,
    Write,
}

/// Waits until the descriptor is ready; checks the token meanwhile.
#[cfg(unix)]
fn wait(file: &File, direction: Direction, cancel: &CancellationToken) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let interest = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: WAIT_NANOSECONDS,
    };
    while !cancel.is_cancelled() {
        match poll(&mut [PollFd::new(file, interest)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Err(cancelled())
}

#[cfg(not(unix))]
fn wait(_: &File, _: Direction, cancel: &CancellationToken) -> io::Result<()> {
    if cancel.is_cancelled() {
        Err(cancelled())
    } else {
        Ok(())
    }
}

fn cancelled() -> io::Error {
    io::Error::other(Cancelled)
}

/// A ready pipe takes this many bytes without blocking; larger writes could block where they can't be cancelled.
const PIPE_BUF: usize = 4096;
/// A regular file never blocks its writer.
const FILE_PORTION: usize = 1024 * 1024;
#[cfg(unix)]
const WAIT_NANOSECONDS: i64 = 100_000_000;
