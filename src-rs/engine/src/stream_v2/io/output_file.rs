//! Files as sources and targets of whole operations: checks, and output that appears complete or not at all.

use crate::error::{FileKind, IoOperation, SealError};
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Opens a regular file to read. Never blocks, as opening a named pipe would.
///
/// # Errors
/// `Io` with the path, or `NotARegularFile`.
pub fn open_source(path: &Path) -> Result<File, SealError> {
    open_regular(path, OpenOptions::new().read(true))
}

/// Opens a regular file with these options, without blocking.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> Result<File, SealError> {
    let failed = |error: io::Error| SealError::io(IoOperation::Open, Some(path), &error);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let file = options
        .open(path)
        .map_err(|error| match std::fs::metadata(path) {
            // A socket can't be opened, and the system's message does not say that it is one.
            Ok(metadata) if error.kind() != io::ErrorKind::PermissionDenied => check_regular(path, &metadata)
                .err()
                .unwrap_or_else(|| failed(error)),
            _ => failed(error),
        })?;
    check_regular(path, &file.metadata().map_err(failed)?)?;
    Ok(file)
}

/// What to do if the target exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Fail, even if the target is created during the operation.
    Refuse,
    /// Replace the target when the output is complete.
    Replace,
}

/// A file that is written under a temporary name beside its target, and gets the target's name when it is complete.
/// Dropped before that, it is removed.
#[derive(Debug)]
pub struct OutputFile {
    temporary: NamedTempFile,
    target: Target,
    is_discarded: bool,
    /// Permission bits of a new target, instead of those that `commit` is given.
    mode: Option<u32>,
}

impl OutputFile {
    /// Checks the target and creates the temporary file, readable by its owner alone. If the target is a symbolic link,
    /// the file that it points to is replaced, not the link. None of the `sources` may be the target.
    ///
    /// # Errors
    /// `SameFile`, `TargetExists`, `NotARegularFile`, or `Io` with the path.
    pub fn create(sources: &[&File], target: &Path, overwrite: Overwrite) -> Result<Self, SealError> {
        let resolved = Target::resolve(sources, target, overwrite)?;
        resolved.check_overwrite(target)?;
        let temporary = tempfile::Builder::new()
            .prefix(".sealstream-")
            .suffix(".partial")
            .tempfile_in(directory_of(&resolved.path))
            .map_err(|error| SealError::io(IoOperation::Create, Some(target), &error))?;
        Ok(Self {
            temporary,
            target: resolved,
            is_discarded: false,
            mode: None,
        })
    }

    /// The file to write to.
    #[must_use]
    pub fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Path of the target, with a symbolic link followed.
    pub(crate) fn target(&self) -> &Path {
        &self.target.path
    }

    /// Has [`commit`](Self::commit) remove the file and leave the target unchanged.
    pub(crate) const fn discard(&mut self) {
        self.is_discarded = true;
    }

    /// Has [`commit`](Self::commit) give a new target these permission bits, instead of those that it is given.
    pub(crate) const fn set_new_mode(&mut self, mode: u32) {
        self.mode = Some(mode);
    }

    /// Whether both have the same target.
    ///
    /// # Errors
    /// Those of resolving their directories.
    pub(crate) fn has_same_target(&self, other: &Self) -> io::Result<bool> {
        Ok(self.target.canonical()? == other.target.canonical()?)
    }

    /// Sets the file's permissions and renames it to the target. With `flush` the bytes, and then the name, are on the
    /// disk before this returns.
    ///
    /// A new file gets the permission bits `mode`. A file that replaces another keeps the other's.
    ///
    /// # Errors
    /// `Io`, or `TargetExists` if the target was created meanwhile. The temporary file is then removed. One exception:
    /// if an existing file was replaced and only flushing its directory failed, the new file stays.
    pub fn commit(self, mode: Option<u32>, flush: bool) -> Result<(), SealError> {
        if self.is_discarded {
            return Ok(());
        }
        self.target.place(self.temporary, self.mode.or(mode), flush, None)
    }
}

/// Flushes a file to the disk.
type FlushFile<'a> = &'a dyn Fn(&File) -> io::Result<()>;

/// Where an output goes: a path that was checked and can be created or replaced.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    /// The file that stands there.
    pub(crate) replaces: Option<Metadata>,
    overwrite: Overwrite,
}

impl Target {
    /// Follows a symbolic link, and checks the file that stands there.
    pub(crate) fn resolve(sources: &[&File], target: &Path, overwrite: Overwrite) -> Result<Self, SealError> {
        let failed = |error: io::Error| SealError::io(IoOperation::Create, Some(target), &error);
        let shown = || target.display().to_string();
        let not_regular = |found| SealError::NotARegularFile { path: shown(), found };
        let (path, replaces) = match std::fs::symlink_metadata(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (target.to_owned(), None),
            Err(error) => return Err(failed(error)),
            Ok(metadata) if metadata.is_symlink() => {
                let path = std::fs::canonicalize(target).map_err(|_| not_regular(FileKind::DanglingLink))?;
                let metadata = std::fs::metadata(&path).map_err(failed)?;
                (path, Some(metadata))
            }
            Ok(metadata) => (target.to_owned(), Some(metadata)),
        };
        if let Some(metadata) = &replaces {
            check_regular(target, metadata)?;
            for source in sources {
                if is_same_file(source, &path).map_err(failed)? {
                    return Err(SealError::SameFile { path: shown() });
                }
            }
        }
        if path.file_name().is_none() {
            return Err(not_regular(FileKind::Directory));
        }
        Ok(Self {
            path,
            replaces,
            overwrite,
        })
    }

