//! Makes a [`SealError`] of the errors below it, and adds to it what only its caller knows.

use super::{EndDisagreement, EndPart, IoOperation, Limit, SealError, SizeRelation};
use crate::crypto::CryptoError;
use crate::format::{HeaderError, SegmentIndex, StreamHeader, WireOffset};
use crate::keys::{
    KeyFileError, MAX_PASSPHRASE_LANES, SenderReason, SenderStatus, SignerError, SlotInfo, UnlockError,
    UnlockLimits,
};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io;
use std::path::Path;

impl SealError {
    /// Reading or writing failed, or was cancelled. An `io::Error` whose cause is a `SealError` is that error: a source or sink that
    /// is no file fails in its own way.
    #[must_use]
    pub fn io(operation: IoOperation, path: Option<&Path>, error: &io::Error) -> Self {
        if let Some(cause) = error.get_ref() {
            if cause.is::<Cancelled>() {
                return Self::Cancelled;
            }
            if let Some(own) = cause.downcast_ref::<Self>() {
                return own.clone();
            }
        }
        Self::Io {
            operation,
            syscall: operation.syscall().to_owned(),
            path: path.map(|path| path.display().to_string()),
            code: error_code(error).map(str::to_owned),
            message: error.to_string(),
        }
    }

    /// A file of keys could not be read or written.
    #[must_use]
    pub fn key_file(operation: IoOperation, path: &Path, error: &KeyFileError) -> Self {
        let shown = path.display().to_string();
        match error {
            KeyFileError::Io(error) => Self::io(operation, Some(path), error),
            KeyFileError::Exists => Self::TargetExists { path: shown },
            KeyFileError::Refused { reason, line } => Self::KeyFileRefused {
                path: shown,
                reason: *reason,
                line: *line,
            },
            KeyFileError::NotAPair => Self::InvalidOption {
                option: "pair".to_owned(),
                problem: "must be a key pair".to_owned(),
            },
        }
    }

    /// The source had `expected` bytes when the operation began.
    pub(crate) const fn source_changed(expected: u64, relation: SizeRelation) -> Self {
        Self::SourceChanged { expected, relation }
    }

    /// The system could not start a thread.
    pub(crate) fn no_threads(error: impl ToString) -> Self {
        Self::ThreadsUnavailable {
            message: error.to_string(),
        }
    }

    /// The result of a segment is missing, which only a bug can cause.
    pub(crate) const fn no_result(segment: SegmentIndex) -> Self {
        Self::Segment {
            error: SegmentWorkerError::FrameWorkerDisconnected { segment },
        }
    }

    /// The source ends at `offset` of the stream, before or in `next_segment`. No plaintext was verified before.
    pub(crate) const fn truncated(next_segment: SegmentIndex, offset: u64) -> Self {
        Self::Truncated {
            next_segment,
            verified_bytes: 0,
            offset: WireOffset::new(offset),
        }
    }

    /// A part of the end, at `offset` of the stream, is damaged.
    pub(crate) const fn end_damaged(part: EndPart, offset: u64) -> Self {
        Self::EndDamaged {
            part,
            offset: WireOffset::new(offset),
        }
    }

    /// The record of `segment` is not the sealing that the manifest at `offset` names.
    pub(crate) const fn other_sealing(offset: WireOffset, segment: SegmentIndex) -> Self {
        Self::EndTampered {
            offset,
            disagreement: EndDisagreement::Segment,
            segment: Some(segment),
        }
    }

    /// A source failed. If it is a file, [`on_file`](Self::on_file) adds the path.
    pub(crate) fn reading(error: io::Error) -> Self {
        Self::io(IoOperation::Read, None, &error)
    }

    /// A sink failed. If it is a file, [`on_file`](Self::on_file) adds the path.
    pub(crate) fn writing(error: io::Error) -> Self {
        Self::io(IoOperation::Write, None, &error)
    }

    /// The same failure with the path of the file, if it is a failure to read or write one.
    #[must_use]
    pub fn on_file(self, read: &Path, written: &Path) -> Self {
        match self {
            Self::Io {
                operation,
                syscall,
                path: None,
                code,
                message,
            } => {
                let path = if operation == IoOperation::Read {
                    read
                } else {
                    written
                };
                Self::Io {
                    operation,
                    syscall,
                    path: Some(path.display().to_string()),
                    code,
                    message,
                }
            }
            other => other,
        }
    }

    /// The same failure with the plaintext bytes that were verified before it, if it has such a field.
    #[must_use]
    pub fn after(self, verified_bytes: u64) -> Self {
        match self {
            Self::Truncated {
                next_segment, offset, ..
            } => Self::Truncated {
                next_segment,
                verified_bytes,
                offset,
            },
            other => other,
        }
    }
}

/// The caller's token was raised. An `io::Error` with this cause contains it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("cancelled")]
pub(crate) struct Cancelled;

impl From<Cancelled> for SealError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<SegmentWorkerError> for SealError {
    fn from(error: SegmentWorkerError) -> Self {
        Self::Segment { error }
    }
}

impl From<CryptoError> for SealError {
    fn from(error: CryptoError) -> Self {
        match error {
            CryptoError::Cancelled => Self::Cancelled,
            error => Self::Crypto { error },
        }
    }
}

