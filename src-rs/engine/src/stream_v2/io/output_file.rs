//! Files as whole sources and targets: what may be read, and output that appears complete or not at all.

use crate::error::{FileKind, IoOperation, SealError};
use crate::stream_v2::io::{TargetLock, remove_stale};
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Opens a regular file to read. It never waits, as opening a named pipe would.
///
/// # Errors
/// `Io` with the path, or `NotARegularFile`.
pub fn open_source(path: &Path) -> Result<File, SealError> {
    open_regular(path, OpenOptions::new().read(true))
}

/// Opens a regular file with these options, without waiting.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> Result<File, SealError> {
    let failed = |error: io::Error| SealError::io(IoOperation::Open, Some(path), &error);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let file = options
        .open(path)
        .map_err(|error| match std::fs::metadata(path) {
            // A socket can't be opened at all, and the system's words for that help nobody.
            Ok(metadata) if error.kind() != io::ErrorKind::PermissionDenied => {
                not_regular(path, &metadata).unwrap_or_else(|| failed(error))
            }
            _ => failed(error),
        })?;
    let metadata = file.metadata().map_err(failed)?;
    match not_regular(path, &metadata) {
        Some(failure) => Err(failure),
        None => Ok(file),
    }
}

/// What to do where the target exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Fail, also if it comes into being during the operation.
    Refuse,
    /// Replace it when the output is complete.
    Replace,
}

/// A file that is written under another name beside its target and takes the target's name when it is complete.
/// Dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub struct OutputFile {
    pub(crate) temporary: NamedTempFile,
    pub(crate) target: Target,
    /// What an interrupted operation left beside the target goes: no source is one of these files.
    pub(crate) removes_stale: bool,
}

/// Where an output goes, found fit to be replaced or created.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) replaces: Option<Metadata>,
    overwrite: Overwrite,
}

impl OutputFile {
    /// Checks the target and creates the temporary file, readable by its owner alone. A symbolic link is followed: what
    /// it points at is replaced, not the link.
    ///
    /// # Errors
    /// `SameFile`, `TargetExists`, `NotARegularFile`, or `Io` with the path.
    pub fn create(source: Option<&File>, target: &Path, overwrite: Overwrite) -> Result<Self, SealError> {
        Self::create_apart(source.as_slice(), target, overwrite)
    }

    /// As [`create`](Self::create), for an operation that reads any number of files, none of which may be the target.
    ///
    /// # Errors
    /// As those of [`create`](Self::create).
    pub fn create_apart(sources: &[&File], target: &Path, overwrite: Overwrite) -> Result<Self, SealError> {
        let resolved = Target::resolve(sources, target, overwrite)?;
        resolved.check_overwrite(target)?;
        let temporary = tempfile::Builder::new()
            .prefix(".sealstream-")
            .suffix(".partial")
            .tempfile_in(directory_of(&resolved.path))
            .map_err(|error| SealError::io(IoOperation::Create, Some(target), &error))?;
        // Inputs are never changed, whatever their names.
        let removes_stale = sources
            .iter()
            .all(|source| matches!(TargetLock::would_take(source, &resolved.path), Ok(false)));
        Ok(Self {
            temporary,
            target: resolved,
            removes_stale,
        })
    }

    /// The file to write to.
    #[must_use]
    pub fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Whether both are to have the same name.
    ///
    /// # Errors
    /// Those of looking at their folders.
    pub(crate) fn has_the_name_of(&self, other: &Self) -> io::Result<bool> {
        Ok(self.target.canonical()? == other.target.canonical()?)
    }

    /// Gives the file its permissions and its name. With `flush` the bytes, and then the name, are on the disk before
    /// this returns. What an interrupted operation left beside the target goes, unless a source is among it.
    ///
    /// A new file gets the permission bits `mode`; one that replaces another keeps the other's.
    ///
    /// # Errors
    /// `Io`, or `TargetExists` where the target came into being meanwhile. Nothing is left then, with one exception: where
    /// an existing file was replaced and only flushing its directory failed, the new file stands in its place.
    pub fn commit(self, mode: Option<u32>, flush: bool) -> Result<(), SealError> {
        let Self {
            temporary,
            target,
            removes_stale,
        } = self;
        target.place(temporary, mode, flush, None)?;
        if removes_stale {
            remove_stale(&target.path);
        }
        Ok(())
    }
}

