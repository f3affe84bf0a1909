//! By what a source is known again.

use std::fs::File;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// What tells whether a file is the one that it was, unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceMark {
    /// Bytes.
    pub(crate) size: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// The device that it is on; 0 where the platform doesn't say.
    pub(crate) device: u64,
    /// Its number on that device; 0 where the platform doesn't say.
    pub(crate) inode: u64,
}

impl SourceMark {
    /// The mark of an open file.
    ///
    /// # Errors
    /// What the system says.
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
}

/// Nanoseconds since 1970, which an `i64` holds until the year 2262.
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
