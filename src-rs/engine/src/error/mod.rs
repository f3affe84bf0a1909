//! The error of every operation. It contains the workers' own errors.

mod convert;
mod details;

pub use crate::format::LookAlike;
pub use crate::keys::{KeyFileReason, SenderReason, SignerReason};
pub(crate) use convert::Cancelled;
pub use details::{EndDisagreement, EndPart, FileKind, IoOperation, Limit, SizeRelation, StartedOver};

use crate::crypto::CryptoError;
use crate::format::{HeaderField, SegmentIndex, WireOffset, described};
use crate::keys::SlotInfo;
use crate::stream_v2::segment_worker::SegmentWorkerError;

/// Why a stream was not sealed or opened. A failed operation leaves nothing behind except what can be resumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The source does not start as a sealed stream does, and no copy of a header was found in it.
    #[error("not a sealed stream{}", described(.looks_like))]
    NotSealed {
        /// What it looks like instead, if its first bytes tell. A guess from these bytes alone.
        looks_like: Option<LookAlike>,
    },
    /// A field of the header has a value that this release does not support.
    #[error(
        "not a sealed stream of this version: the header's {field} (byte {offset}) is {found}, expected {expected}"
    )]
    HeaderError {
        /// The field.
        field: HeaderField,
        /// Where it stands.
        offset: WireOffset,
        /// The value there.
        found: String,
        /// The values that are allowed there.
        expected: String,
    },
    /// The header's checksum is wrong, and no copy can replace the header.
    #[error(
        "the header is damaged: its checksum (byte {offset}) is {actual:#010x}, expected {expected:#010x}"
    )]
    HeaderDamaged {
        /// Where the checksum is.
        offset: WireOffset,
        /// The checksum in the header.
        expected: u32,
        /// The checksum of the header's bytes.
        actual: u32,
    },
    /// No offered key opens any of the header's key slots. Also the failure of a header whose fixed fields (sizes, stream id, core
    /// extensions, context check) were altered: its slots are bound to them.
    #[error("no offered key opens this stream, or its header was altered; it was sealed for: {}", display_slots(.slots, .not_accepted))]
    NoMatchingKey {
        /// The header's key slots, in its order. Nothing in them is authenticated.
        slots: Vec<SlotInfo>,
        /// The indexes of those that `acceptSlots` left out, if there are any.
        not_accepted: Option<Vec<u32>>,
    },
    /// Only passphrases could be tried, and none opens a slot. Altered fixed fields fail in this way too.
    #[error(
        "the passphrase is wrong, or the header was altered: it opens none of the stream's passphrase slots"
    )]
    WrongPassphrase,
    /// The header was changed without the key.
    #[error("the header was tampered with: its authentication code does not match")]
    HeaderTampered,
    /// The stream was sealed with another context.
    #[error(
        "the key is right, but the stream was sealed with another context (or with none) than the one given, of length {supplied}"
    )]
    ContextMismatch {
        /// Bytes of the given context.
        supplied: u64,
    },
    /// The copy of the header at the stream's end is damaged; the header itself is intact.
    #[error("the copy of the header (byte {offset}) is damaged; the header and the contents are not")]
    HeaderCopyDamaged {
        /// Where the copy starts.
        offset: WireOffset,
    },
    /// The header is intact but older than its copy.
    #[error(
        "a rewrap was interrupted: the header is of revision {revision}, and its copy of revision {copy_revision}; the keys of \
         either open the stream; rewrap it again to make both the same"
    )]
    RewrapInterrupted {
        /// The header's revision.
        revision: u16,
        /// The copy's revision.
        copy_revision: u16,
    },
    /// A segment failed.
    #[error("{error}")]
    Segment {
        /// Which segment, where, and why.
        error: SegmentWorkerError,
    },
    /// The stream is truncated.
    #[error(
        "the stream is cut short at byte {offset}, where segment {next_segment} was expected; {verified_bytes} bytes of \
         plaintext were verified before"
    )]
    Truncated {
        /// The segment that is missing first, or the number of segments if only the end is missing.
        next_segment: SegmentIndex,
        /// Plaintext bytes that were verified before; 0 if the source's length alone showed the truncation.
        verified_bytes: u64,
        /// Bytes of the stream that the source has.
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
        /// How they differ.
        disagreement: EndDisagreement,
        /// The first segment that differs, if one does.
        segment: Option<SegmentIndex>,
    },
    /// No sender that the reader trusts signed the stream, or the sender that its header announces did not.
    #[error("the stream's sender is unverified: {reason}{}", claim(.claimed))]
    SenderUnverified {
        /// Why.
        reason: SenderReason,
        /// The public key that the stream claims, as OpenSSH writes it. Nothing proves it.
        claimed: Option<String>,
    },
    /// The stream could not be signed.
    #[error("could not sign the stream: {reason}{}", said(.detail))]
    SigningFailed {
        /// Why.
        reason: SignerReason,
        /// What the signer said.
        detail: Option<String>,
    },
    /// Bytes follow the end of the stream.
    #[error("bytes follow the end of the stream, which is at byte {offset}")]
    TrailingData {
        /// Where the stream ends.
        offset: WireOffset,
    },
    /// The stream needs more than the reader allows.
    #[error(
        "the stream's {limit} is {value}, over this reader's limit of {maximum}{}", .limit.advice()
    )]
    LimitExceeded {
        /// The limit.
        limit: Limit,
        /// The limit's value.
        maximum: u64,
        /// The value that the stream needs.
        value: u64,
    },
    /// The operation was cancelled.
    #[error("the operation was cancelled")]
    Cancelled,
    /// The source changed since the operation began; for a resumed operation, since its first attempt.
    #[error(
        "the source changed since the operation began: it had {expected} bytes, and now {relation}; do it again from the \
         start, without resuming, when the source no longer changes"
    )]
    SourceChanged {
        /// Bytes at the start.
        expected: u64,
        /// How it changed.
        relation: SizeRelation,
    },
    /// The journal of an interrupted operation belongs to another one, or was changed.
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
    #[error("another operation is writing {path}; wait for it to end, or choose another target")]
    TargetBusy {
        /// The target's path.
        path: String,
    },
    /// Some segments are damaged in every copy.
    #[error(
        "{segments} segments are damaged in every copy, the first is segment {segment}; add another copy, or salvage \
         the rest with the key"
    )]
    NotHealed {
        /// Number of these segments.
        segments: u64,
        /// The first of them.
        segment: SegmentIndex,
    },
    /// Nothing of the plaintext was recovered.
    #[error("nothing was recovered: no frame verifies; look for another copy of the stream")]
    NothingRecovered,
    /// Records have no digest, so a damaged record can't be detected without a key.
    #[error(
        "the stream was sealed without digests, so damaged segments can't be detected without the key; open \
         each copy with the key instead"
    )]
    NoDigests,
    /// An offered copy is of another stream.
    #[error("copy {replica} is not of this stream: its stream id is {actual}, expected {expected}")]
    ForeignReplica {
        /// Index of the copy, in the given order.
        replica: u64,
        /// The stream's id, in hexadecimal.
        expected: String,
        /// The copy's stream id, in hexadecimal.
        actual: String,
    },
    /// Source and target are the same file.
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
    /// A file of keys holds no such key as was expected, or its permissions are too wide.
    #[error("{path}{}: {reason}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    KeyFileRefused {
        /// The file's path.
        path: String,
        /// Why.
        reason: KeyFileReason,
        /// The line that is wrong, from 1. Absent if the whole file is.
        line: Option<u64>,
    },
    /// The output buffer is too small.
    #[error("the output has room for {available} bytes, but {needed} are needed")]
    OutputTooSmall {
        /// Bytes of the buffer.
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
    /// The system refused to read or write.
    #[error("could not {operation}{}: {message}", display_path(.path))]
    Io {
        /// What was to be done with the file.
        operation: IoOperation,
        /// The system call that failed, as Node names it, such as `open`.
        syscall: String,
        /// The file, if it is known.
        path: Option<String>,
        /// The system's name for the error, such as `ENOSPC`, if it has one.
        code: Option<String>,
        /// The system's message.
        message: String,
    },
    /// The system's random generator or a cryptographic primitive failed.
    #[error("{error}")]
    Crypto {
        /// The primitive's error.
        error: CryptoError,
    },
    /// The system could not start threads.
    #[error("could not start threads: {message}")]
    ThreadsUnavailable {
        /// The system's message.
        message: String,
    },
}

