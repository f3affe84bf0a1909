//! Why an operation failed: one enum for the caller, with the workers' own enums inside.

mod reasons;

pub use reasons::{EndDisagreement, EndPart, FileKind, IoOperation, Limit, SizeRelation, StartedOver};

use crate::crypto::CryptoError;
use crate::format::{HeaderError, HeaderField, SegmentIndex, WireOffset};
use crate::keys::{MAX_PASSPHRASE_LANES, UnlockError};
use crate::operation::cancel::Cancelled;
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io;
use std::path::Path;

/// Why a stream was not sealed or opened. Nothing is left behind by a failure but this, and what is there to be resumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A field of the header has a value that this release does not have.
    #[error(
        "not a sealed stream of this version: the header's {field} (byte {offset}) is {found}, expected {expected}"
    )]
    HeaderError {
        /// Which field.
        field: HeaderField,
        /// Where it stands.
        offset: WireOffset,
        /// What stands there.
        found: String,
        /// What could stand there.
        expected: String,
    },
    /// The header's checksum is wrong, and no copy of the header serves.
    #[error(
        "the header is damaged: its checksum (byte {offset}) is {actual:#010x}, expected {expected:#010x}"
    )]
    HeaderDamaged {
        /// Where the checksum stands.
        offset: WireOffset,
        /// The checksum that stands there.
        expected: u32,
        /// The checksum of the bytes before it.
        actual: u32,
    },
    /// None of the header's key slots opens with the offered keys.
    #[error("no offered key opens this stream; it was sealed for: {slots}")]
    NoMatchingKey {
        /// The slots that the header has, in words.
        slots: String,
    },
    /// All that could be tried were passphrases, and none is right.
    #[error("the passphrase is wrong: it opens none of the stream's passphrase slots")]
    WrongPassphrase,
    /// The header was changed by someone who has no key.
    #[error("the header was tampered with: its authentication code does not match")]
    HeaderTampered,
    /// The stream was sealed with another context.
    #[error(
        "the key is right, but the stream was sealed with another context (or with none) than the one given, of length {supplied}"
    )]
    ContextMismatch {
        /// Bytes of the context that was given.
        supplied: u64,
    },
    /// The copy of the header at the stream's end is damaged; the header itself is sound.
    #[error("the copy of the header (byte {offset}) is damaged; the header and the contents are not")]
    HeaderCopyDamaged {
        /// Where the copy starts.
        offset: WireOffset,
    },
    /// The header is sound, and older than its copy.
    #[error(
        "a rewrap was interrupted: the header is of revision {revision}, and its copy of revision {copy_revision}; the keys of \
         either open the stream, and rewrapping it again makes them one"
    )]
    RewrapInterrupted {
        /// The header's revision.
        revision: u16,
        /// The copy's.
        copy_revision: u16,
    },
    /// A segment failed.
    #[error("{error}")]
    Segment {
        /// Which, where and why.
        error: SegmentWorkerError,
    },
    /// The stream ends before its end.
    #[error(
        "the stream is cut short at byte {offset}: segment {next_segment} was due, {verified_bytes} bytes of plaintext \
         were verified before"
    )]
    Truncated {
        /// The segment that was due, or the number of segments where only the end is missing.
        next_segment: SegmentIndex,
        /// Plaintext bytes that were verified; 0 where the source's length alone told.
        verified_bytes: u64,
        /// Bytes of the stream that are there.
        offset: WireOffset,
    },
    /// The end record's checksum or the footer is wrong.
    #[error("the {part} (byte {offset}) is damaged, so the stream can't be known to be whole")]
    EndDamaged {
        /// Which part of the end.
        part: EndPart,
        /// Where it starts.
        offset: WireOffset,
    },
    /// The end record was changed, or the stream is not the one that it describes.
    #[error("the end record (byte {offset}) does not belong to these segments: {disagreement}")]
    EndTampered {
        /// Where the end record starts.
        offset: WireOffset,
        /// In what it differs.
        disagreement: EndDisagreement,
        /// The first segment that differs, where one does.
        segment: Option<SegmentIndex>,
    },
    /// Bytes follow the end of the stream.
    #[error("bytes follow the end of the stream, which is at byte {offset}")]
    TrailingData {
        /// Where the stream ends.
        offset: WireOffset,
    },
    /// The stream asks for more than the reader allows.
    #[error(
        "the stream's {limit} is {value}, over this reader's limit of {maximum}; raise the limit if you trust it"
    )]
    LimitExceeded {
        /// Which limit.
        limit: Limit,
        /// The limit's value.
        maximum: u64,
        /// What the stream asks for.
        value: u64,
    },
    /// The operation was cancelled.
    #[error("the operation was cancelled")]
    Cancelled,
    /// The source is not what it was when the operation began, which for one that is resumed was at its first attempt.
    #[error(
        "the source changed since the operation began: it had {expected} bytes, and now {relation}; do it again from the \
         start, without resuming, when the source is at rest"
    )]
    SourceChanged {
        /// Bytes at the start.
        expected: u64,
        /// Whether it is shorter or longer now.
        relation: SizeRelation,
    },
    /// The journal of an interrupted operation does not belong to this one, or was changed.
    #[error(
        "can't resume from {path}: {problem}; delete it to start over, or do the operation without resuming"
    )]
    JournalRefused {
        /// The journal's path.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another operation is writing the same target.
    #[error("another operation is at work on {path}; wait for it to end, or choose another target")]
    TargetBusy {
        /// The target's path.
        path: String,
    },
    /// No copy has a sound record of some segment.
    #[error(
        "{segments} segments are sound in none of the copies, the first is segment {first}; add another copy, or salvage \
         what is left with the key"
    )]
    NotHealed {
        /// How many.
        segments: u64,
        /// The lowest of them.
        first: SegmentIndex,
    },
    /// Records carry no digest, so that nobody can tell a sound one from a damaged one without a key.
    #[error(
        "the stream was sealed without digests, so a sound segment can't be told from a damaged one without the key; open \
         each copy with the key instead"
    )]
    NoDigests,
    /// A copy that was offered is one of another stream.
    #[error("copy {replica} is not of this stream: its stream id is {actual}, expected {expected}")]
    ForeignReplica {
        /// Which one, counted from 0 in the order given.
        replica: u64,
        /// The stream's id, in hexadecimal.
        expected: String,
        /// The copy's, in hexadecimal.
        actual: String,
    },
    /// Source and target are one file.
    #[error("the source and the target are the same file: {path}")]
    SameFile {
        /// The target's path.
        path: String,
    },
    /// The target exists.
    #[error("the target exists: {path}; choose another, or allow to overwrite it")]
    TargetExists {
        /// The target's path.
        path: String,
    },
    /// A path is not a regular file.
    #[error("{path} is {found}, not a regular file")]
    NotARegularFile {
        /// The path.
        path: String,
        /// What it is.
        found: FileKind,
    },
    /// The output buffer is too small.
    #[error("the output has room for {available} bytes, but {needed} are needed")]
    OutputTooSmall {
        /// Bytes of room.
        available: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// An option's value is not allowed.
    #[error("{option} {problem}")]
    InvalidOption {
        /// The option.
        option: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Reading or writing failed.
    #[error("could not {operation}{}: {message}", display_path(.path))]
    Io {
        /// What was being done.
        operation: IoOperation,
        /// The file, where there is one.
        path: Option<String>,
        /// The system's name for the error, such as `ENOSPC`, where it has one.
        code: Option<String>,
        /// The system's words.
        message: String,
    },
    /// The operating system gave no random bytes, or a primitive failed.
    #[error("{error}")]
    Crypto {
        /// What the primitive says.
        error: CryptoError,
    },
    /// The system gave no threads.
    #[error("could not start threads: {message}")]
    ThreadsUnavailable {
        /// The system's words.
        message: String,
    },
}

impl SealError {
    /// Reading or writing failed, unless it was cancelled.
    #[must_use]
    pub fn io(operation: IoOperation, path: Option<&Path>, error: &io::Error) -> Self {
        if error.get_ref().is_some_and(|cause| cause.is::<Cancelled>()) {
            return Self::Cancelled;
        }
        Self::Io {
            operation,
            path: path.map(|path| path.display().to_string()),
            code: error_code(error).map(str::to_owned),
            message: error.to_string(),
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

    /// A source failed; which file it is, if it is one, is for [`on_file`](Self::on_file).
    pub(crate) fn reading(error: io::Error) -> Self {
        Self::io(IoOperation::Read, None, &error)
    }

    /// A sink failed; which file it is, if it is one, is for [`on_file`](Self::on_file).
    pub(crate) fn writing(error: io::Error) -> Self {
        Self::io(IoOperation::Write, None, &error)
    }

    /// The same failure with the file that it happened on, where it is a failure to read or write one.
    #[must_use]
    pub fn on_file(self, read: &Path, written: &Path) -> Self {
        match self {
            Self::Io {
                operation,
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
                    path: Some(path.display().to_string()),
                    code,
                    message,
                }
            }
            other => other,
        }
    }

    /// The same failure, with the plaintext bytes that were verified before it where it tells of them.
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

    /// The innermost failure's name in capitals, such as `DIGEST_MISMATCH`: stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::HeaderError { .. } => "HEADER_ERROR",
            Self::HeaderDamaged { .. } => "HEADER_DAMAGED",
            Self::NoMatchingKey { .. } => "NO_MATCHING_KEY",
            Self::WrongPassphrase => "WRONG_PASSPHRASE",
            Self::HeaderTampered => "HEADER_TAMPERED",
            Self::ContextMismatch { .. } => "CONTEXT_MISMATCH",
            Self::HeaderCopyDamaged { .. } => "HEADER_COPY_DAMAGED",
            Self::RewrapInterrupted { .. } => "REWRAP_INTERRUPTED",
            Self::Segment { error } => match error {
                SegmentWorkerError::FrameWorkerDisconnected { .. } => "FRAME_WORKER_DISCONNECTED",
                SegmentWorkerError::FrameEncryptionFailed { .. } => "FRAME_ENCRYPTION_FAILED",
                SegmentWorkerError::FrameDecryptionFailed { .. } => "FRAME_DECRYPTION_FAILED",
                SegmentWorkerError::DigestMismatch { .. } => "DIGEST_MISMATCH",
                SegmentWorkerError::FramingError { .. } => "FRAMING_ERROR",
                SegmentWorkerError::InvalidSegment { .. } => "INVALID_SEGMENT",
                SegmentWorkerError::CheckpointError { .. } => "CHECKPOINT_ERROR",
            },
            Self::Truncated { .. } => "TRUNCATED",
            Self::EndDamaged { .. } => "END_DAMAGED",
            Self::EndTampered { .. } => "END_TAMPERED",
            Self::TrailingData { .. } => "TRAILING_DATA",
            Self::LimitExceeded { .. } => "LIMIT_EXCEEDED",
            Self::Cancelled => "CANCELLED",
            Self::SourceChanged { .. } => "SOURCE_CHANGED",
            Self::JournalRefused { .. } => "JOURNAL_REFUSED",
            Self::TargetBusy { .. } => "TARGET_BUSY",
            Self::NotHealed { .. } => "NOT_HEALED",
            Self::NoDigests => "NO_DIGESTS",
            Self::ForeignReplica { .. } => "FOREIGN_REPLICA",
            Self::SameFile { .. } => "SAME_FILE",
            Self::TargetExists { .. } => "TARGET_EXISTS",
            Self::NotARegularFile { .. } => "NOT_A_REGULAR_FILE",
            Self::OutputTooSmall { .. } => "OUTPUT_TOO_SMALL",
            Self::InvalidOption { .. } => "INVALID_OPTION",
            Self::Io { .. } => "IO",
            Self::Crypto { .. } => "CRYPTO",
            Self::ThreadsUnavailable { .. } => "THREADS_UNAVAILABLE",
        }
    }
}

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
        Self::Crypto { error }
    }
}

impl From<HeaderError> for SealError {
    fn from(error: HeaderError) -> Self {
        match error {
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
            HeaderError::Incomplete { available, .. } => Self::Truncated {
                next_segment: SegmentIndex::ZERO,
                verified_bytes: 0,
                offset: WireOffset::new(available),
            },
        }
    }
}

impl SealError {
    /// A failure to unlock a stream whose header has these slots, in words.
    #[must_use]
    pub fn locked(error: UnlockError, slots: String) -> Self {
        match error {
            UnlockError::NoMatch => Self::NoMatchingKey { slots },
            UnlockError::WrongPassphrase => Self::WrongPassphrase,
            UnlockError::Tampered => Self::HeaderTampered,
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
            UnlockError::Crypto(error) => Self::Crypto { error },
        }
    }
}

fn display_path(path: &Option<String>) -> String {
    path.as_ref().map(|path| format!(" {path}")).unwrap_or_default()
}

/// The system's name for an error, for the kinds that callers act on.
fn error_code(error: &io::Error) -> Option<&'static str> {
    use io::ErrorKind as K;
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
        _ if error.raw_os_error() == Some(5) && cfg!(unix) => "EIO",
        _ => return None,
    })
}
