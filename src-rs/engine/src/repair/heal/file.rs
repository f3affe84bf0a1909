//! Healing into a file that appears complete or not at all.

use super::{HealOptions, HealReport, heal};
use crate::error::SealError;
use crate::files::{NewFile, Placement, SourceFile};
use crate::operation::options::Control;
use crate::stream_v2::io::ReadAt;
use std::path::Path;

/// A copy to heal from.
#[derive(Clone, Copy, Debug)]
pub enum CopySource<'a> {
    /// A regular file.
    File(&'a Path),
    /// Bytes in memory.
    Memory(&'a [u8]),
}

/// A copy that was opened.
enum OpenedCopy<'a> {
    File(SourceFile<'a>),
    Memory(&'a [u8]),
}

impl<'a> CopySource<'a> {
    fn open(&self) -> Result<OpenedCopy<'a>, SealError> {
        Ok(match self {
            Self::File(path) => OpenedCopy::File(SourceFile::open(path)?),
            Self::Memory(bytes) => OpenedCopy::Memory(bytes),
        })
    }
}

impl OpenedCopy<'_> {
    fn file(&self) -> Option<&SourceFile<'_>> {
        match self {
            Self::File(source) => Some(source),
            Self::Memory(_) => None,
        }
    }

    fn as_source(&self) -> &dyn ReadAt {
        match self {
            Self::File(source) => &source.file,
            Self::Memory(bytes) => bytes,
        }
    }
}

/// Heals into the new file `to`, which gets the permission bits of `damaged` if that is a file. None of the copies is
/// ever written to.
///
/// # Errors
/// As those of [`heal`], and what concerns files: `SameFile` for a target that is one of the copies, `TargetExists`,
/// `NotARegularFile`, `Io`. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`](crate::stream_v2::io::OutputFile::commit) for a disk that fails at the last moment.
pub fn heal_file(
    damaged: CopySource<'_>,
    replicas: &[CopySource<'_>],
    to: &Path,
    options: HealOptions,
    placement: Placement,
    control: &Control<'_>,
) -> Result<HealReport, SealError> {
    let damaged = damaged.open()?;
    let replicas: Vec<_> = replicas.iter().map(CopySource::open).collect::<Result<_, _>>()?;
    let files: Vec<_> = std::iter::once(&damaged)
        .chain(&replicas)
        .filter_map(|copy| copy.file().map(|source| &source.file))
        .collect();
    let new = NewFile {
        from: damaged.file().map_or(to, |source| source.path),
        sources: &files,
        to,
        mode: damaged.file().and_then(|source| source.mode),
        placement,
    };
    let sources: Vec<_> = replicas.iter().map(OpenedCopy::as_source).collect();
    new.write(|output| heal(damaged.as_source(), &sources, &output.file(), options, control))
}
