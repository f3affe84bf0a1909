//! Errors of the header parsers: which field, where, and what was expected.

use super::{LookAlike, SegmentIndex, WireOffset};
use std::fmt;

/// A field of the stream header (docs/FORMAT.md, "Stream header").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderField {
    /// The format's version.
    Version,
    /// The cipher suite.
    Suite,
    /// The type of segment digest.
    Digest,
    /// The type of compression.
    Compression,
    /// Content bytes in a full frame.
    FrameSize,
    /// Plaintext bytes in a full segment.
    SegmentSize,
    /// The flag bits.
    Flags,
    /// The plaintext's length.
    PlaintextSize,
    /// The header's own length.
    HeaderSize,
    /// The number of key slots.
    SlotCount,
    /// The extensions that never change.
    CoreExtensions,
    /// The extensions that a rewrap may change.
    HeaderExtensions,
    /// The key slots.
    Slots,
    /// The zeros between the last slot and the MAC.
    Padding,
    /// The extensions of the end record.
    EndExtensions,
}

impl fmt::Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "version",
            Self::Suite => "cipher suite",
            Self::Digest => "digest",
            Self::Compression => "compression",
            Self::FrameSize => "frame size",
            Self::SegmentSize => "segment size",
            Self::Flags => "flags",
            Self::PlaintextSize => "plaintext size",
            Self::HeaderSize => "header size",
            Self::SlotCount => "slot count",
            Self::CoreExtensions => "core extensions",
            Self::HeaderExtensions => "header extensions",
            Self::Slots => "key slots",
            Self::Padding => "padding",
            Self::EndExtensions => "end record's extensions",
        })
    }
}

/// Why bytes are not a stream header of version 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The bytes do not start as a sealed stream does.
    #[error("not the header of a sealed stream{}", described(.looks_like))]
    NotSealed {
        /// What they look like instead, if it is known.
        looks_like: Option<LookAlike>,
    },
    /// A field has a value that this version does not allow.
    #[error("the header's {field} (byte {offset}) is {found}, expected {expected}")]
    Field {
        /// Which field.
        field: HeaderField,
        /// Its offset.
        offset: WireOffset,
        /// The value found.
        found: String,
        /// The values allowed.
        expected: String,
    },
    /// The stored CRC-32C differs from that of the header's bytes.
    #[error("the header's checksum (byte {offset}) is {actual:#010x}, expected {expected:#010x}")]
    Damaged {
        /// Offset of the checksum.
        offset: WireOffset,
        /// The stored CRC-32C.
        expected: u32,
        /// The CRC-32C of the bytes before it.
        actual: u32,
    },
    /// The bytes end before the header does.
    #[error("the header is cut: {available} bytes of {needed}")]
    Incomplete {
        /// Bytes available.
        available: u64,
        /// Bytes of the header.
        needed: u64,
    },
}

impl HeaderError {
    /// Refuses the field at `offset` bytes into the stream.
    pub(super) fn refuse<T>(
        field: HeaderField,
        offset: usize,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Result<T, Self> {
        Err(Self::Field {
            field,
            offset: WireOffset::new(offset as u64),
            found: found.to_string(),
            expected: expected.to_string(),
        })
    }
}

/// What a source looks like that is no sealed stream, as the end of a sentence.
pub(crate) fn described(looks_like: &Option<LookAlike>) -> String {
    looks_like.map(|found| format!(": {found}")).unwrap_or_default()
}

/// The part of a segment header or FLOE header that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentReason {
    /// The record does not start with `SEG1`.
    Marker,
    /// The segment header's CRC-32C.
    HeaderChecksum,
    /// Reserved bits or bytes are set.
    ReservedBits,
    /// The segment claims to be compressed in a stream without compression.
    Compressed,
    /// The segment's index: out of order, repeated or missing.
    Index,
    /// FINAL is set before the last segment, or missing in the last.
    Finality,
    /// The plaintext's size.
    PlaintextSize,
    /// The size of the content inside the frames.
    ContentSize,
    /// The size of the whole record.
    RecordSize,
    /// Another segment after the FINAL one.
    AfterFinal,
    /// The EndRecord is in the place of a segment.
    EndTooEarly,
    /// The parameters in the FLOE header are not the stream's.
    FloeParameters,
    /// The FLOE header's tag: not sealed with this key, for this stream, context, position and size.
    FloeHeaderTag,
    /// The FLOE header's tag is not the manifest's: another sealing of the segment.
    MessageTag,
    /// The digest is not the manifest's, although it is that of the record's bytes.
    Digest,
}

impl fmt::Display for SegmentReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Marker => "marker",
            Self::HeaderChecksum => "header checksum",
            Self::ReservedBits => "reserved bits",
            Self::Compressed => "COMPRESSED flag",
            Self::Index => "index",
            Self::Finality => "FINAL flag",
            Self::PlaintextSize => "plaintext size",
            Self::ContentSize => "content size",
            Self::RecordSize => "record size",
            Self::AfterFinal => "place after the final segment",
            Self::EndTooEarly => "place, taken by the end record,",
            Self::FloeParameters => "FLOE parameters",
            Self::FloeHeaderTag => "FLOE header tag",
            Self::MessageTag => "message tag",
            Self::Digest => "digest",
        })
    }
}

/// Why 32 bytes are not the header of the expected segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} is {actual}, expected {expected}")]
pub struct SegmentHeaderError {
    /// Which part is wrong.
    pub reason: SegmentReason,
    /// The value expected.
    pub expected: String,
    /// The value found.
    pub actual: String,
}

impl SegmentHeaderError {
    /// An error about `reason` with both values as text.
    pub fn new(reason: SegmentReason, expected: impl fmt::Display, actual: impl fmt::Display) -> Self {
        Self {
            reason,
            expected: expected.to_string(),
            actual: actual.to_string(),
        }
    }

    /// Refuses a header.
    pub(super) fn refuse<T>(
        reason: SegmentReason,
        expected: impl fmt::Display,
        actual: impl fmt::Display,
    ) -> Result<T, Self> {
        Err(Self::new(reason, expected, actual))
    }

    /// The end record is where `segment` was expected.
    #[must_use]
    pub fn end_too_early(segment: SegmentIndex) -> Self {
        let expected = format!("segment {segment}");
        Self::new(SegmentReason::EndTooEarly, expected, "the end record")
    }
}
