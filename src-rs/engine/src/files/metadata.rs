//! The facts of a file that a stream keeps, and that a new plaintext file gets back.

use super::{OWNER_BITS, SourceFile};
use crate::error::{IoOperation, SealError};
use crate::format::{Metadata, Modified};
use crate::operation::options::EncryptOptions;
use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl SourceFile<'_> {
    /// The options, with the facts of this file if they are to be kept.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn with_metadata<'a, 'b>(
        &self,
        options: &'a EncryptOptions<'b>,
    ) -> Result<Cow<'a, EncryptOptions<'b>>, SealError> {
        if !options.keep_metadata {
            return Ok(Cow::Borrowed(options));
        }
        let metadata = Metadata {
            modified: self.modified()?,
            permissions: self.mode.map(|mode| mode & 0o777),
            name: self.path.file_name().map(|_| name_of(self.path)),
            is_sparse: false,
        };
        Ok(Cow::Owned(EncryptOptions {
            metadata: Some(metadata),
            ..options.clone()
        }))
    }

    fn modified(&self) -> Result<Option<Modified>, SealError> {
        let found = self.file.metadata().and_then(|metadata| metadata.modified());
        let time = found.map_err(|error| SealError::io(IoOperation::Inspect, Some(self.path), &error))?;
        Ok(Modified::of(time))
    }
}

/// Gives a plaintext file the time of `metadata`, after everything was written, and returns the permission bits for a new file: the
/// owner's alone, because users who may read the sealed bytes need not be allowed to read the plaintext.
///
/// # Errors
/// `Io`. A time that the system can't represent is left out.
pub(crate) fn restore(metadata: Option<&Metadata>, file: &File) -> Result<Option<u32>, SealError> {
    let Some(metadata) = metadata else {
        return Ok(None);
    };
    if let Some(time) = metadata.modified.and_then(Modified::to_system_time) {
        file.set_modified(time).map_err(SealError::writing)?;
    }
    Ok(metadata.permissions.map(|bits| bits & OWNER_BITS))
}

impl Modified {
    /// The time as seconds and nanoseconds; `None` if it is too far from 1970.
    #[must_use]
    pub fn of(time: SystemTime) -> Option<Self> {
        let (before, distance) = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => (false, since),
            Err(error) => (true, error.duration()),
        };
        let (seconds, nanoseconds) = (i64::try_from(distance.as_secs()).ok()?, distance.subsec_nanos());
        Some(match (before, nanoseconds) {
            (false, _) => Self { seconds, nanoseconds },
            (true, 0) => Self {
                seconds: seconds.checked_neg()?,
                nanoseconds,
            },
            (true, _) => Self {
                seconds: seconds.checked_neg()?.checked_sub(1)?,
                nanoseconds: 1_000_000_000_u32.checked_sub(nanoseconds)?,
            },
        })
    }

    /// The time as the system has it; `None` if the system can't represent it.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let seconds = Duration::from_secs(self.seconds.unsigned_abs());
        let whole = if self.seconds < 0 {
            UNIX_EPOCH.checked_sub(seconds)
        } else {
            UNIX_EPOCH.checked_add(seconds)
        };
        whole?.checked_add(Duration::from_nanos(self.nanoseconds.into()))
    }
}

#[cfg(unix)]
fn name_of(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.file_name().unwrap_or_default().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn name_of(path: &Path) -> Vec<u8> {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
        .into_bytes()
}
