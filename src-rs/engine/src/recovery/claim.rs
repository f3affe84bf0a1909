//! The two files beside a target: the unfinished output and its journal, which belong to one operation at a time.
//!
//! Their names follow from the target's, so that the next attempt finds them; so anyone who may write to the directory
//! can have put something there. What is there is opened without following links and trusted only if nobody else can have
//! written it.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The right to write to a target's journal and unfinished output: an exclusive lock on the journal.
#[derive(Debug)]
pub struct Claim {
    journal: File,
    journal_path: PathBuf,
    partial_path: PathBuf,
    /// The journal was there before, with something in it.
    resumes: bool,
    /// Something was there that somebody else can have written; it was removed.
    distrusted: bool,
    /// The unfinished output was not there, and was made.
    lacked_partial: bool,
    /// The files are this operation's to remove.
    holds_files: bool,
}

/// Why a target was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another operation holds it.
    #[error("another operation is at work")]
    Busy,
    /// The system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Claim {
    /// Opens or creates the journal of `target`, which must name a file, and locks it.
    ///
    /// # Errors
    /// See [`ClaimError`]. Nothing is left then.
    pub fn take(target: &Path) -> Result<Self, ClaimError> {
        let (journal_path, partial_path) = (beside(target, "journal")?, beside(target, "partial")?);
        let mut distrusted = false;
        for _ in 0..ATTEMPTS {
            let (journal, found) = open_private(&journal_path)?;
            distrusted |= found == Found::Distrusted;
            match journal.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(ClaimError::Busy),
                Err(TryLockError::Error(error)) => {
                    if found != Found::Kept {
                        // Best effort: it is empty, and of no use where nothing can be locked.
                        let _ = std::fs::remove_file(&journal_path);
                    }
                    return Err(error.into());
                }
            }
            // Whoever held the lock until now may have removed the file: the lock is then on nothing.
            if !is_at(&journal, &journal_path)? {
                continue;
            }
            let resumes = journal.metadata()?.len() != 0;
            return Ok(Self {
                journal,
                journal_path,
                partial_path,
                resumes,
                distrusted,
                lacked_partial: false,
                holds_files: true,
            });
        }
        Err(ClaimError::Busy)
    }

    /// The journal.
    #[must_use]
    pub const fn journal(&self) -> &File {
        &self.journal
    }

    /// Where the journal is.
    #[must_use]
    pub fn journal_path(&self) -> &Path {
        &self.journal_path
    }

    /// Where the unfinished output is.
    #[must_use]
    pub fn partial_path(&self) -> &Path {
        &self.partial_path
    }

    /// Whether an earlier operation left its journal.
    #[must_use]
    pub const fn resumes(&self) -> bool {
        self.resumes
    }

    /// Whether something was removed that somebody else can have written.
    #[must_use]
    pub const fn distrusted(&self) -> bool {
        self.distrusted
    }

    /// Whether anything stands in the unfinished output's place.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        self.partial_path.symlink_metadata().is_ok()
    }

    /// Opens the unfinished output, or makes an empty one.
    ///
    /// # Errors
    /// What the system says.
    pub fn open_partial(&mut self) -> io::Result<File> {
        let (file, found) = open_private(&self.partial_path)?;
        self.distrusted |= found == Found::Distrusted;
        self.lacked_partial = found == Found::Nothing;
        Ok(file)
    }

    /// Whether there was no unfinished output when [`open_partial`](Self::open_partial) was called.
    #[must_use]
    pub const fn lacked_partial(&self) -> bool {
        self.lacked_partial
    }

    /// The output has its place: the journal goes. Should that fail, the next operation on the target removes it.
    pub fn complete(mut self) {
        self.holds_files = false;
        let _ = std::fs::remove_file(&self.journal_path);
    }

    /// Best effort: whoever comes next starts over anyway.
    fn remove_both(&mut self) {
        if std::mem::take(&mut self.holds_files) {
            let _ = std::fs::remove_file(&self.partial_path);
            let _ = std::fs::remove_file(&self.journal_path);
        }
    }
}

impl Drop for Claim {
    /// An unfinished output whose journal says nothing can't be resumed: both go.
    fn drop(&mut self) {
        if self.journal.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            self.remove_both();
        }
    }
}

/// Removes what an interrupted operation left beside a target that has been written meanwhile, unless an operation is at
/// work on it. Best effort. What is not this user's own is left: it may be at work for another.
pub fn remove_stale(target: &Path) {
    let is_own = |extension| match beside(target, extension).and_then(|path| path.symlink_metadata()) {
        Ok(metadata) => Some(is_private(&metadata)),
        Err(_) => None,
    };
    let found = [is_own("journal"), is_own("partial")];
    if found.contains(&Some(true))
        && !found.contains(&Some(false))
        && let Ok(mut claim) = Claim::take(target)
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

/// Opens a file that only its owner can have written, or creates one. Anything else in its place is removed.
fn open_private(path: &Path) -> io::Result<(File, Found)> {
    let mut found = Found::Nothing;
    for _ in 0..ATTEMPTS {
        match private(OpenOptions::new().create_new(true)).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|file| (file, found)),
        }
        match private(&mut OpenOptions::new()).open(path) {
            Ok(file) if is_private(&file.metadata()?) => return Ok((file, Found::Kept)),
            Ok(_) => {}
            Err(error) => match path.symlink_metadata() {
                // What is wrong is not the file.
                Ok(metadata) if is_private(&metadata) => return Err(error),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            },
        }
        // A link, a pipe, a file of somebody else's, or one that others may write to.
        std::fs::remove_file(path)?;
        found = Found::Distrusted;
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.read(true).write(true);
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

/// Whether the file still stands at its path.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match same_file::Handle::from_path(path) {
        Ok(handle) => Ok(handle == same_file::Handle::from_file(file.try_clone()?)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Somebody who replaces a file again and again is not waited for.
const ATTEMPTS: usize = 16;
