//! Files by offset.

use super::{ReadAt, WriteAt};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, mut buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut total = 0;
        while !buffers.is_empty() {
            match system::read_some(self, buffers, offset + total as u64) {
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

    fn write_at(&self, mut offset: u64, mut buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        // An empty buffer in front would make a write of 0 bytes look like a full disk.
        IoSlice::advance_slices(&mut buffers, 0);
        while !buffers.is_empty() {
            match system::write_some(self, buffers, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    offset += count as u64;
                    IoSlice::advance_slices(&mut buffers, count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
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