impl From<SignerError> for SealError {
    fn from(error: SignerError) -> Self {
        match error {
            SignerError::Cancelled => Self::Cancelled,
            SignerError::Failed { reason, detail } => Self::SigningFailed { reason, detail },
        }
    }
}

impl From<SenderStatus> for SealError {
    /// The failure of a stream that must be refused for its sender.
    fn from(status: SenderStatus) -> Self {
        Self::SenderUnverified {
            reason: status.failure.unwrap_or(SenderReason::BadSignature),
            claimed: status.key.map(|key| key.to_string()),
        }
    }
}

impl From<HeaderError> for SealError {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::NotSealed { looks_like } => Self::NotSealed { looks_like },
            HeaderError::Field {
                field,
                offset,
                found,
                expected,
            } => Self::HeaderError {
                field,
                offset,
                found,
                expected,
            },
            HeaderError::Damaged {
                offset,
                expected,
                actual,
            } => Self::HeaderDamaged {
                offset,
                expected,
                actual,
            },
            HeaderError::Incomplete { available, .. } => Self::truncated(SegmentIndex::ZERO, available),
        }
    }
}

impl SealError {
    /// A failure to unlock the stream with this header.
    #[must_use]
    pub fn locked(error: UnlockError, header: &StreamHeader, limits: &UnlockLimits<'_>) -> Self {
        match error {
            UnlockError::NoMatch => {
                let types = (0..).zip(&header.slots);
                let left_out = types.filter(|(_, slot)| !limits.accepts(slot.slot_type));
                let not_accepted: Vec<u32> = left_out.map(|(index, _)| index).collect();
                Self::NoMatchingKey {
                    slots: SlotInfo::list(&header.slots),
                    not_accepted: (!not_accepted.is_empty()).then_some(not_accepted),
                }
            }
            UnlockError::WrongPassphrase => Self::WrongPassphrase,
            UnlockError::Tampered => Self::HeaderTampered,
            UnlockError::PassphraseMemory { maximum, value } => Self::LimitExceeded {
                limit: Limit::PassphraseMemory,
                maximum,
                value,
            },
            UnlockError::KeyAttempts { maximum, value } => Self::LimitExceeded {
                limit: Limit::KeyAttempts,
                maximum,
                value,
            },
            UnlockError::PassphraseCost { maximum, value } => Self::LimitExceeded {
                limit: Limit::PassphraseCost,
                maximum,
                value,
            },
            UnlockError::PassphraseLanes { lanes } => Self::LimitExceeded {
                limit: Limit::PassphraseLanes,
                maximum: MAX_PASSPHRASE_LANES.into(),
                value: lanes.into(),
            },
            UnlockError::Crypto(error) => error.into(),
        }
    }
}

/// The system's name for an error, as Node has it: by its number where that says more than its kind.
fn error_code(error: &io::Error) -> Option<&'static str> {
    use io::ErrorKind as K;
    #[cfg(unix)]
    if let Some(code) = error.raw_os_error().and_then(errno_code) {
        return Some(code);
    }
    Some(match error.kind() {
        K::NotFound => "ENOENT",
        K::PermissionDenied => "EACCES",
        K::AlreadyExists => "EEXIST",
        K::BrokenPipe => "EPIPE",
        K::StorageFull => "ENOSPC",
        K::QuotaExceeded => "EDQUOT",
        K::FileTooLarge => "EFBIG",
        K::IsADirectory => "EISDIR",
        K::NotADirectory => "ENOTDIR",
        K::ReadOnlyFilesystem => "EROFS",
        K::InvalidFilename => "ENAMETOOLONG",
        K::OutOfMemory => "ENOMEM",
        K::ResourceBusy => "EBUSY",
        K::TimedOut => "ETIMEDOUT",
        K::Unsupported => "ENOTSUP",
        K::DirectoryNotEmpty => "ENOTEMPTY",
        K::CrossesDevices => "EXDEV",
        K::StaleNetworkFileHandle => "ESTALE",
        // What libuv makes of an error of the system that it does not know.
        _ if error.raw_os_error().is_some() => "UNKNOWN",
        _ => return None,
    })
}

/// The names of errors that share a kind with others, or have none.
#[cfg(unix)]
fn errno_code(number: i32) -> Option<&'static str> {
    use rustix::io::Errno;
    Some(match Errno::from_raw_os_error(number) {
        Errno::PERM => "EPERM",
        Errno::IO => "EIO",
        Errno::INVAL => "EINVAL",
        Errno::LOOP => "ELOOP",
        Errno::MFILE => "EMFILE",
        Errno::NFILE => "ENFILE",
        Errno::NODEV => "ENODEV",
        Errno::NXIO => "ENXIO",
        Errno::OPNOTSUPP => "ENOTSUP",
        Errno::SPIPE => "ESPIPE",
        Errno::TXTBSY => "ETXTBSY",
        Errno::BADF => "EBADF",
        Errno::NOLCK => "ENOLCK",
        Errno::NOTCONN => "ENOTCONN",
        Errno::CONNRESET => "ECONNRESET",
        Errno::HOSTDOWN => "EHOSTDOWN",
        _ => return None,
    })
}