impl Target {
    /// Follows a symbolic link, and checks what stands there.
    pub(crate) fn resolve(sources: &[&File], target: &Path, overwrite: Overwrite) -> Result<Self, SealError> {
        let failed = |error: io::Error| SealError::io(IoOperation::Create, Some(target), &error);
        let shown = || target.display().to_string();
        let (path, replaces) = match std::fs::symlink_metadata(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (target.to_owned(), None),
            Err(error) => return Err(failed(error)),
            Ok(metadata) if metadata.is_symlink() => match std::fs::canonicalize(target) {
                Err(_) => {
                    return Err(SealError::NotARegularFile {
                        path: shown(),
                        found: FileKind::DanglingLink,
                    });
                }
                Ok(path) => {
                    let metadata = std::fs::metadata(&path).map_err(failed)?;
                    (path, Some(metadata))
                }
            },
            Ok(metadata) => (target.to_owned(), Some(metadata)),
        };
        if let Some(metadata) = &replaces {
            if let Some(failure) = not_regular(target, metadata) {
                return Err(failure);
            }
            for source in sources {
                if is_same_file(source, &path).map_err(failed)? {
                    return Err(SealError::SameFile { path: shown() });
                }
            }
        }
        if path.file_name().is_none() {
            return Err(SealError::NotARegularFile {
                path: shown(),
                found: FileKind::Directory,
            });
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

    /// Puts the file in its place; `kept` is the name that it goes back to where it can't stay there.
    pub(crate) fn place(
        &self,
        temporary: NamedTempFile,
        mode: Option<u32>,
        flush: bool,
        kept: Option<&Path>,
    ) -> Result<(), SealError> {
        let Self {
            path: target,
            replaces,
            overwrite,
        } = self;
        let failed =
            |operation| move |error: io::Error| SealError::io(operation, Some(target.as_path()), &error);
        set_mode(temporary.as_file(), mode, replaces.as_ref()).map_err(failed(IoOperation::Create))?;
        if flush {
            temporary
                .as_file()
                .sync_all()
                .map_err(failed(IoOperation::Flush))?;
        }
        // Opened before anything is replaced, so that what can fail has failed by then.
        let directory = if flush {
            open_directory(directory_of(target)).map_err(failed(IoOperation::Flush))?
        } else {
            None
        };
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
        if let Some(directory) = directory {
            sync_directory(&directory).map_err(|error| {
                if replaces.is_none() {
                    // Best effort: the flush's failure is what the caller must hear of.
                    let _ = match kept {
                        Some(kept) => std::fs::rename(target, kept),
                        None => std::fs::remove_file(target),
                    };
                }
                failed(IoOperation::Flush)(error)
            })?;
        }
        Ok(())
    }
}

pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

pub(crate) fn is_same_file(source: &File, target: &Path) -> io::Result<bool> {
    let source = same_file::Handle::from_file(source.try_clone()?)?;
    match same_file::Handle::from_path(target) {
        Ok(target) => Ok(source == target),
        // A target that its owner made unreadable can still be replaced; it can't be the source, which was opened.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}

fn not_regular(path: &Path, metadata: &Metadata) -> Option<SealError> {
    let kind = metadata.file_type();
    let failure = || SealError::NotARegularFile {
        path: path.display().to_string(),
        found: file_kind(kind),
    };
    (!kind.is_file()).then(failure)
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

/// The directory whose entries are to be made durable. One that may be written but not read can't be opened, and its
/// owner has chosen so: the name is then as durable as the file system makes it.
#[cfg(unix)]
pub(crate) fn open_directory(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(not(unix))]
pub(crate) fn open_directory(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Makes new names durable. File systems that have no such call answer with `EINVAL`.
pub(crate) fn sync_directory(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}
