//! A file that is changed where it stands, by one operation at a time.

use super::output_file::{OutputFile, Overwrite, is_same_file, open_regular};
use crate::error::{IoOperation, SealError, SizeRelation};
use crate::resume::{Unfinished, UnfinishedFile};
use std::cmp::Ordering;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// A regular file that is open to be read and written and locked until this is dropped.
#[derive(Debug)]
pub(crate) struct ChangedFile {
    file: File,
    /// Where it stands: what a symbolic link led to when it was opened.
    path: PathBuf,
    size: u64,
}

impl ChangedFile {
    /// Opens and locks the file at `path`, a symbolic link followed. Nothing about it is changed.
    ///
    /// # Errors
    /// `TargetBusy` where another operation holds it, `NotARegularFile`, or `Io` with the path.
    pub(crate) fn open(path: &Path) -> Result<Self, SealError> {
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
            // A link is followed once: whatever it leads to later, this is the file.
            let is_link = std::fs::symlink_metadata(path).map_err(&inspected)?.is_symlink();
            let path = if is_link {
                std::fs::canonicalize(path).map_err(&inspected)?
            } else {
                path.to_owned()
            };
            // Whoever held the lock until now may have put another file in its place.
            if is_same_file(&file, &path).map_err(&inspected)? {
                return Ok(Self { file, path, size });
            }
        }
        Err(busy())
    }

    /// The file.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// The file's bytes, to be read and written by offset.
    pub(crate) const fn bytes(&self) -> impl Unfinished {
        UnfinishedFile(&self.file)
    }

    /// A file that is to take this one's place. It holds the same, so what an interrupted operation that was to replace this one left
    /// beside it stays.
    ///
    /// # Errors
    /// As those of [`OutputFile::create`].
    pub(crate) fn successor(&self) -> Result<OutputFile, SealError> {
        // The file is its own source here: that it is replaced is the point.
        let output = OutputFile::create_apart(&[], &self.path, Overwrite::Replace)?;
        Ok(OutputFile {
            removes_stale: false,
            ..output
        })
    }

    /// Gives the successor this file's place, unless another file has it by now: locks bind only those who ask for them, and the
    /// successor holds nothing of the other.
    ///
    /// # Errors
    /// `SourceChanged`; `Io` where the owner can't be kept, and those of [`OutputFile::commit`].
    pub(crate) fn give_way(&self, successor: OutputFile, flush: bool) -> Result<(), SealError> {
        let inspected = |error| SealError::io(IoOperation::Inspect, Some(&self.path), &error);
        if !is_same_file(&self.file, &self.path).map_err(inspected)? {
            let size = std::fs::metadata(&self.path).map_err(inspected)?.len();
            return Err(SealError::SourceChanged {
                expected: self.size,
                relation: match size.cmp(&self.size) {
                    Ordering::Less => SizeRelation::Shorter,
                    Ordering::Equal => SizeRelation::Modified,
                    Ordering::Greater => SizeRelation::Longer,
                },
            });
        }
        keep_owner(&self.file, successor.file())
            .map_err(|error| SealError::io(IoOperation::Create, Some(&self.path), &error))?;
        successor.commit(None, flush)
    }
}

/// Gives a new file the owner and the group of the old one: whoever may change a file need not be the one whom it belongs to.
#[cfg(unix)]
fn keep_owner(old: &File, new: &File) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (old, made) = (old.metadata()?, new.metadata()?);
    if (old.uid(), old.gid()) == (made.uid(), made.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &File) -> std::io::Result<()> {
    Ok(())
}

/// How often a file that was replaced meanwhile is opened again.
const ATTEMPTS: usize = 8;