impl SealError {
    /// The innermost error's name in capitals, such as `DIGEST_MISMATCH`. Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSealed { .. } => "NOT_SEALED",
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
            Self::SenderUnverified { .. } => "SENDER_UNVERIFIED",
            Self::SigningFailed { .. } => "SIGNING_FAILED",
            Self::TrailingData { .. } => "TRAILING_DATA",
            Self::LimitExceeded { .. } => "LIMIT_EXCEEDED",
            Self::Cancelled => "CANCELLED",
            Self::SourceChanged { .. } => "SOURCE_CHANGED",
            Self::JournalRefused { .. } => "JOURNAL_REFUSED",
            Self::TargetBusy { .. } => "TARGET_BUSY",
            Self::NotHealed { .. } => "NOT_HEALED",
            Self::NothingRecovered => "NOTHING_RECOVERED",
            Self::NoDigests => "NO_DIGESTS",
            Self::ForeignReplica { .. } => "FOREIGN_REPLICA",
            Self::SameFile { .. } => "SAME_FILE",
            Self::TargetExists { .. } => "TARGET_EXISTS",
            Self::NotARegularFile { .. } => "NOT_A_REGULAR_FILE",
            Self::KeyFileRefused { .. } => "KEY_FILE_REFUSED",
            Self::OutputTooSmall { .. } => "OUTPUT_TOO_SMALL",
            Self::InvalidOption { .. } => "INVALID_OPTION",
            Self::Io { .. } => "IO",
            Self::Crypto { .. } => "CRYPTO",
            Self::ThreadsUnavailable { .. } => "THREADS_UNAVAILABLE",
        }
    }
}

fn display_slots(slots: &[SlotInfo], not_accepted: &Option<Vec<u32>>) -> String {
    let left_out = not_accepted.as_deref().unwrap_or_default();
    let words = slots.iter().map(|slot| {
        let is_left_out = left_out.contains(&slot.slot_index);
        format!(
            "{slot}{}",
            if is_left_out {
                ", which is not accepted"
            } else {
                ""
            }
        )
    });
    words.collect::<Vec<_>>().join("; ")
}

fn claim(key: &Option<String>) -> String {
    let words = |key| format!("; it claims the sender {key}");
    key.as_ref().map(words).unwrap_or_default()
}

fn said(detail: &Option<String>) -> String {
    let words = |detail| format!(": {detail}");
    detail.as_ref().map(words).unwrap_or_default()
}

fn display_path(path: &Option<String>) -> String {
    path.as_ref().map(|path| format!(" {path}")).unwrap_or_default()
}
