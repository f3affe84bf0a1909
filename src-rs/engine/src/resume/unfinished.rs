//! Outputs that an interrupted operation goes on with: what was written is read again.

use crate::stream_v2::io::{ReadAt, WriteAt};
use std::fs::File;
use std::io;
use std::io::{IoSlice, IoSliceMut};

/// An output that is written, and read again to see what of it is sound.
pub(crate) trait Unfinished: ReadAt + WriteAt {
    /// Cuts it to `size` bytes, if it has more.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Has what was written on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// An unfinished output in a file.
pub(crate) struct UnfinishedFile<'a>(pub(crate) &'a File);

impl ReadAt for UnfinishedFile<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read_at(offset, buffers)
    }
}

impl WriteAt for UnfinishedFile<'_> {
    /// What was reserved in vain is given back: unlike another output this one stays.
    fn reserve(&self, size: u64) -> io::Result<()> {
        let before = self.0.metadata()?.len();
        self.0.reserve(size).inspect_err(|_| {
            // Best effort: what the caller must hear of is the full disk.
            let _ = self.0.set_len(before);
        })
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.0.write_at(offset, buffers)
    }
}

impl Unfinished for UnfinishedFile<'_> {
    fn truncate(&self, size: u64) -> io::Result<()> {
        if self.0.metadata()?.len() > size {
            self.0.set_len(size)?;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
