//! Files, read and written by offset.

use super::{ReadAt, ReadWriteAt, WriteAt};
use std::fs::File;
use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::time::SystemTime;

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn modified(&self) -> io::Result<Option<SystemTime>> {
        self.metadata()?.modified().map(Some)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        read_all(buffers, |rest, done| {
            system::read_some(self, rest, offset + done as u64)
        })
    }
}

impl WriteAt for File {
    /// On ext4 this makes sealing a file into the page cache a third faster: writers hold the file's lock and no longer
    /// search for space meanwhile. If the space is not available, the file keeps its size.
    fn reserve(&self, size: u64) -> io::Result<()> {
        let before = self.size()?;
        system::reserve(self, size).inspect_err(|_| {
            // Best effort: the caller must get the error of the full disk.
            let _ = self.set_len(before);
        })
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn has_holes(&self) -> bool {
        true
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        write_all(buffers, |rest, done| {
            system::write_some(self, rest, offset + done as u64)
        })
    }
}

impl ReadWriteAt for File {
    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Calls `read` with the unfilled buffers and the number of bytes read so far, until all buffers are full or it reads
/// nothing.
fn read_all(
    mut buffers: &mut [IoSliceMut<'_>],
    mut read: impl FnMut(&mut [IoSliceMut<'_>], usize) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut total = 0;
    while !buffers.is_empty() {
        match read(buffers, total) {
            Ok(0) => break,
            Ok(count) => {
                total += count;
                IoSliceMut::advance_slices(&mut buffers, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Calls `write` with the unwritten buffers and the number of bytes written so far, until all buffers are written.
fn write_all(
    mut buffers: &mut [IoSlice<'_>],
    mut write: impl FnMut(&[IoSlice<'_>], usize) -> io::Result<usize>,
) -> io::Result<()> {
    let mut total = 0;
    // Skips empty buffers at the front: writing 0 bytes would be taken for a full disk.
    IoSlice::advance_slices(&mut buffers, 0);
    while !buffers.is_empty() {
        match write(buffers, total) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                total += count;
                IoSlice::advance_slices(&mut buffers, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use super::{File, IoSlice, IoSliceMut, MAX_BUFFERS, io};
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    pub(super) fn reserve(file: &File, size: u64) -> io::Result<()> {
        if size == 0 {
            return Ok(());
        }
        loop {
            match fallocate(file, FallocateFlags::empty(), 0, size) {
                // Some file systems can't reserve: each write then allocates its own space.
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn read_some(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        let count = buffers.len().min(MAX_BUFFERS);
        Ok(rustix::io::preadv(file, &mut buffers[..count], offset)?)
    }

    pub(super) fn write_some(file: &File, buffers: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let count = buffers.len().min(MAX_BUFFERS);
        Ok(rustix::io::pwritev(file, &buffers[..count], offset)?)
    }
}

/// One buffer at a time: these systems have no vectored positioned IO.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use super::{File, IoSlice, IoSliceMut, io};
    #[cfg(unix)]
    use std::os::unix::fs::FileExt;
    #[cfg(windows)]
    use std::os::windows::fs::FileExt;

    pub(super) fn reserve(_: &File, _: u64) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn read_some(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        let Some(buffer) = buffers.iter_mut().find(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        #[cfg(unix)]
        return file.read_at(buffer, offset);
        #[cfg(windows)]
        return file.seek_read(buffer, offset);
    }

    pub(super) fn write_some(file: &File, buffers: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let Some(buffer) = buffers.iter().find(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        #[cfg(unix)]
        return file.write_at(buffer, offset);
        #[cfg(windows)]
        return file.seek_write(buffer, offset);
    }
}

/// IOV_MAX of Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_BUFFERS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// Result of one call to the system.
    enum Answer {
        /// At most that many bytes.
        Upto(usize),
        Error(io::ErrorKind),
    }

    use Answer::{Error, Upto};

    /// Reads `content` into buffers of 3, 0, 5 and 2 bytes from a system with these results.
    fn read(content: &[u8], answers: &[Answer]) -> (io::Result<usize>, Vec<u8>) {
        let mut memory = [
            [b'.'; 3].to_vec(),
            Vec::new(),
            [b'.'; 5].to_vec(),
            [b'.'; 2].to_vec(),
        ];
        let mut buffers: Vec<_> = memory.iter_mut().map(|bytes| IoSliceMut::new(bytes)).collect();
        let mut answers = answers.iter();
        let result = read_all(&mut buffers, |rest, done| match answers.next() {
            Some(Error(kind)) => Err((*kind).into()),
            Some(Upto(most)) => {
                let end = content.len().min(done + most);
                (&content[done..end]).read_vectored(rest)
            }
            None => (&content[done..]).read_vectored(rest),
        });
        (result, memory.concat())
    }

    #[test]
    fn short_and_interrupted_reads_continue() {
        for answers in [
            vec![],
            vec![Upto(1), Upto(1), Upto(1), Upto(1)],
            vec![
                Error(io::ErrorKind::Interrupted),
                Upto(4),
                Error(io::ErrorKind::Interrupted),
            ],
        ] {
            let (result, bytes) = read(b"0123456789abc", &answers);
            assert_eq!((result.unwrap(), &bytes[..]), (10, &b"0123456789"[..]));
        }
    }

    #[test]
    fn a_read_at_the_end_fills_as_much_as_there_is() {
        let (result, bytes) = read(b"01234", &[Upto(2)]);
        assert_eq!((result.unwrap(), &bytes[..]), (5, &b"01234....."[..]));
        // The system may report the end too early.
        let (result, bytes) = read(b"0123456789", &[Upto(4), Upto(0)]);
        assert_eq!((result.unwrap(), &bytes[..]), (4, &b"0123......"[..]));
    }

    #[test]
    fn a_failed_read_is_an_error() {
        let (result, _) = read(b"0123456789", &[Upto(4), Error(io::ErrorKind::TimedOut)]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    /// Writes buffers of 0, 3, 0 and 5 bytes to a system with these results.
    fn write(answers: &[Answer]) -> (io::Result<()>, Vec<u8>) {
        let mut buffers = [&b""[..], b"012", b"", b"34567"].map(IoSlice::new);
        let mut answers = answers.iter();
        let mut written = Vec::new();
        let result = write_all(&mut buffers, |rest, done| {
            assert_eq!(done, written.len());
            match answers.next() {
                Some(Error(kind)) => Err((*kind).into()),
                Some(Upto(most)) => {
                    let all: Vec<u8> = rest.iter().flat_map(|bytes| bytes.iter().copied()).collect();
                    written.write(&all[..all.len().min(*most)])
                }
                None => written.write_vectored(rest),
            }
        });
        (result, written)
    }

    #[test]
    fn short_and_interrupted_writes_continue() {
        for answers in [
            vec![],
            vec![Upto(1), Upto(2), Upto(1)],
            vec![
                Error(io::ErrorKind::Interrupted),
                Upto(4),
                Error(io::ErrorKind::Interrupted),
            ],
        ] {
            let (result, written) = write(&answers);
            result.unwrap();
            assert_eq!(written, b"01234567");
        }
    }

    #[test]
    fn a_failed_or_empty_write_is_an_error() {
        for (answers, kind, taken) in [
            (
                vec![Upto(2), Error(io::ErrorKind::StorageFull)],
                io::ErrorKind::StorageFull,
                &b"01"[..],
            ),
            (vec![Upto(5), Upto(0)], io::ErrorKind::WriteZero, b"01234"),
        ] {
            let (result, written) = write(&answers);
            assert_eq!((result.unwrap_err().kind(), &written[..]), (kind, taken));
        }
    }
}
