//! The lock on a target: on the journal and the unfinished output beside it.
//!
//! Both names follow from the target's, so that the next attempt finds the files. Anyone who may write to the directory can
//! therefore create them in advance. On Unix they are opened without following links, and used only if no other user can have
//! written them. On Windows the folder's permissions apply. Both files are locked, so that the lock holds even if one of them is removed, copied or made readable.

use crate::error::{IoOperation, SealError, StartedOver};
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The right to write a target's journal and unfinished output: an exclusive lock on each.
#[derive(Debug)]
pub(crate) struct TargetLock {
    journal: File,
    /// The unfinished output, once it was opened.
    partial: Option<File>,
    journal_path: PathBuf,
    partial_path: PathBuf,
    /// The journal existed before and was not empty.
    found_journal: bool,
    /// A file that another user can have written was removed.
    removed_untrusted: bool,
    /// The unfinished output did not exist and was created.
    created_partial: bool,
}

/// Why a target could not be locked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetLockError {
    /// Another operation holds the lock.
    #[error("another operation uses this target")]
    Busy,
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TargetLockError {
    pub(super) fn on(self, target: &Path) -> SealError {
        match self {
            Self::Busy => SealError::TargetBusy {
                path: target.display().to_string(),
            },
            Self::Io(error) => SealError::io(IoOperation::Create, Some(target), &error),
        }
    }
}

impl TargetLock {
    /// Opens or creates the journal of `target`, which must name a file, and locks it.
    ///
    /// # Errors
    /// See [`TargetLockError`]. No file is left behind.
    pub(crate) fn take(target: &Path) -> Result<Self, TargetLockError> {
        let (journal_path, partial_path) = (beside(target, "journal")?, beside(target, "partial")?);
        let (journal, found) = open_locked(&journal_path)?;
        let found_journal = journal.metadata()?.len() != 0;
        Ok(Self {
            journal,
            partial: None,
            journal_path,
            partial_path,
            found_journal,
            removed_untrusted: found == Found::Untrusted,
            created_partial: false,
        })
    }

    /// Whether `file` stands where the journal or the unfinished output of `target` belongs. `target` must name a file.
    ///
    /// # Errors
    /// The system's error.
    pub(crate) fn would_use(file: &File, target: &Path) -> io::Result<bool> {
        for extension in ["journal", "partial"] {
            if is_at(file, &beside(target, extension)?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) const fn journal(&self) -> &File {
        &self.journal
    }

    pub(crate) fn journal_path(&self) -> &Path {
        &self.journal_path
    }

    pub(crate) fn partial_path(&self) -> &Path {
        &self.partial_path
    }

    /// Whether an earlier operation left its journal.
    pub(crate) const fn found_journal(&self) -> bool {
        self.found_journal
    }

    /// Why an earlier operation can't be resumed, as far as its files show without being read.
    pub(crate) const fn started_over(&self) -> Option<StartedOver> {
        if self.removed_untrusted {
            Some(StartedOver::Distrusted)
        } else if self.found_journal && self.created_partial {
            Some(StartedOver::OutputMissing)
        } else {
            None
        }
    }

    /// Whether there is a file, or anything else, where the unfinished output belongs.
    pub(crate) fn has_partial(&self) -> bool {
        self.partial_path.symlink_metadata().is_ok()
    }

    /// Opens the unfinished output, or creates an empty one, and locks it until both this lock and the returned file are
    /// closed.
    ///
    /// # Errors
    /// See [`TargetLockError`]. A file that another operation holds is left as it is.
    pub(crate) fn open_partial(&mut self) -> Result<File, TargetLockError> {
        let (file, found) = open_locked(&self.partial_path)?;
        self.removed_untrusted |= found == Found::Untrusted;
        self.created_partial = found == Found::Nothing;
        let copy = file.try_clone();
        self.partial = Some(file);
        Ok(copy?)
    }

    /// Whether the unfinished output that was opened still has its name: it was neither removed nor replaced.
    ///
    /// # Errors
    /// The system's error.
    pub(crate) fn holds_partial(&self) -> io::Result<bool> {
        self.partial
            .as_ref()
            .map_or(Ok(false), |partial| is_at(partial, &self.partial_path))
    }

    /// Removes the journal of a complete output. If that fails, the next operation on the target removes it.
    pub(crate) fn complete(mut self) {
        self.partial = None;
        self.remove_journal();
    }

    /// Best effort: the next operation would start over anyway.
    fn remove_both(&self) {
        if self.holds_partial().unwrap_or(false) {
            let _ = std::fs::remove_file(&self.partial_path);
        }
        self.remove_journal();
    }

    /// Best effort. If the journal was removed, another operation's journal can have its name, and stays.
    fn remove_journal(&self) {
        if is_at(&self.journal, &self.journal_path).unwrap_or(false) {
            let _ = std::fs::remove_file(&self.journal_path);
        }
    }
}

impl Drop for TargetLock {
    /// An unfinished output with an empty journal can't be resumed: both are removed.
    fn drop(&mut self) {
        if self.journal.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            self.remove_both();
        }
    }
}

/// Removes the files that an interrupted operation left beside a target that was since written by another, unless they are
/// in use. Best effort. Files of other users stay: another user's operation may use them.
pub(crate) fn remove_stale(target: &Path) {
    let is_own = |extension| match beside(target, extension).and_then(|path| path.symlink_metadata()) {
        Ok(metadata) => Some(is_private(&metadata)),
        Err(_) => None,
    };
    let found = [is_own("journal"), is_own("partial")];
    if found.contains(&Some(true))
        && !found.contains(&Some(false))
        && let Ok(mut lock) = TargetLock::take(target)
        && (!lock.has_partial() || lock.open_partial().is_ok())
    {
        lock.remove_both();
    }
}

/// `.sealstream-<hash of the target's name>.<extension>` in the target's directory.
fn beside(target: &Path, extension: &str) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let hash = blake3::hash(name.as_encoded_bytes()).to_hex();
    let hash = hash.get(..16).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(target.with_file_name(format!(".sealstream-{hash}.{extension}")))
}

