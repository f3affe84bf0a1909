//! The two files beside a target: the unfinished output and its journal, which belong to one operation at a time.
//!
//! Their names follow from the target's, so that the next attempt finds them; so anyone who may write to the directory
//! can have put something there. What is there is opened without following links and trusted only if nobody else can have
//! written it. Both are locked: whoever removes one, snapshots it or changes its permissions leaves the other's lock as it is.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The right to write to a target's journal and unfinished output: an exclusive lock on each.
#[derive(Debug)]
pub(crate) struct TargetLock {
    journal: File,
    /// The unfinished output, locked, once it was opened.
    partial: Option<File>,
    journal_path: PathBuf,
    partial_path: PathBuf,
    /// The journal was there before, with something in it.
    resumes: bool,
    /// Something was there that somebody else can have written; it was removed.
    distrusted: bool,
    /// The unfinished output was not there, and was made.
    lacked_partial: bool,
}

/// Why a target was not claimed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetLockError {
    /// Another operation holds it.
    #[error("another operation is at work")]
    Busy,
    /// The system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TargetLock {
    /// Opens or creates the journal of `target`, which must name a file, and locks it.
    ///
    /// # Errors
    /// See [`TargetLockError`]. Nothing is left then.
    pub(crate) fn take(target: &Path) -> Result<Self, TargetLockError> {
        let (journal_path, partial_path) = (beside(target, "journal")?, beside(target, "partial")?);
        let (journal, found) = open_locked(&journal_path)?;
        let resumes = journal.metadata()?.len() != 0;
        Ok(Self {
            journal,
            partial: None,
            journal_path,
            partial_path,
            resumes,
            distrusted: found == Found::Distrusted,
            lacked_partial: false,
        })
    }

    /// Whether `file` is what stands as the journal or the unfinished output of `target`, which must name a file.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn would_take(file: &File, target: &Path) -> io::Result<bool> {
        for extension in ["journal", "partial"] {
            if is_at(file, &beside(target, extension)?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The journal.
    #[must_use]
    pub(crate) const fn journal(&self) -> &File {
        &self.journal
    }

    /// Where the journal is.
    #[must_use]
    pub(crate) fn journal_path(&self) -> &Path {
        &self.journal_path
    }

    /// Where the unfinished output is.
    #[must_use]
    pub(crate) fn partial_path(&self) -> &Path {
        &self.partial_path
    }

    /// Whether an earlier operation left its journal.
    #[must_use]
    pub(crate) const fn resumes(&self) -> bool {
        self.resumes
    }

    /// Whether something was removed that somebody else can have written.
    #[must_use]
    pub(crate) const fn distrusted(&self) -> bool {
        self.distrusted
    }

    /// Whether anything stands in the unfinished output's place.
    #[must_use]
    pub(crate) fn has_partial(&self) -> bool {
        self.partial_path.symlink_metadata().is_ok()
    }

    /// Opens the unfinished output, or makes an empty one, and locks it for as long as this claim or the file returned is
    /// open.
    ///
    /// # Errors
    /// See [`TargetLockError`]. What another operation holds is left as it is.
    pub(crate) fn open_partial(&mut self) -> Result<File, TargetLockError> {
        let (file, found) = open_locked(&self.partial_path)?;
        self.distrusted |= found == Found::Distrusted;
        self.lacked_partial = found == Found::Nothing;
        let copy = file.try_clone();
        self.partial = Some(file);
        Ok(copy?)
    }

    /// Whether the unfinished output that was opened still stands in its place: nobody removed or replaced it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn holds_partial(&self) -> io::Result<bool> {
        self.partial
            .as_ref()
            .map_or(Ok(false), |partial| is_at(partial, &self.partial_path))
    }

    /// Whether there was no unfinished output when [`open_partial`](Self::open_partial) was called.
    #[must_use]
    pub(crate) const fn lacked_partial(&self) -> bool {
        self.lacked_partial
    }

    /// The output has its place: the journal goes. Should that fail, the next operation on the target removes it.
    pub(crate) fn complete(mut self) {
        self.partial = None;
        self.remove_journal();
    }

    /// Best effort: whoever comes next starts over anyway.
    fn remove_both(&self) {
        if self.holds_partial().unwrap_or(false) {
            let _ = std::fs::remove_file(&self.partial_path);
        }
        self.remove_journal();
    }

    /// Best effort. Another operation's journal can stand there where this one's was removed.
    fn remove_journal(&self) {
        if is_at(&self.journal, &self.journal_path).unwrap_or(false) {
            let _ = std::fs::remove_file(&self.journal_path);
        }
    }
}

