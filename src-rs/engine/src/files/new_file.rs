//! Writes one file that appears complete or not at all.

use crate::error::{IoOperation, SealError};
use crate::resume::{TargetLock, remove_stale};
use crate::stream_v2::io::{OutputFile, Overwrite, WriteAt, open_source};
use std::fs::File;
use std::io::IoSlice;
use std::path::{Path, PathBuf};

/// How to write the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What to do if the target exists.
    pub overwrite: Overwrite,
    /// Wait until the bytes and the name are on the disk.
    pub flush: bool,
}

/// A file to be written by an operation.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Path or name of the source, for messages.
    pub from: &'a Path,
    /// Files that the operation reads. None of them may be the target.
    pub sources: &'a [&'a File],
    /// The target.
    pub to: &'a Path,
    /// Permission bits of a target that does not exist yet; `None` for its owner alone.
    pub mode: Option<u32>,
    /// How to write the target.
    pub placement: Placement,
}

impl NewFile<'_> {
    /// Creates a temporary file, has `work` write it, and gives it the target's name. Then removes the files that an
    /// interrupted resumable operation left beside the target, unless one of them is a source.
    ///
    /// # Errors
    /// Those of `work`, [`OutputFile::create`] and [`OutputFile::commit`]. The target is then unchanged and no file is left
    /// beside it, with the exception that `commit` names.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&mut OutputFile) -> Result<T, SealError>,
    ) -> Result<T, SealError> {
        let mut stale = None;
        let result = self.write_beside_unfinished(|output| {
            let is_unused =
                |source: &&File| matches!(TargetLock::would_use(source, output.target()), Ok(false));
            stale = self
                .sources
                .iter()
                .all(is_unused)
                .then(|| output.target().to_owned());
            work(output)
        })?;
        if let Some(target) = stale {
            remove_stale(&target);
        }
        Ok(result)
    }

    /// As [`write`](Self::write), but leaves the files of an interrupted operation.
    pub(crate) fn write_beside_unfinished<T>(
        &self,
        work: impl FnOnce(&mut OutputFile) -> Result<T, SealError>,
    ) -> Result<T, SealError> {
        let mut output = OutputFile::create(self.sources, self.to, self.placement.overwrite)?;
        let result = work(&mut output).map_err(|error| error.on_file(self.from, self.to))?;
        output.commit(self.mode, self.placement.flush)?;
        Ok(result)
    }
}

/// A new file whose bytes its caller brings in order. It appears complete or not at all: dropped before
/// [`commit`](Self::commit), it leaves nothing.
#[derive(Debug)]
pub struct UnfinishedFile {
    output: OutputFile,
    /// The target as the caller named it.
    to: PathBuf,
    flush: bool,
    written: u64,
}

impl UnfinishedFile {
    /// Creates the temporary file.
    ///
    /// # Errors
    /// Those of [`OutputFile::create`].
    pub fn create(to: &Path, placement: Placement) -> Result<Self, SealError> {
        Ok(Self {
            output: OutputFile::create(&[], to, placement.overwrite)?,
            to: to.to_owned(),
            flush: placement.flush,
            written: 0,
        })
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// `Io` with the target's path.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        let written = self
            .output
            .file()
            .write_at(self.written, &mut [IoSlice::new(bytes)]);
        written.map_err(|error| SealError::writing(error).on_file(&self.to, &self.to))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Gives the file the target's name. Only its owner can access a target that did not exist. Then removes the files that an
    /// interrupted resumable operation left beside the target.
    ///
    /// # Errors
    /// Those of [`OutputFile::commit`].
    pub fn commit(self) -> Result<(), SealError> {
        let target = self.output.target().to_owned();
        self.output.commit(None, self.flush)?;
        remove_stale(&target);
        Ok(())
    }
}

/// The source of an operation on files: a regular file.
#[derive(Debug)]
pub struct SourceFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) file: File,
    /// Its permission bits.
    pub(crate) mode: Option<u32>,
}

impl<'a> SourceFile<'a> {
    /// Opens the file.
    ///
    /// # Errors
    /// Those of [`open_source`].
    pub fn open(path: &'a Path) -> Result<Self, SealError> {
        let file = open_source(path)?;
        let mode = mode_of(&file).map_err(|error| SealError::io(IoOperation::Inspect, Some(path), &error))?;
        Ok(Self { path, file, mode })
    }

    /// Has `work` write the new file `to`, which gets those of the source's permission bits that are in `mode_mask`.
    ///
    /// # Errors
    /// Those of [`NewFile::write`].
    pub(crate) fn convert<T>(
        &self,
        to: &Path,
        placement: Placement,
        mode_mask: u32,
        work: impl FnOnce(&mut OutputFile) -> Result<T, SealError>,
    ) -> Result<T, SealError> {
        let new = NewFile {
            from: self.path,
            sources: &[&self.file],
            to,
            mode: self.mode.map(|mode| mode & mode_mask),
            placement,
        };
        new.write(work)
    }
}

#[cfg(unix)]
fn mode_of(file: &File) -> std::io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .map(|metadata| Some(metadata.permissions().mode()))
}

#[cfg(not(unix))]
fn mode_of(_: &File) -> std::io::Result<Option<u32>> {
    Ok(None)
}

/// Permission bits of the owner, the group and others.
pub(crate) const ALL_BITS: u32 = 0o777;
/// Permission bits of the owner.
pub(crate) const OWNER_BITS: u32 = 0o700;
