//! The stream's header: the core that is fixed for the stream's life, extensions, key slots, MAC and checksum.

#[cfg(test)]
mod tests;

use super::cursor::Cursor;
use super::geometry::MAX_PLAINTEXT_SIZE;
use super::segment::is_segment_header;
use super::{
    DigestKind, Geometry, HeaderError, HeaderField, RawKeySlot, SlotType, WireOffset, crc32c, extensions,
};

/// Bytes 0 to 63: what the stream is, for as long as it lives. All payload keys are bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamCore {
    /// Sizes of frames and segments, and the digest.
    pub geometry: Geometry,
    /// Whether a copy of the header stands before the footer.
    pub header_copy: bool,
    /// Plaintext bytes, where the writer knew them at the start.
    pub plaintext_size: Option<u64>,
    /// Random; names the stream and salts its keys.
    pub stream_id: [u8; 32],
}

impl StreamCore {
    /// The 64 bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> [u8; CORE_SIZE] {
        let mut out = [0; CORE_SIZE];
        let flags = if self.header_copy { FLAG_HEADER_COPY } else { 0 };
        out[..8].copy_from_slice(&MAGIC);
        out[8] = VERSION;
        out[9] = SUITE_FLOE_AES_256_GCM;
        out[10] = self.geometry.digest().code();
        out[11] = COMPRESSION_NONE;
        out[12..16].copy_from_slice(&self.geometry.frame_size().to_be_bytes());
        out[16..20].copy_from_slice(&self.geometry.segment_size().to_be_bytes());
        out[20..24].copy_from_slice(&flags.to_be_bytes());
        out[24..32].copy_from_slice(&self.plaintext_size.unwrap_or(UNKNOWN_SIZE).to_be_bytes());
        out[32..].copy_from_slice(&self.stream_id);
        out
    }

    /// The core that these bytes start with, if it can be one's; nothing about it has been checked.
    pub(crate) fn claimed(bytes: &[u8]) -> Option<Self> {
        Self::parse(&mut Cursor::new(bytes, 0)).ok()
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, HeaderError> {
        use HeaderField as F;
        let short = || HeaderError::Incomplete {
            available: 0,
            needed: HEADER_FIXED_SIZE as u64,
        };
        cursor.take(9).ok_or_else(short)?; // magic and version, which `check_prefix` has seen
        let suite = cursor.u8().ok_or_else(short)?;
        if suite != SUITE_FLOE_AES_256_GCM {
            return Err(HeaderError::field(
                F::Suite,
                9,
                suite,
                "1 (FLOE with AES-256-GCM)",
            ));
        }
        let code = cursor.u8().ok_or_else(short)?;
        let digest =
            DigestKind::from_code(code).ok_or_else(|| HeaderError::field(F::Digest, 10, code, "0 to 4"))?;
        match cursor.u8().ok_or_else(short)? {
            COMPRESSION_NONE => {}
            1 => {
                return Err(HeaderError::field(
                    F::Compression,
                    11,
                    "1 (zstd)",
                    "0: this release can't decompress",
                ));
            }
            other => return Err(HeaderError::field(F::Compression, 11, other, "0 or 1")),
        }
        let frame_size = cursor.u32().ok_or_else(short)?;
        let segment_size = cursor.u32().ok_or_else(short)?;
        let geometry = Geometry::new(frame_size, segment_size, digest).map_err(|error| match error {
            super::GeometryError::FrameSize(size) => {
                HeaderError::field(F::FrameSize, 12, size, "1024 to 16777216")
            }
            super::GeometryError::SegmentSize {
                segment_size,
                frame_size,
            } => HeaderError::field(
                F::SegmentSize,
                16,
                segment_size,
                format!("a multiple of the frame size {frame_size}, up to 1073741824"),
            ),
        })?;
        let flags = cursor.u32().ok_or_else(short)?;
        if flags & !FLAG_HEADER_COPY != 0 {
            return Err(HeaderError::field(
                F::Flags,
                20,
                format!("{flags:#010x}"),
                "only bit 0 to be set",
            ));
        }
        let size = cursor.u64().ok_or_else(short)?;
        let plaintext_size = (size != UNKNOWN_SIZE).then_some(size);
        if plaintext_size.is_some_and(|size| size > MAX_PLAINTEXT_SIZE) {
            return Err(HeaderError::field(
                F::PlaintextSize,
                24,
                size,
                "at most 2^63 - 1, or 2^64 - 1 for unknown",
            ));
        }
        let stream_id = cursor.array().ok_or_else(short)?;
        Ok(Self {
            geometry,
            header_copy: flags & FLAG_HEADER_COPY != 0,
            plaintext_size,
            stream_id,
        })
    }
}

