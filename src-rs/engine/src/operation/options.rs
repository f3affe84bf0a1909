//! Options of operations. Ranges and limits are checked here; an `InvalidOption` error has the option's JavaScript name.

pub(crate) use super::invalid;
pub(crate) use super::recipients::{check_passphrase_costs, check_recipients, compact_header_size};

use super::cancel::CancellationToken;
use super::damage::DamagePolicy;
use crate::error::{Limit, SealError};
use crate::format::{
    DEFAULT_FRAME_SIZE, DigestKind, Geometry, GeometryError, MAX_FRAME_SIZE, MAX_HEADER_SIZE,
    MAX_SEGMENT_SIZE, MIN_FRAME_SIZE, Metadata, SlotType, default_segment_size,
};
use crate::keys::{
    DEFAULT_MAX_PASSPHRASE_COST, DEFAULT_MAX_PASSPHRASE_MEMORY, Identity, Recipient, Sender, SenderKey,
    UnlockLimits,
};
use crate::operation::threads::Threads;
use crate::telemetry::{Progress, ProgressMeter, SegmentListener};
use std::borrow::Cow;

/// How to run an operation: threads, cancelling, progress.
#[derive(Clone)]
pub struct Control<'a> {
    /// The threads that process segments.
    pub threads: Threads,
    /// Stops the operation when it is raised.
    pub cancel: CancellationToken,
    /// Called at most ten times a second and once at the end, from any of the operation's threads.
    pub progress: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
    /// Called after each segment, from any of the operation's threads.
    pub segments: Option<SegmentListener<'a>>,
}

impl Control<'_> {
    /// Runs on the caller's thread, without progress.
    #[must_use]
    pub fn serial() -> Self {
        Self {
            threads: Threads::Serial,
            cancel: CancellationToken::new(),
            progress: None,
            segments: None,
        }
    }

    /// A progress meter for this operation's listeners.
    pub(crate) fn meter(&self, total: Option<u64>) -> ProgressMeter<'_> {
        ProgressMeter::new(total, self.progress, self.segments)
    }

    /// Segments in memory on an ordered path.
    pub(crate) fn window(&self, geometry: &Geometry) -> usize {
        window(geometry, self.threads.count())
    }
}

/// Segments in memory on an ordered path with `threads` threads: enough that threads need not wait while one segment is read
/// and one is written, but at most 256 MiB of records, or two segments if that is more.
#[must_use]
pub fn window(geometry: &Geometry, threads: usize) -> usize {
    let fitting = usize::try_from(MAX_IN_FLIGHT / geometry.full_record_size()).unwrap_or(usize::MAX);
    (2 * threads).min(fitting.max(2))
}

/// How to seal a stream.
#[derive(Clone, Debug)]
pub struct EncryptOptions<'a> {
    /// The recipients, 1 to 64.
    pub recipients: Vec<Recipient>,
    /// Bytes that the reader must supply too, at most 64 KiB. They are not stored in the stream.
    pub context: Cow<'a, [u8]>,
    /// Plaintext bytes in a full frame: 1,024 to 16,777,216.
    pub frame_size: u32,
    /// Plaintext bytes in a full segment: a multiple of the frame size, up to 1,073,741,824. `None` for
    /// [`default_segment_size`].
    pub segment_size: Option<u32>,
    /// Digest by which each record can be checked without a key.
    pub digest: DigestKind,
    /// Size of the header, and whether the stream has a copy of it.
    pub header: HeaderLayout,
    /// Facts of a file, for the stream's recipients.
    pub metadata: Option<Metadata>,
    /// Operations on files set `metadata` to the source's.
    pub keep_metadata: bool,
    /// Who signs the stream. Takes a [collision-resistant](DigestKind::is_collision_resistant) digest.
    pub sender: Option<Sender>,
}

/// Size of the header, and whether the stream has a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderLayout {
    /// A copy of the header stands at the stream's end.
    pub copy: bool,
    /// Bytes of the header, so that a rewrap fits in place; 0 for no padding. `None` for the default: 4,096 with a copy, if the
    /// plaintext has 64 KiB or more or its length is not known; else no padding.
    pub size: Option<u32>,
}

impl HeaderLayout {
    /// No padding and no copy: the default of buffers and streams.
    pub const COMPACT: Self = Self {
        copy: false,
        size: None,
    };
    /// A copy, and padding from 64 KiB of plaintext on: the default of files.
    pub const FILE: Self = Self {
        copy: true,
        size: None,
    };
    /// A copy, and padding for every length.
    #[cfg(test)]
    pub(crate) const PADDED: Self = Self {
        copy: true,
        size: Some(PADDED_HEADER_SIZE),
    };