/// What was found at the path of a private file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Private,
    /// A file that another user can have written. It was removed.
    Untrusted,
}

/// As [`open_private`]; the file is locked while it is open.
fn open_locked(path: &Path) -> Result<(File, Found), TargetLockError> {
    let mut removed_untrusted = false;
    for _ in 0..ATTEMPTS {
        let (file, found) = open_private(path)?;
        removed_untrusted |= found == Found::Untrusted;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TargetLockError::Busy),
            Err(TryLockError::Error(error)) => {
                if found != Found::Private {
                    // Best effort: it is empty, and useless on a file system without locks.
                    let _ = std::fs::remove_file(path);
                }
                return Err(error.into());
            }
        }
        // The operation that held the lock before can have removed or renamed the file: the lock is then on another file.
        if is_at(&file, path)? {
            let found = if removed_untrusted {
                Found::Untrusted
            } else {
                found
            };
            return Ok((file, found));
        }
    }
    Err(TargetLockError::Busy)
}

/// Opens a file that only its owner can have written, or creates one. Anything else with that name is removed, unless
/// another operation holds it: a hard link to the file, or a change of its permissions, does not end that operation.
fn open_private(path: &Path) -> Result<(File, Found), TargetLockError> {
    let mut found = Found::Nothing;
    for _ in 0..ATTEMPTS {
        match private(OpenOptions::new().write(true).create_new(true)).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return Ok(result.map(|file| (file, found))?),
        }
        let untrusted = match private(OpenOptions::new().write(true)).open(path) {
            Ok(file) if is_private(&file.metadata()?) => return Ok((file, Found::Private)),
            Ok(file) => Some(file),
            Err(error) => match path.symlink_metadata() {
                // The file is right; the error has another cause.
                Ok(metadata) if is_private(&metadata) => return Err(error.into()),
                // Locking does not need write permission.
                Ok(_) => private(&mut OpenOptions::new()).open(path).ok(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            },
        };
        // A link, a pipe, another user's file, or a file that group or others may access.
        if let Some(file) = &untrusted
            && file.metadata()?.is_file()
        {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(TargetLockError::Busy),
                // The lock is held until the file is removed, so that of two operations that remove the same untrusted
                // file, the second does not remove the first one's new file.
                Ok(()) if !is_at(file, path)? => continue,
                // On a file system without locks no operation holds the file.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
        }
        std::fs::remove_file(path)?;
        found = Found::Untrusted;
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists).into())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits() as i32);
    }
    options
}

#[cfg(unix)]
fn is_private(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    metadata.is_file() && metadata.nlink() == 1 && own && metadata.mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(metadata: &Metadata) -> bool {
    metadata.is_file()
}

/// Whether the path names this file itself, not a link to it. The path is not opened: it can be a pipe, or another user's
/// file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match path.symlink_metadata() {
        Ok(metadata) => Ok(identity(metadata) == identity(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match same_file::Handle::from_path(path) {
        Ok(handle) => Ok(handle == same_file::Handle::from_file(file.try_clone()?)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Limits the retries if another process replaces the file again and again.
const ATTEMPTS: usize = 16;