impl Drop for TargetLock {
    /// An unfinished output whose journal says nothing can't be resumed: both go.
    fn drop(&mut self) {
        if self.journal.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            self.remove_both();
        }
    }
}

/// Removes what an interrupted operation left beside a target that has been written meanwhile, unless an operation is at
/// work on it. Best effort. What is not this user's own is left: it may be at work for another.
pub(crate) fn remove_stale(target: &Path) {
    let is_own = |extension| match beside(target, extension).and_then(|path| path.symlink_metadata()) {
        Ok(metadata) => Some(is_private(&metadata)),
        Err(_) => None,
    };
    let found = [is_own("journal"), is_own("partial")];
    if found.contains(&Some(true))
        && !found.contains(&Some(false))
        && let Ok(mut claim) = TargetLock::take(target)
        && (!claim.has_partial() || claim.open_partial().is_ok())
    {
        claim.remove_both();
    }
}

/// `.sealstream-<hash of the target's name>.<extension>` in the target's directory.
fn beside(target: &Path, extension: &str) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let hash = blake3::hash(name.as_encoded_bytes()).to_hex();
    let hash = hash.get(..16).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(target.with_file_name(format!(".sealstream-{hash}.{extension}")))
}

/// What stood where a private file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Kept,
    Distrusted,
}

/// [`open_private`], and the file is locked for as long as it is open.
fn open_locked(path: &Path) -> Result<(File, Found), TargetLockError> {
    let mut distrusted = false;
    for _ in 0..ATTEMPTS {
        let (file, found) = open_private(path)?;
        distrusted |= found == Found::Distrusted;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TargetLockError::Busy),
            Err(TryLockError::Error(error)) => {
                if found != Found::Kept {
                    // Best effort: it is empty, and of no use where nothing can be locked.
                    let _ = std::fs::remove_file(path);
                }
                return Err(error.into());
            }
        }
        // Whoever held the lock until now may have removed the file, or made it the target: the lock is then on something
        // else.
        if is_at(&file, path)? {
            return Ok((file, if distrusted { Found::Distrusted } else { found }));
        }
    }
    Err(TargetLockError::Busy)
}

/// Opens a file that only its owner can have written, or creates one. Anything else in its place is removed, unless an
/// operation holds it: that somebody made another name for it, or changed its permissions, does not end the operation.
fn open_private(path: &Path) -> Result<(File, Found), TargetLockError> {
    let mut found = Found::Nothing;
    for _ in 0..ATTEMPTS {
        match private(OpenOptions::new().write(true).create_new(true)).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return Ok(result.map(|file| (file, found))?),
        }
        let distrusted = match private(OpenOptions::new().write(true)).open(path) {
            Ok(file) if is_private(&file.metadata()?) => return Ok((file, Found::Kept)),
            Ok(file) => Some(file),
            Err(error) => match path.symlink_metadata() {
                // What is wrong is not the file.
                Ok(metadata) if is_private(&metadata) => return Err(error.into()),
                // To be locked it need not be writable.
                Ok(_) => private(&mut OpenOptions::new()).open(path).ok(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            },
        };
        // A link, a pipe, a file of somebody else's, or one that others may write to.
        if let Some(file) = &distrusted
            && file.metadata()?.is_file()
        {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(TargetLockError::Busy),
                // Two that distrust one file don't remove each other's new one: the lock is kept until it is gone.
                Ok(()) if !is_at(file, path)? => continue,
                // Where nothing can be locked nothing is held.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
        }
        std::fs::remove_file(path)?;
        found = Found::Distrusted;
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

/// Whether the file itself, and not a link to it, stands at the path. What stands there is not opened: it may be a pipe, or
/// another user's.
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

/// Somebody who replaces a file again and again is not waited for.
const ATTEMPTS: usize = 16;
