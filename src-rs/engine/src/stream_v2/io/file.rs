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

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
mod system {
    use super::{File, IoSlice, IoSliceMut, MAX_BUFFERS, io};

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
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
mod system {
    use super::{File, IoSlice, IoSliceMut, io};
    #[cfg(unix)]
    use std::os::unix::fs::FileExt;
    #[cfg(windows)]
    use std::os::windows::fs::FileExt;

    pub(super) fn read_some(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        let Some(buffer) = buffers.iter_mut().find(|buffer| !buffer.is_empty()) else { return Ok(0) };
        #[cfg(unix)]
        return file.read_at(buffer, offset);
        #[cfg(windows)]
        return file.seek_read(buffer, offset);
    }

    pub(super) fn write_some(file: &File, buffers: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let Some(buffer) = buffers.iter().find(|buffer| !buffer.is_empty()) else { return Ok(0) };
        #[cfg(unix)]
        return file.write_at(buffer, offset);
        #[cfg(windows)]
        return file.seek_write(buffer, offset);
    }
}

/// IOV_MAX of the systems above.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const MAX_BUFFERS: usize = 1024;
