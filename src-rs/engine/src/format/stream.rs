//! The stream header: core, extensions, key slots, MAC and checksum (docs/FORMAT.md, "Stream header").

#[cfg(test)]
mod tests;

use super::cursor::Cursor;
use super::geometry::{MAX_FRAME_SIZE, MAX_PLAINTEXT_SIZE, MAX_SEGMENT_SIZE, MIN_FRAME_SIZE};
use super::segment::is_segment_start;
use super::{
    DigestKind, Geometry, GeometryError, HeaderError, HeaderField, LookAlike, RawKeySlot, SlotType,
    WireOffset, crc32c, extensions,
};
use std::ops::Deref;

/// Bytes 0 to 63 of the header. They never change, and all payload keys are bound to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamCore {
    /// Sizes of frames and segments, and the digest.
    pub geometry: Geometry,
    /// Whether a copy of the header is in front of the footer.
    pub header_copy: bool,
    /// Plaintext bytes, if the writer knew them at the start.
    pub plaintext_size: Option<u64>,
    /// Random: identifies the stream and salts its keys.
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

    /// The core at the start of `bytes`, if it is valid. Nothing has been authenticated or checksummed.
    pub(crate) fn claimed(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes.first_chunk()?).ok()
    }

    /// Parses the fields behind magic and version, which [`check_prefix`] checks.
    fn parse(bytes: &[u8; CORE_SIZE]) -> Result<Self, HeaderError> {
        use HeaderField as F;
        let u32_at = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let [.., suite, code, compression] = *bytes.first_chunk::<12>().unwrap_or(&[0; 12]);
        if suite != SUITE_FLOE_AES_256_GCM {
            return HeaderError::refuse(F::Suite, 9, suite, "1 (FLOE with AES-256-GCM)");
        }
        let Some(digest) = DigestKind::from_code(code) else {
            return HeaderError::refuse(F::Digest, 10, code, format!("0 to {}", DigestKind::ALL.len() - 1));
        };
        match compression {
            COMPRESSION_NONE => {}
            1 => {
                let expected = "0: this release can't decompress";
                return HeaderError::refuse(F::Compression, 11, "1 (zstd)", expected);
            }
            other => return HeaderError::refuse(F::Compression, 11, other, "0 or 1"),
        }
        let geometry = match Geometry::new(u32_at(12), u32_at(16), digest) {
            Ok(geometry) => geometry,
            Err(GeometryError::FrameSize(size)) => {
                return HeaderError::refuse(
                    F::FrameSize,
                    12,
                    size,
                    format!("{MIN_FRAME_SIZE} to {MAX_FRAME_SIZE}"),
                );
            }
            Err(GeometryError::SegmentSize {
                segment_size,
                frame_size,
            }) => {
                let expected = format!("a multiple of the frame size {frame_size}, up to {MAX_SEGMENT_SIZE}");
                return HeaderError::refuse(F::SegmentSize, 16, segment_size, expected);
            }
        };
        let flags = u32_at(20);
        if flags & !FLAG_HEADER_COPY != 0 {
            return HeaderError::refuse(F::Flags, 20, format!("{flags:#010x}"), "only bit 0 to be set");
        }
        let size = u64::from(u32_at(24)) << 32 | u64::from(u32_at(28));
        let plaintext_size = (size != UNKNOWN_SIZE).then_some(size);
        if plaintext_size.is_some_and(|size| size > MAX_PLAINTEXT_SIZE) {
            let expected = "at most 2^63 - 1, or 2^64 - 1 for unknown";
            return HeaderError::refuse(F::PlaintextSize, 24, size, expected);
        }
        Ok(Self {
            geometry,
            header_copy: flags & FLAG_HEADER_COPY != 0,
            plaintext_size,
            stream_id: *bytes.last_chunk().unwrap_or(&[0; 32]),
        })
    }
}

/// The fields of a header, without its MAC and checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderFields {
    /// Bytes 0 to 63.
    pub core: StreamCore,
    /// 0, and one more at every rewrap.
    pub revision: u16,
    /// Tells a wrong context from a wrong key.
    pub context_check: [u8; 32],
    /// Extension entries that never change. The stream's keys are bound to them.
    pub core_extensions: Vec<u8>,
    /// Extension entries that a rewrap may change.
    pub header_extensions: Vec<u8>,
    /// The key slots, in the order in which readers try them.
    pub slots: Vec<RawKeySlot>,
}

/// A header with a right checksum and valid fields. Its MAC needs a key and is not checked here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHeader {
    /// The fields in front of the MAC.
    pub fields: HeaderFields,
    /// The header's MAC.
    pub mac: [u8; 48],
    /// All bytes of the header.
    pub bytes: Vec<u8>,
}

impl Deref for StreamHeader {
    type Target = HeaderFields;

    fn deref(&self) -> &HeaderFields {
        &self.fields
    }
}

