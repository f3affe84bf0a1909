//! A file that is rewritten in place or replaced, locked for one operation.

use crate::error::{IoOperation, SealError, SizeRelation};
use crate::files::{NewFile, Placement};
use crate::stream_v2::io::{Overwrite, is_same_file, open_regular};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// A regular file, open to read and write, and locked until this is dropped.
#[derive(Debug)]
pub(super) struct LockedFile {
    pub(super) file: File,
    /// The file's own path: a symbolic link was followed when it was opened.
    path: PathBuf,
    size: u64,
}

impl LockedFile {
    /// Opens and locks the file at `path`. A symbolic link is followed. The file is not changed.
    ///
    /// # Errors
    /// `TargetBusy` if another operation holds the lock, `NotARegularFile`, or `Io` with the path.
    pub(super) fn open(path: &Path) -> Result<Self, SealError> {
        let failed = |operation| move |error: std::io::Error| SealError::io(operation, Some(path), &error);
        let busy = || SealError::TargetBusy {
            path: path.display().to_string(),
        };
        for _ in 0..ATTEMPTS {
            let file = open_regular(path, OpenOptions::new().read(true).write(true))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy()),
                Err(TryLockError::Error(error)) => return Err(failed(IoOperation::Open)(error)),
            }
            let inspected = failed(IoOperation::Inspect);
            let size = file.metadata().map_err(&inspected)?.len();
            // The link is followed once: a later change of the link does not matter.
            let is_link = std::fs::symlink_metadata(path).map_err(&inspected)?.is_symlink();
            let path = if is_link {
                std::fs::canonicalize(path).map_err(&inspected)?
            } else {
                path.to_owned()
            };
            // The operation that held the lock before can have replaced the file.
            if is_same_file(&file, &path).map_err(&inspected)? {
                return Ok(Self { file, path, size });
            }
        }
        Err(busy())
    }

    /// Writes a new file with `fill`, and replaces this one with it, unless another file has its name by now: not every
    /// program respects the lock, and the new file has no changes of the other. What an interrupted operation left beside
    /// this file stays, because the new file has the same contents.
    ///
    /// # Errors
    /// `SourceChanged`; `Io` if the owner can't be kept; those of [`NewFile::write`].
    pub(super) fn replace(
        &self,
        flush: bool,
        fill: impl FnOnce(&File) -> Result<(), SealError>,
    ) -> Result<(), SealError> {
        let placement = Placement {
            overwrite: Overwrite::Replace,
            flush,
        };
        // No sources: the file that is read may be replaced here.
        let new = NewFile {
            from: &self.path,
            sources: &[],
            to: &self.path,
            mode: None,
            placement,
        };
        new.write_beside_unfinished(|output| {
            fill(output.file())?;
            self.check_unreplaced()?;
            keep_owner(&self.file, output.file())
                .map_err(|error| SealError::io(IoOperation::Create, Some(&self.path), &error))
        })
    }

    fn check_unreplaced(&self) -> Result<(), SealError> {
        let inspected = |error| SealError::io(IoOperation::Inspect, Some(&self.path), &error);
        if is_same_file(&self.file, &self.path).map_err(inspected)? {
            return Ok(());
        }
        let size = std::fs::metadata(&self.path).map_err(inspected)?.len();
        Err(SealError::source_changed(
            self.size,
            SizeRelation::of(size, self.size),
        ))
    }
}

/// Gives the new file the owner and group of the old one. A user who may change a file need not own it.
#[cfg(unix)]
fn keep_owner(old: &File, new: &File) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (old, created) = (old.metadata()?, new.metadata()?);
    if (old.uid(), old.gid()) == (created.uid(), created.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &File) -> std::io::Result<()> {
    Ok(())
}

/// Limits the retries if the file is replaced again and again.
const ATTEMPTS: usize = 8;