    /// Bytes up to which the header of a stream with this much plaintext is padded; 0 for no padding.
    pub(crate) fn padded_size(self, plaintext_size: Option<u64>) -> u32 {
        let is_small = plaintext_size.is_some_and(|size| size < PADDED_FROM);
        let default = if self.copy && !is_small {
            PADDED_HEADER_SIZE
        } else {
            0
        };
        self.size.unwrap_or(default)
    }
}

impl EncryptOptions<'_> {
    /// Default options for these recipients.
    #[must_use]
    pub fn new(recipients: Vec<Recipient>) -> Self {
        Self {
            recipients,
            context: Cow::Borrowed(&[]),
            frame_size: DEFAULT_FRAME_SIZE,
            segment_size: None,
            digest: DigestKind::default(),
            header: HeaderLayout::COMPACT,
            metadata: None,
            keep_metadata: false,
            sender: None,
        }
    }

    /// The types of the slots that the header gets.
    pub fn slot_types(&self) -> impl Iterator<Item = SlotType> {
        self.recipients.iter().map(Recipient::slot_type)
    }

    /// The same options, signed by `sender`, with the default digest of signed streams.
    #[must_use]
    pub fn signed_by(self, sender: Sender) -> Self {
        Self {
            digest: DigestKind::Blake3,
            sender: Some(sender),
            ..self
        }
    }

    fn check_sender(&self) -> Result<(), SealError> {
        if self.sender.is_some() && !self.digest.is_collision_resistant() {
            let digest = self.digest;
            let problem =
                format!("must be blake3, sha256 or sha512 for a stream that is signed, not {digest}");
            return Err(invalid("digest", problem));
        }
        Ok(())
    }

    /// Checks all options and returns the sizes for a plaintext of this length, if it is known.
    ///
    /// # Errors
    /// `InvalidOption`: `recipients` (number, passphrases, size of the header), `keyId`, `provider`, `strength`, `context`,
    /// `frameSize`, `segmentSize`, `headerSize`, `digest`.
    pub fn geometry(&self, plaintext_size: Option<u64>) -> Result<Geometry, SealError> {
        check_recipients("recipients", &self.recipients)?;
        check_context(&self.context)?;
        check_header_size(self.header.size, compact_header_size(&self.recipients))?;
        self.check_sender()?;
        let segment_size = self
            .segment_size
            .unwrap_or_else(|| default_segment_size(self.frame_size, plaintext_size));
        Geometry::new(self.frame_size, segment_size, self.digest).map_err(|error| match error {
            GeometryError::FrameSize(size) => invalid(
                "frameSize",
                format!("must be an integer from {MIN_FRAME_SIZE} to {MAX_FRAME_SIZE}, not {size}"),
            ),
            GeometryError::SegmentSize {
                segment_size,
                frame_size,
            } => invalid(
                "segmentSize",
                format!(
                    "must be a multiple of frameSize, {frame_size}, up to {MAX_SEGMENT_SIZE}, not {segment_size}"
                ),
            ),
        })
    }
}

/// How to open a stream.
#[derive(Clone, Debug)]
pub struct DecryptOptions<'a> {
    /// Keys that may open the stream. Each slot tries them in order.
    pub identities: Vec<Identity>,
    /// The context that the stream was sealed with.
    pub context: Cow<'a, [u8]>,
    /// The types of key slots that are tried; `None` for all. Anyone can seal a stream for a public key, so a reader that
    /// expects streams only from holders of a shared key leaves out the types for public keys.
    pub accept: Option<Vec<SlotType>>,
    /// The senders of whom one must have signed the stream; an empty list accepts no stream. `None` accepts streams without a
    /// signature too.
    pub senders: Option<Vec<SenderKey>>,
    /// Limit on the memory of each passphrase slot, in KiB. A header with a slot over the limit is refused before a passphrase is
    /// tried.
    pub max_passphrase_memory: u64,
    /// Limit on the cost of all passphrase slots of the header and its copy together, for each offered passphrase: memory in KiB times passes. A
    /// header that is over the limit is refused before a passphrase is tried.
    pub max_passphrase_cost: u64,
    /// The largest accepted segment size in bytes. An ordered reader holds several segments in memory.
    pub max_segment_size: u32,
    /// The largest accepted manifest, in bytes: 36 and the digest's size for each segment. A reader by offset holds it in memory.
    pub max_manifest_size: u64,
    /// The largest accepted size of a stream, in bytes, as the stream states it or the source has it. A binding sets it to the largest
    /// number that its language has.
    pub max_size: u64,
    /// A new plaintext file gets the time and the owner's permission bits of the file that was sealed, if the stream has them.
    pub restore_metadata: bool,
    /// The largest output, in bytes, that zeros in the place of lost bytes may make. A damaged stream can claim any size.
    pub max_output_size: u64,
    /// Decides about segments that can't be opened. All but `Abort` need a source that can be read by offset.
    pub on_damage: DamagePolicy<'a>,
}