impl StreamHeader {
    /// Parses a whole header, in the order of docs/FORMAT.md: prefix, checksum, fields, slots.
    ///
    /// # Errors
    /// `Incomplete` if `bytes` is shorter than the header; `Damaged` or `Field`. Bytes behind the header are ignored.
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
        let core = StreamCore::parse(&cursor.array().ok_or_else(short)?)?;
        cursor.u32().ok_or_else(short)?; // header_size: `check_prefix` has checked it
        let revision = cursor.u16().ok_or_else(short)?;
        let slot_count = cursor.u16().ok_or_else(short)?;
        if !(1..=MAX_SLOTS).contains(&slot_count) {
            return HeaderError::refuse(F::SlotCount, 70, slot_count, "1 to 64");
        }
        let context_check = cursor.array().ok_or_else(short)?;
        let core_extensions = extensions::parse(&mut cursor, F::CoreExtensions)?.to_vec();
        let header_extensions = extensions::parse(&mut cursor, F::HeaderExtensions)?.to_vec();
        let slots: Vec<_> = (0..slot_count)
            .map(|_| RawKeySlot::parse(&mut cursor))
            .collect::<Result<_, _>>()?;
        let passphrases = slots.iter().filter(|slot| slot.slot_type == SlotType::Passphrase);
        if passphrases.count() > MAX_PASSPHRASE_SLOTS {
            return HeaderError::refuse(F::Slots, 104, "more than 4 passphrase slots", "at most 4");
        }
        if let Some(at) = cursor.rest().iter().position(|&byte| byte != 0) {
            let at = cursor.position() + at;
            return HeaderError::refuse(F::Padding, at, "not zero", "zeros up to the MAC");
        }
        Ok(Self {
            fields: HeaderFields {
                core,
                revision,
                context_check,
                core_extensions,
                header_extensions,
                slots,
            },
            mac: *mac,
            bytes: bytes.to_vec(),
        })
    }

    /// Bytes of the header. The first record starts behind it.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Bytes of the header's copy behind the end record; 0 if the stream has none.
    pub(crate) fn copy_size(&self) -> u64 {
        if self.core.header_copy {
            u64::from(self.size())
        } else {
            0
        }
    }

    /// Whether `other` is a later revision of this header, of the same size. Neither has been authenticated.
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

impl HeaderFields {
    /// Bytes of the header without padding.
    #[must_use]
    pub fn unpadded_size(&self) -> usize {
        let slots: usize = self.slots.iter().map(RawKeySlot::wire_size).sum();
        let extensions = 8 + self.core_extensions.len() + self.header_extensions.len();
        HEADER_FIXED_SIZE + extensions + slots + HEADER_TRAILER_SIZE
    }

    /// Encodes the header, padded with zeros to `padded_size` bytes so that a rewrap fits in place; 0 for no padding. `mac`
    /// computes the MAC of the bytes in front of it.
    pub fn encode(&self, padded_size: u32, mac: impl FnOnce(&[u8]) -> [u8; 48]) -> Vec<u8> {
        let size = self.unpadded_size().max(padded_size as usize);
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

/// Checks the fields that a reader needs to find the header's checksum, and returns the header's size in bytes.
///
/// # Errors
/// `NotSealed` for no bytes and for a wrong magic, `Field` for a wrong version or header size. `Incomplete` for fewer than
/// [`HEADER_FIXED_SIZE`] bytes, unless the magic is wrong so far.
pub fn check_prefix(bytes: &[u8]) -> Result<u32, HeaderError> {
    use HeaderField as F;
    if bytes.is_empty() || bytes.iter().zip(&MAGIC).any(|(byte, magic)| byte != magic) {
        let is_body = is_segment_start(bytes);
        let looks_like = LookAlike::of(bytes, &MAGIC, is_body);
        return Err(HeaderError::NotSealed { looks_like });
    }
    let short = HeaderError::Incomplete {
        available: bytes.len() as u64,
        needed: HEADER_FIXED_SIZE as u64,
    };
    let Some(version) = bytes.get(8).copied() else {
        return Err(short);
    };
    if version != VERSION {
        return HeaderError::refuse(F::Version, 8, version, "1 (use a newer release)");
    }
    let mut at_size = Cursor::new(bytes.get(CORE_SIZE..).unwrap_or_default(), CORE_SIZE);
    let Some(size) = at_size.u32() else {
        return Err(short);
    };
    if !(MIN_HEADER_SIZE..=MAX_HEADER_SIZE).contains(&size) {
        let expected = format!("{MIN_HEADER_SIZE} to {MAX_HEADER_SIZE}");
        return HeaderError::refuse(F::HeaderSize, CORE_SIZE, size, expected);
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
/// Most key slots of a header.
pub const MAX_SLOTS: u16 = 64;
/// Most passphrase slots of a header.
pub const MAX_PASSPHRASE_SLOTS: usize = 4;
/// Flag: a copy of the header is in front of the footer.
pub const FLAG_HEADER_COPY: u32 = 1;
/// Bytes of the core.
pub const CORE_SIZE: usize = 64;
/// Bytes in front of the extensions.
pub const HEADER_FIXED_SIZE: usize = 104;
/// Bytes behind the padding: MAC 48, CRC 4.
pub const HEADER_TRAILER_SIZE: usize = 52;
/// The smallest size that a header can state: two empty extension areas, and no room for a slot.
pub const MIN_HEADER_SIZE: u32 = (HEADER_FIXED_SIZE + 8 + HEADER_TRAILER_SIZE) as u32;
/// The largest header.
pub const MAX_HEADER_SIZE: u32 = 1024 * 1024;
