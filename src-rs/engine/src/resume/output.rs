//! The output of an operation that can be resumed. It stays when the operation is interrupted.

use super::lock::{TargetLock, TargetLockError};
use crate::error::{IoOperation, SealError};
use crate::stream_v2::io::{Overwrite, Target, open_source, set_mode, sync_parent_directory};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// An output whose temporary name follows from its target's, so that the next attempt finds it and its journal. It is
/// locked for one operation, and stays until it is complete.
#[derive(Debug)]
pub(crate) struct ResumableOutput {
    target: Target,
    /// The target as the caller named it.
    shown: PathBuf,
    lock: TargetLock,
    file: File,
    is_target: bool,
}

impl ResumableOutput {
    /// As [`OutputFile::create`](crate::stream_v2::io::OutputFile::create), but opens the output of an earlier attempt if
    /// there is one. A target that exists, with a journal and no unfinished output beside it, can be the complete output of
    /// an attempt that ended before it removed its journal: the output is then [the target](Self::is_target).
    ///
    /// # Errors
    /// As those of `OutputFile::create`, and `TargetBusy`. `SameFile` is also the error for a source that has the name of
    /// the unfinished output or of its journal, which would be overwritten.
    pub(crate) fn open(source: &File, target: &Path, overwrite: Overwrite) -> Result<Self, SealError> {
        let shown = target.to_owned();
        let target = Target::resolve(&[source], &shown, overwrite)?;
        let failed = |error: io::Error| SealError::io(IoOperation::Create, Some(&shown), &error);
        if TargetLock::would_use(source, &target.path).map_err(failed)? {
            return Err(SealError::SameFile {
                path: shown.display().to_string(),
            });
        }
        let mut lock = TargetLock::take(&target.path).map_err(|error| error.on(&shown))?;
        let may_be_target = target.replaces.is_some() && lock.found_journal() && !lock.has_partial();
        let placed = may_be_target.then(|| open_source(&target.path).ok()).flatten();
        let is_target = placed.is_some();
        let file = match placed {
            Some(file) => file,
            None => open_partial(&mut lock, &target, &shown)?,
        };
        Ok(Self {
            target,
            shown,
            lock,
            file,
            is_target,
        })
    }

    /// Whether [`file`](Self::file) is the target, which may already be the complete output. It is only read.
    pub(crate) const fn is_target(&self) -> bool {
        self.is_target
    }

    /// Gives up a target that is not the complete output: the output is written from its beginning, as a new file.
    ///
    /// # Errors
    /// `TargetExists`, `TargetBusy`, or `Io` with the path.
    pub(crate) fn start_over(&mut self) -> Result<(), SealError> {
        self.file = open_partial(&mut self.lock, &self.target, &self.shown)?;
        self.is_target = false;
        Ok(())
    }

    pub(crate) const fn lock(&self) -> &TargetLock {
        &self.lock
    }

    /// The file to write to.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// As [`OutputFile::commit`](crate::stream_v2::io::OutputFile::commit), and removes the journal. An output that
    /// is the target keeps its permissions.
    ///
    /// # Errors
    /// As there, but output and journal stay. `TargetBusy` if another file has taken the name of the unfinished output,
    /// which is then not used.
    pub(crate) fn commit(self, mode: Option<u32>, flush: bool) -> Result<(), SealError> {
        let Self {
            target,
            lock,
            file,
            is_target,
            ..
        } = self;
        if is_target {
            lock.complete();
            return Ok(());
        }
        let failed = |error: io::Error| SealError::io(IoOperation::Flush, Some(&target.path), &error);
        if flush {
            // Before the file gets its final permissions, with which the next attempt would not trust it.
            file.sync_all().map_err(failed)?;
        }
        if !lock.holds_partial().map_err(failed)? {
            return Err(TargetLockError::Busy.on(&target.path));
        }
        let copy = file.try_clone().map_err(failed)?;
        let path = TempPath::try_from_path(lock.partial_path()).map_err(failed)?;
        let mut temporary = NamedTempFile::from_parts(copy, path);
        temporary.disable_cleanup(true);
        target
            .place(temporary, mode, flush, Some(lock.partial_path()))
            .inspect_err(|_| {
                // A file that has replaced another stays there, with the other's permissions.
                if lock.has_partial() {
                    // Best effort: the next attempt replaces a file that it does not trust.
                    let _ = set_mode(&file, Some(OWNER_ONLY), None);
                }
            })?;
        lock.complete();
        Ok(())
    }
}

fn open_partial(lock: &mut TargetLock, target: &Target, shown: &Path) -> Result<File, SealError> {
    target.check_overwrite(shown)?;
    let file = lock.open_partial().map_err(|error| error.on(shown))?;
    if !lock.found_journal() {
        // Best effort: if the names are lost, the next attempt starts over.
        let _ = sync_parent_directory(lock.partial_path());
    }
    Ok(file)
}

/// The permissions with which the next attempt trusts the file.
const OWNER_ONLY: u32 = 0o600;