impl DecryptOptions<'_> {
    /// Default options for these identities.
    #[must_use]
    pub fn new(identities: Vec<Identity>) -> Self {
        Self {
            identities,
            context: Cow::Borrowed(&[]),
            accept: None,
            senders: None,
            max_passphrase_memory: DEFAULT_MAX_PASSPHRASE_MEMORY,
            max_passphrase_cost: DEFAULT_MAX_PASSPHRASE_COST,
            max_segment_size: DEFAULT_MAX_SEGMENT_SIZE,
            max_manifest_size: DEFAULT_MAX_MANIFEST_SIZE,
            max_size: u64::MAX,
            restore_metadata: false,
            max_output_size: DEFAULT_MAX_OUTPUT_SIZE,
            on_damage: DamagePolicy::Abort,
        }
    }

    /// The types of slots that the identities may open.
    pub fn slot_types(&self) -> impl Iterator<Item = SlotType> {
        self.identities.iter().map(Identity::slot_type)
    }

    /// Checks all options.
    ///
    /// # Errors
    /// `InvalidOption`: `acceptSlots` if it is empty, `context` if it is too long.
    pub fn check(&self) -> Result<(), SealError> {
        if self.accept.as_ref().is_some_and(Vec::is_empty) {
            return Err(invalid("acceptSlots", "must name a type of slots"));
        }
        check_max_segment_size(self.max_segment_size)?;
        check_context(&self.context)
    }

    /// Limits for unlocking a header.
    pub(crate) fn limits(&self) -> UnlockLimits<'_> {
        UnlockLimits {
            accept: self.accept.as_deref(),
            max_passphrase_memory: self.max_passphrase_memory,
            max_passphrase_cost: self.max_passphrase_cost,
        }
    }
}

/// Fails if the stream's segments are larger than `maximum` bytes.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn check_segment_size(geometry: &Geometry, maximum: u32) -> Result<(), SealError> {
    let value = geometry.segment_size();
    if value > maximum {
        return Err(SealError::LimitExceeded {
            limit: Limit::SegmentSize,
            maximum: maximum.into(),
            value: value.into(),
        });
    }
    Ok(())
}

/// Checks the size of a header whose contents need `needed` bytes.
fn check_header_size(size: Option<u32>, needed: usize) -> Result<(), SealError> {
    let Some(size) = size.filter(|&size| size > 0) else {
        return Ok(());
    };
    if size > MAX_HEADER_SIZE || (size as usize) < needed {
        let problem = format!(
            "must be 0, or from {needed} (what these recipients need) to {MAX_HEADER_SIZE}, not {size}"
        );
        return Err(invalid("headerSize", problem));
    }
    Ok(())
}

/// Fails if zeros up to `end` would make the output larger than `maximum` bytes.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn check_output_size(end: u64, maximum: u64) -> Result<(), SealError> {
    if end > maximum {
        return Err(SealError::LimitExceeded {
            limit: Limit::OutputSize,
            maximum,
            value: end,
        });
    }
    Ok(())
}

fn check_context(context: &[u8]) -> Result<(), SealError> {
    if context.len() > MAX_CONTEXT {
        return Err(invalid(
            "context",
            format!("must have at most {MAX_CONTEXT} bytes, not {}", context.len()),
        ));
    }
    Ok(())
}

/// Checks a reader's limit on the segment size.
///
/// # Errors
/// `InvalidOption`.
pub(crate) fn check_max_segment_size(maximum: u32) -> Result<(), SealError> {
    if !(1..=MAX_SEGMENT_SIZE).contains(&maximum) {
        return Err(invalid(
            "maxSegmentSize",
            format!("must be an integer from 1 to {MAX_SEGMENT_SIZE}, not {maximum}"),
        ));
    }
    Ok(())
}

/// Most bytes of records on an ordered path, unless two records have more: 256 MiB.
const MAX_IN_FLIGHT: u64 = 256 * 1024 * 1024;
/// Bytes of a padded header: room for about 30 keys, or three hybrid keys.
const PADDED_HEADER_SIZE: u32 = 4096;
/// Plaintext bytes from which on the header of a file is padded. Below, header and copy would be most of the file.
const PADDED_FROM: u64 = 64 * 1024;
/// The largest output that zeros in the place of lost bytes make by default, 1 TiB.
pub const DEFAULT_MAX_OUTPUT_SIZE: u64 = 1 << 40;
/// Bytes of the longest allowed context.
pub const MAX_CONTEXT: usize = 64 * 1024;
/// The largest manifest that a reader accepts by default, 256 MiB: that of millions of segments.
pub const DEFAULT_MAX_MANIFEST_SIZE: u64 = 256 * 1024 * 1024;
/// The largest segment size that a reader accepts by default, 64 MiB.
pub const DEFAULT_MAX_SEGMENT_SIZE: u32 = 64 * 1024 * 1024;