/// A header whose bytes, checksum and every field were found right. Its MAC is not checked here: that takes a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHeader {
    /// Bytes 0 to 63.
    pub core: StreamCore,
    /// 0, and one more at every rewrap.
    pub revision: u16,
    /// Tells a wrong context from a wrong key.
    pub context_check: [u8; 32],
    /// Entries that never change; the stream's keys are bound to them.
    pub core_extensions: Vec<u8>,
    /// Entries that a rewrap may change.
    pub header_extensions: Vec<u8>,
    /// Who may open the stream, in the order in which they are tried.
    pub slots: Vec<RawKeySlot>,
    /// The MAC that stands in the header.
    pub mac: [u8; 48],
    /// All bytes of the header.
    pub bytes: Vec<u8>,
}

impl StreamHeader {
    /// Parses a whole header, in the order of docs/FORMAT.md: prefix, checksum, fields, slots.
    ///
    /// # Errors
    /// `Incomplete` where `bytes` is shorter than the header; bytes behind the header are not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        use HeaderField as F;
        let size = check_prefix(bytes)? as usize;
        let short = || HeaderError::Incomplete {
            available: bytes.len() as u64,
            needed: size as u64,
        };
        let bytes = bytes.get(..size).ok_or_else(short)?;
        let (checked, stored) = bytes.split_last_chunk::<4>().ok_or_else(short)?;
        let (expected, actual) = (u32::from_be_bytes(*stored), crc32c(checked));
        if expected != actual {
            let offset = WireOffset::new(checked.len() as u64);
            return Err(HeaderError::Damaged {
                offset,
                expected,
                actual,
            });
        }
        let (body, mac) = checked.split_last_chunk::<48>().ok_or_else(short)?;

        let mut cursor = Cursor::new(body, 0);
        let core = StreamCore::parse(&mut cursor)?;
        cursor.u32().ok_or_else(short)?; // header_size, which `check_prefix` has seen
        let revision = cursor.u16().ok_or_else(short)?;
        let slot_count = cursor.u16().ok_or_else(short)?;
        if !(1..=MAX_SLOTS).contains(&slot_count) {
            return Err(HeaderError::field(F::SlotCount, 70, slot_count, "1 to 64"));
        }
        let context_check = cursor.array().ok_or_else(short)?;
        let core_extensions = extensions::parse(&mut cursor, F::CoreExtensions)?.to_vec();
        let header_extensions = extensions::parse(&mut cursor, F::HeaderExtensions)?.to_vec();
        let slots: Vec<_> = (0..slot_count)
            .map(|_| RawKeySlot::parse(&mut cursor))
            .collect::<Result<_, _>>()?;
        if slots
            .iter()
            .filter(|slot| slot.slot_type == SlotType::Passphrase)
            .count()
            > MAX_PASSPHRASE_SLOTS
        {
            return Err(HeaderError::field(
                F::Slots,
                104,
                "more than 4 passphrase slots",
                "at most 4",
            ));
        }
        if let Some(at) = cursor.rest().iter().position(|&byte| byte != 0) {
            let at = cursor.position() + at;
            return Err(HeaderError::field(
                F::Padding,
                at,
                "not zero",
                "zeros up to the MAC",
            ));
        }
        Ok(Self {
            core,
            revision,
            context_check,
            core_extensions,
            header_extensions,
            slots,
            mac: *mac,
            bytes: bytes.to_vec(),
        })
    }

    /// Bytes of the header, which is where the first record starts.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Bytes of the header's copy behind the end record; 0 where the stream has none.
    pub(crate) fn copy_size(&self) -> u64 {
        if self.core.header_copy {
            u64::from(self.size())
        } else {
            0
        }
    }

    /// Whether `other` is a header of the same stream, of the same size and of a later revision. Neither has been authenticated.
    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        let fixed = |header: &Self| (header.core.encode(), header.context_check, header.size());
        fixed(self) == fixed(other)
            && self.core_extensions == other.core_extensions
            && self.revision < other.revision
    }

    /// The bytes that the MAC covers.
    #[must_use]
    pub fn authenticated(&self) -> &[u8] {
        let end = self.bytes.len().saturating_sub(HEADER_TRAILER_SIZE);
        self.bytes.get(..end).unwrap_or_default()
    }
}

/// A header on its way out: everything but the MAC and the checksum.
#[derive(Clone, Debug)]
pub struct StreamHeaderDraft {
    /// Bytes 0 to 63.
    pub core: StreamCore,
    /// 0, and one more at every rewrap.
    pub revision: u16,
    /// Tells a wrong context from a wrong key.
    pub context_check: [u8; 32],
    /// Entries that never change.
    pub core_extensions: Vec<u8>,
    /// Entries that a rewrap may change.
    pub header_extensions: Vec<u8>,
    /// Who may open the stream.
    pub slots: Vec<RawKeySlot>,
    /// The header is zero-padded up to this size, so that a rewrap fits in place; 0 for no padding.
    pub padded_size: u32,
}

