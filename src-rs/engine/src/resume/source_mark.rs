//! Detects a source that changed between two attempts.

use crate::error::{SealError, SizeRelation};
use std::fs::File;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// Properties of a file that differ if it is changed or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceMark {
    /// Bytes.
    pub(crate) size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// Device number; 0 on platforms without one.
    pub(crate) device: u64,
    /// Inode number; 0 on platforms without one.
    pub(crate) inode: u64,
}

impl SourceMark {
    /// The mark of an open file.
    ///
    /// # Errors
    /// The system's error.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let (device, inode) = file_id(&metadata);
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified().map(nanoseconds).unwrap_or(0),
            device,
            inode,
        })
    }

    /// Fails with `SourceChanged` if the source differs now. Device numbers are not compared: they can change when the
    /// system restarts.
    pub(super) fn check_unchanged(&self, now: &Self) -> Result<(), SealError> {
        if (self.size, self.modified, self.inode) == (now.size, now.modified, now.inode) {
            Ok(())
        } else {
            Err(self.changed(now))
        }
    }

    /// The failure of a source that is not the same as before.
    pub(super) fn changed(&self, now: &Self) -> SealError {
        SealError::source_changed(self.size, SizeRelation::of(now.size, self.size))
    }
}

/// Nanoseconds since 1970. An `i64` holds them until the year 2262.
fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

#[cfg(unix)]
fn file_id(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn file_id(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}
