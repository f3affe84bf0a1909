//! A file that is changed where it stands, by one operation at a time.

use super::output_file::{is_same_file, open_regular};
use super::{Unfinished, UnfinishedFile};
use crate::stream_v2::failure::{IoOperation, SealFailure};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// A regular file that is open to be read and written and locked until this is dropped.
#[derive(Debug)]
pub(crate) struct ChangedFile(File);

impl ChangedFile {
    /// Opens and locks the file at `path`, a symbolic link followed. Nothing about it is changed.
    ///
    /// # Errors
    /// `TargetBusy` where another operation holds it, `NotARegularFile`, or `Io` with the path.
    pub(crate) fn open(path: &Path) -> Result<Self, SealFailure> {
        let failed = |operation| move |error: std::io::Error| SealFailure::io(operation, Some(path), &error);
        let busy = || SealFailure::TargetBusy {
            path: path.display().to_string(),
        };
        for _ in 0..ATTEMPTS {
            let file = open_regular(path, OpenOptions::new().read(true).write(true))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy()),
                Err(TryLockError::Error(error)) => return Err(failed(IoOperation::Open)(error)),
            }
            // Whoever held the lock until now may have put another file in its place.
            if is_same_file(&file, path).map_err(failed(IoOperation::Inspect))? {
                return Ok(Self(file));
            }
        }
        Err(busy())
    }

    /// The file.
    pub(crate) const fn file(&self) -> &File {
        &self.0
    }

    /// The file's bytes, to be read and written by offset.
    pub(crate) const fn bytes(&self) -> impl Unfinished {
        UnfinishedFile(&self.0)
    }
}

/// How often a file that was replaced meanwhile is opened again.
const ATTEMPTS: usize = 8;
