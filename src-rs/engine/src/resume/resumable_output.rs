//! Outputs that stay when their operation is interrupted, so that the next attempt goes on with them.

use crate::error::{IoOperation, SealError};
use crate::stream_v2::io::output_file::{
    OutputFile, Overwrite, Target, directory_of, open_directory, open_source, set_mode, sync_directory,
};
use crate::stream_v2::io::{TargetLock, TargetLockError};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// What an operation that can be resumed finds.
#[derive(Debug)]
pub(crate) enum FoundOutput {
    /// An output that is not complete; perhaps nothing was written to it yet.
    Unfinished(ResumableOutput),
    /// No unfinished output but a journal and a target: the output may have got its place just before the process ended.
    Placed(PlacedOutput),
}

impl FoundOutput {
    /// As [`OutputFile::create`], but the temporary file has a name that follows from the target's, is claimed for this
    /// operation alone, and stays until it is committed: the next attempt finds it and its journal.
    ///
    /// # Errors
    /// As [`OutputFile::create`], and `TargetBusy`. `SameFile` is also the error for a source that stands where the
    /// unfinished output or its journal belongs: it would be written over.
    pub(crate) fn find(
        source: Option<&File>,
        target: &Path,
        overwrite: Overwrite,
    ) -> Result<Self, SealError> {
        let resolved = Target::resolve(source.as_slice(), target, overwrite)?;
        if let Some(source) = source {
            let taken = TargetLock::would_take(source, &resolved.path);
            if taken.map_err(|error| SealError::io(IoOperation::Create, Some(target), &error))? {
                return Err(SealError::SameFile {
                    path: target.display().to_string(),
                });
            }
        }
        let claim = TargetLock::take(&resolved.path).map_err(|error| not_claimed(error, target))?;
        let placed = PlacedOutput {
            target: resolved,
            claim,
            shown: target.to_owned(),
        };
        if placed.target.replaces.is_some() && placed.claim.resumes() && !placed.claim.has_partial() {
            return Ok(Self::Placed(placed));
        }
        placed.write_again().map(Self::Unfinished)
    }
}

/// An output whose name is the same at every attempt, and which stays until it is complete.
#[derive(Debug)]
pub(crate) struct ResumableOutput {
    output: OutputFile,
    claim: TargetLock,
}

impl ResumableOutput {
    /// The claim on the file and its journal.
    #[must_use]
    pub(crate) const fn claim(&self) -> &TargetLock {
        &self.claim
    }

    /// The file to write to.
    #[must_use]
    pub(crate) fn file(&self) -> &File {
        self.output.file()
    }

    /// As [`OutputFile::commit`], and the journal goes.
    ///
    /// # Errors
    /// As there, but output and journal stay; and `TargetBusy` where something else stands in the output's place, which is
    /// then not taken for it.
    pub(crate) fn commit(self, mode: Option<u32>, flush: bool) -> Result<(), SealError> {
        let Self {
            output: OutputFile {
                temporary, target, ..
            },
            claim,
        } = self;
        let failed = |error: io::Error| SealError::io(IoOperation::Flush, Some(&target.path), &error);
        if flush {
            // Before it gets its permissions, with which the next attempt would not trust it.
            temporary.as_file().sync_all().map_err(failed)?;
        }
        if !claim.holds_partial().map_err(failed)? {
            return Err(not_claimed(TargetLockError::Busy, &target.path));
        }
        let file = temporary.as_file().try_clone().map_err(failed)?;
        target
            .place(temporary, mode, flush, Some(claim.partial_path()))
            .inspect_err(|_| {
                // A file that has replaced another stays there, with the other's permissions.
                if claim.has_partial() {
                    // Best effort: what the next attempt doesn't trust it makes anew.
                    let _ = set_mode(&file, Some(OWNER_ONLY), None);
                }
            })?;
        claim.complete();
        Ok(())
    }
}

/// A target that may be the complete output already.
#[derive(Debug)]
pub(crate) struct PlacedOutput {
    target: Target,
    claim: TargetLock,
    /// The target as the caller named it.
    shown: PathBuf,
}

impl PlacedOutput {
    /// The claim on the journal.
    #[must_use]
    pub(crate) const fn claim(&self) -> &TargetLock {
        &self.claim
    }

    /// The target's bytes.
    ///
    /// # Errors
    /// `Io` with the path.
    pub(crate) fn open(&self) -> Result<File, SealError> {
        open_source(&self.target.path)
    }

    /// It is the complete output: the journal goes.
    pub(crate) fn accept(self) {
        self.claim.complete();
    }

    /// It is something else, or there is nothing: an output that is to be written.
    ///
    /// # Errors
    /// `TargetExists`, `TargetBusy`, or `Io` with the path.
    pub(crate) fn write_again(self) -> Result<ResumableOutput, SealError> {
        let Self {
            target,
            mut claim,
            shown,
        } = self;
        let opened = target.check_overwrite(&shown).and_then(|()| {
            let failed = |error: io::Error| SealError::io(IoOperation::Create, Some(&shown), &error);
            let file = claim.open_partial().map_err(|error| not_claimed(error, &shown))?;
            let path = TempPath::try_from_path(claim.partial_path()).map_err(failed)?;
            // Best effort: where names don't last the next attempt starts over.
            if let (false, Ok(Some(directory))) = (claim.resumes(), open_directory(directory_of(&path))) {
                let _ = sync_directory(&directory);
            }
            Ok(NamedTempFile::from_parts(file, path))
        });
        let mut temporary = opened?;
        temporary.disable_cleanup(true);
        let output = OutputFile {
            temporary,
            target,
            removes_stale: false,
        };
        Ok(ResumableOutput { output, claim })
    }
}

fn not_claimed(error: TargetLockError, target: &Path) -> SealError {
    match error {
        TargetLockError::Busy => SealError::TargetBusy {
            path: target.display().to_string(),
        },
        TargetLockError::Io(error) => SealError::io(IoOperation::Create, Some(target), &error),
    }
}

/// The mode in which the next attempt trusts the file.
const OWNER_ONLY: u32 = 0o600;