impl StreamHeaderDraft {
    /// Bytes of the header without padding.
    #[must_use]
    pub fn unpadded_size(&self) -> usize {
        let slots: usize = self.slots.iter().map(RawKeySlot::wire_size).sum();
        let extensions = 8 + self.core_extensions.len() + self.header_extensions.len();
        HEADER_FIXED_SIZE + extensions + slots + HEADER_TRAILER_SIZE
    }

    /// Encodes the header; `mac` computes the MAC of the bytes in front of it.
    pub fn encode(&self, mac: impl FnOnce(&[u8]) -> [u8; 48]) -> Vec<u8> {
        let size = self.unpadded_size().max(self.padded_size as usize);
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(&self.core.encode());
        out.extend_from_slice(&(size as u32).to_be_bytes());
        out.extend_from_slice(&self.revision.to_be_bytes());
        out.extend_from_slice(&(self.slots.len() as u16).to_be_bytes());
        out.extend_from_slice(&self.context_check);
        for area in [&self.core_extensions, &self.header_extensions] {
            out.extend_from_slice(&(area.len() as u32).to_be_bytes());
            out.extend_from_slice(area);
        }
        for slot in &self.slots {
            slot.encode(&mut out);
        }
        out.resize(size - HEADER_TRAILER_SIZE, 0);
        let mac = mac(&out);
        out.extend_from_slice(&mac);
        out.extend_from_slice(&crc32c(&out).to_be_bytes());
        out
    }
}

/// Checks what a reader needs before it can find the header's checksum, and returns the header's size.
///
/// # Errors
/// A wrong magic is named as such however few bytes there are; otherwise fewer than [`HEADER_FIXED_SIZE`] bytes are
/// `Incomplete`.
pub fn check_prefix(bytes: &[u8]) -> Result<u32, HeaderError> {
    use HeaderField as F;
    let common = bytes.len().min(MAGIC.len());
    if bytes.iter().zip(&MAGIC).any(|(byte, magic)| byte != magic) {
        let found = bytes.get(..common).unwrap_or_default().escape_ascii().to_string();
        let expected = if is_segment_header(bytes) {
            "a sealed stream's first bytes; a segment starts here, so the header seems to be kept apart"
        } else {
            "a sealed stream's first bytes"
        };
        return Err(HeaderError::field(F::Magic, 0, format!("\"{found}\""), expected));
    }
    let short = HeaderError::Incomplete {
        available: bytes.len() as u64,
        needed: HEADER_FIXED_SIZE as u64,
    };
    let Some(version) = bytes.get(8).copied() else {
        return Err(short);
    };
    if version != VERSION {
        return Err(HeaderError::field(
            F::Version,
            8,
            version,
            "1 (use a newer release)",
        ));
    }
    let mut at_size = Cursor::new(bytes.get(CORE_SIZE..).unwrap_or_default(), CORE_SIZE);
    let Some(size) = at_size.u32() else {
        return Err(short);
    };
    if !(MIN_HEADER_SIZE..=MAX_HEADER_SIZE).contains(&size) {
        let expected = format!("{MIN_HEADER_SIZE} to {MAX_HEADER_SIZE}");
        return Err(HeaderError::field(F::HeaderSize, CORE_SIZE, size, expected));
    }
    if bytes.len() < HEADER_FIXED_SIZE {
        return Err(short);
    }
    Ok(size)
}

/// The first bytes of every stream.
pub const MAGIC: [u8; 8] = *b"\x89SEAL\r\n\x1a";
const VERSION: u8 = 1;
const SUITE_FLOE_AES_256_GCM: u8 = 1;
const COMPRESSION_NONE: u8 = 0;
const UNKNOWN_SIZE: u64 = u64::MAX;
/// Key slots that a header has at most.
pub const MAX_SLOTS: u16 = 64;
/// Slots of type 2 that a header has at most.
pub const MAX_PASSPHRASE_SLOTS: usize = 4;
/// A copy of the header stands before the footer.
pub const FLAG_HEADER_COPY: u32 = 1;
/// Bytes of the core.
pub const CORE_SIZE: usize = 64;
/// Bytes in front of the extensions.
pub const HEADER_FIXED_SIZE: usize = 104;
/// Bytes behind the padding: MAC 48, CRC 4.
pub const HEADER_TRAILER_SIZE: usize = 52;
/// The smallest header: two empty extension areas and one slot without a body.
pub const MIN_HEADER_SIZE: u32 = (HEADER_FIXED_SIZE + 8 + 6 + HEADER_TRAILER_SIZE) as u32;
/// The largest header.
pub const MAX_HEADER_SIZE: u32 = 1024 * 1024;
