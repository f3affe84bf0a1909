//! Heals into a file, which appears only when it is complete.

use super::{HealOptions, HealReport, heal};
use crate::error::SealError;
use crate::files::{NewFile, Placement, SourceFile};
use crate::operation::options::Control;
use crate::stream_v2::io::ReadAt;
use std::path::Path;

/// Source of a copy.
pub enum CopySource<'a> {
    /// A regular file.
    File(SourceFile<'a>),
    /// Any other source, such as bytes in memory.
    Other(Box<dyn ReadAt + 'a>),
}

impl CopySource<'_> {
    fn file(&self) -> Option<&SourceFile<'_>> {
        match self {
            Self::File(source) => Some(source),
            Self::Other(_) => None,
        }
    }

    fn as_source(&self) -> &dyn ReadAt {
        match self {
            Self::File(source) => &source.file,
            Self::Other(source) => source,
        }
    }
}

/// Heals into the new file `to`, which gets the permission bits of `damaged` if that is a file. Never writes to the copies.
///
/// # Errors
/// The errors of [`heal`]; `SameFile` if the target is one of the copies, `TargetExists`, `NotARegularFile`, `Io`. On an error `to` is
/// unchanged and no other file remains, but see [`OutputFile::commit`](crate::stream_v2::io::OutputFile::commit) for a disk that fails in the last step.
pub fn heal_file(
    damaged: &CopySource<'_>,
    replicas: &[CopySource<'_>],
    to: &Path,
    options: HealOptions,
    placement: Placement,
    control: &Control<'_>,
) -> Result<HealReport, SealError> {
    let files: Vec<_> = std::iter::once(damaged)
        .chain(replicas)
        .filter_map(|copy| copy.file().map(|source| &source.file))
        .collect();
    let new = NewFile {
        from: damaged.file().map_or(to, |source| source.path),
        sources: &files,
        to,
        mode: damaged.file().and_then(|source| source.mode),
        placement,
    };
    let sources: Vec<_> = replicas.iter().map(CopySource::as_source).collect();
    new.write(|output| heal(damaged.as_source(), &sources, &output.file(), options, control))
}
