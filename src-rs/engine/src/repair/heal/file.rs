//! Heals into a file, which appears only when it is complete.

use super::{HealOptions, HealReport, heal};
use crate::error::{IoOperation, SealError};
use crate::files::{ALL_BITS, Placement, mode_of};
use crate::operation::options::Control;
use crate::stream_v2::io::{OutputFile, ReadAt, open_source};
use std::fs::File;
use std::path::Path;

/// Source of a copy.
#[derive(Clone, Copy, Debug)]
pub enum CopySource<'a> {
    /// A regular file.
    File(&'a Path),
    /// Bytes in memory.
    Memory(&'a [u8]),
}

enum Opened<'a> {
    File(File),
    Memory(&'a [u8]),
}

impl<'a> CopySource<'a> {
    fn open(&self) -> Result<Opened<'a>, SealError> {
        Ok(match self {
            Self::File(path) => Opened::File(open_source(path)?),
            Self::Memory(bytes) => Opened::Memory(bytes),
        })
    }
}

impl Opened<'_> {
    fn file(&self) -> Option<&File> {
        match self {
            Self::File(file) => Some(file),
            Self::Memory(_) => None,
        }
    }

    fn as_source(&self) -> &dyn ReadAt {
        match self {
            Self::File(file) => file,
            Self::Memory(bytes) => bytes,
        }
    }
}

/// Heals into the new file `to`, which gets the permission bits of `damaged` if that is a file. Never writes to the copies.
///
/// # Errors
/// The errors of [`heal`]; `SameFile` if the target is one of the copies, `TargetExists`, `NotARegularFile`, `Io`. On an error `to` is
/// unchanged and no other file remains, but see [`OutputFile::commit`] for a disk that fails in the last step.
pub fn heal_file(
    damaged: CopySource<'_>,
    replicas: &[CopySource<'_>],
    to: &Path,
    options: HealOptions,
    placement: Placement,
    control: &Control<'_>,
) -> Result<HealReport, SealError> {
    let opened = damaged.open()?;
    let others: Vec<_> = replicas.iter().map(CopySource::open).collect::<Result<_, _>>()?;
    let files: Vec<_> = std::iter::once(&opened)
        .chain(&others)
        .filter_map(Opened::file)
        .collect();
    let output = OutputFile::create_apart(&files, to, placement.overwrite)?;
    let mode = match (damaged, opened.file()) {
        (CopySource::File(path), Some(file)) => {
            mode_of(file).map_err(|error| SealError::io(IoOperation::Inspect, Some(path), &error))?
        }
        _ => None,
    };
    let sources: Vec<_> = others.iter().map(Opened::as_source).collect();
    let read = match damaged {
        CopySource::File(path) => path,
        CopySource::Memory(_) => to,
    };
    let report = heal(opened.as_source(), &sources, &output.file(), options, control)
        .map_err(|failure| failure.on_file(read, to))?;
    output.commit(mode.map(|mode| mode & ALL_BITS), placement.flush)?;
    Ok(report)
}