    fn canonical(&self) -> io::Result<PathBuf> {
        if self.replaces.is_some() {
            return std::fs::canonicalize(&self.path);
        }
        let name = self.path.file_name().unwrap_or_default();
        Ok(std::fs::canonicalize(directory_of(&self.path))?.join(name))
    }

    /// Refuses a target that exists, unless it may be replaced.
    pub(crate) fn check_overwrite(&self, shown: &Path) -> Result<(), SealError> {
        if self.replaces.is_some() && self.overwrite == Overwrite::Refuse {
            return Err(SealError::TargetExists {
                path: shown.display().to_string(),
            });
        }
        Ok(())
    }

    /// Renames the file to the target. If a new target can't stay there it is removed, or gets the name `revert_to`.
    ///
    /// The file gets its final permissions just before the rename: if the process is killed earlier, the temporary file, which may hold
    /// plaintext, stays readable by its owner alone.
    pub(crate) fn place(
        &self,
        temporary: NamedTempFile,
        mode: Option<u32>,
        flush: bool,
        revert_to: Option<&Path>,
    ) -> Result<(), SealError> {
        self.place_after(
            temporary,
            mode,
            flush.then_some(&File::sync_all as FlushFile<'_>),
            revert_to,
        )
    }

    /// As [`place`](Self::place), with the function that flushes the file.
    fn place_after(
        &self,
        temporary: NamedTempFile,
        mode: Option<u32>,
        flush: Option<FlushFile<'_>>,
        revert_to: Option<&Path>,
    ) -> Result<(), SealError> {
        let Self {
            path: target,
            replaces,
            overwrite,
        } = self;
        let failed =
            |operation| move |error: io::Error| SealError::io(operation, Some(target.as_path()), &error);
        // The directory is opened before the rename, so that a failure to open it leaves the target as it is.
        let mut directory = None;
        if let Some(flush) = flush {
            let flush_failed = failed(IoOperation::Flush);
            flush(temporary.as_file()).map_err(&flush_failed)?;
            directory = open_directory(directory_of(target)).map_err(&flush_failed)?;
        }
        set_mode(temporary.as_file(), mode, replaces.as_ref()).map_err(failed(IoOperation::Create))?;
        let renamed = match overwrite {
            Overwrite::Replace => temporary.persist(target),
            Overwrite::Refuse => temporary.persist_noclobber(target),
        };
        renamed.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => SealError::TargetExists {
                path: target.display().to_string(),
            },
            _ => SealError::io(IoOperation::Rename, Some(target), &error.error),
        })?;
        let Some(directory) = directory else { return Ok(()) };
        sync_directory(&directory).map_err(|error| {
            if replaces.is_none() {
                // Best effort: the caller must get the error of the flush.
                let _ = match revert_to {
                    Some(name) => std::fs::rename(target, name),
                    None => std::fs::remove_file(target),
                };
            }
            failed(IoOperation::Flush)(error)
        })
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

pub(crate) fn is_same_file(source: &File, target: &Path) -> io::Result<bool> {
    let source = same_file::Handle::from_file(source.try_clone()?)?;
    match same_file::Handle::from_path(target) {
        Ok(target) => Ok(source == target),
        // An unreadable target can still be replaced. It can't be the source, which was opened.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}

fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), SealError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(SealError::NotARegularFile {
        path: path.display().to_string(),
        found: file_kind(metadata.file_type()),
    })
}

fn file_kind(kind: FileType) -> FileKind {
    if kind.is_dir() {
        return FileKind::Directory;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return FileKind::Fifo;
        }
        if kind.is_socket() {
            return FileKind::Socket;
        }
        if kind.is_char_device() || kind.is_block_device() {
            return FileKind::Device;
        }
    }
    FileKind::Other
}

/// Sets the permission bits: those of the file to be replaced, else `mode`.
#[cfg(unix)]
pub(crate) fn set_mode(file: &File, mode: Option<u32>, replaces: Option<&Metadata>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = replaces.map(|metadata| metadata.permissions().mode()).or(mode);
    mode.map_or(Ok(()), |mode| {
        file.set_permissions(PermissionsExt::from_mode(mode & 0o777))
    })
}

#[cfg(not(unix))]
pub(crate) fn set_mode(_: &File, _: Option<u32>, _: Option<&Metadata>) -> io::Result<()> {
    Ok(())
}

/// Makes the name of `path` durable.
pub(crate) fn sync_parent_directory(path: &Path) -> io::Result<()> {
    match open_directory(directory_of(path))? {
        Some(directory) => sync_directory(&directory),
        None => Ok(()),
    }
}

/// Opens a directory to make its entries durable; `None` if it may be written but not read. Its names are then as durable
/// as the file system makes them.
#[cfg(unix)]
fn open_directory(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(not(unix))]
fn open_directory(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Makes new names durable. File systems without such a call answer `EINVAL`.
fn sync_directory(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// New targets, and targets that replace a file that others can read.
    #[test]
    fn others_can_read_the_temporary_file_only_after_its_flush() {
        for replaces in [false, true] {
            for flush_fails in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("target");
                if replaces {
                    std::fs::write(&path, "old").unwrap();
                    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
                }
                let output = OutputFile::create(&[], &path, Overwrite::Replace).unwrap();
                let temporary = output.temporary.path().to_owned();
                let flush = |_: &File| {
                    assert_eq!(mode(&temporary), 0o600);
                    if flush_fails {
                        Err(io::ErrorKind::StorageFull.into())
                    } else {
                        Ok(())
                    }
                };
                let result = output
                    .target
                    .place_after(output.temporary, Some(0o644), Some(&flush), None);
                assert_eq!(result.is_err(), flush_fails);
                assert!(!temporary.exists());
                match (flush_fails, replaces) {
                    (true, false) => assert!(!path.exists()),
                    _ => assert_eq!(mode(&path), 0o644),
                }
            }
        }
    }
}
