//! The unencrypted parts of a sealed stream: bytes to typed values and back. The layout is docs/FORMAT.md.
//!
//! No keys, ciphers or files. Parsers take untrusted bytes, check sizes before they use them, and name the field and the
//! offset that they refuse.

mod cursor;
mod digest;
mod end;
mod error;
mod extensions;
mod geometry;
mod look_alike;
mod manifest;
mod segment;
mod slots;
mod stream;
mod units;

pub(crate) use cursor::Cursor;
pub use digest::{DigestKind, DigestValue, MAX_DIGEST_SIZE};
pub use end::{
    END_MARKER, END_RECORD_FIXED_SIZE, END_RECORD_TRAILER_SIZE, EndRecord, EndRecordError, FOOTER_SIZE,
    Footer, MAX_END_EXTENSIONS, end_record_size,
};
pub(crate) use error::described;
pub use error::{HeaderError, HeaderField, SegmentHeaderError, SegmentReason};
pub(crate) use extensions::extension_size;
pub use extensions::{
    CORE_SENDER, END_METADATA, END_SENDER, ExtensionArea, Metadata, Modified, append_extension,
    find_extension,
};
pub use geometry::{
    DEFAULT_FRAME_SIZE, DEFAULT_SEGMENT_SIZE, FLOE_HEADER_SIZE, FRAME_OVERHEAD, Geometry, GeometryError,
    MAX_FRAME_SIZE, MAX_PLAINTEXT_SIZE, MAX_SEGMENT_SIZE, MIN_FRAME_SIZE, SEGMENT_HEADER_SIZE,
    default_segment_size,
};
pub use look_alike::LookAlike;
pub use manifest::{Manifest, ManifestEntry, SeenRecords, manifest_entry_size};
pub(crate) use segment::is_segment_header;
pub use segment::{SEGMENT_MARKER, SegmentHeader};
pub use slots::{
    HpkeSlot, HybridSlot, KeySlot, PassphraseCost, PassphraseSlot, ProviderSlot, RawKeySlot,
    SLOT_PREFIX_SIZE, SLOT_SALT_SIZE, SlotBody, SlotType, WRAP_SIZE, X25519Slot,
};
pub use stream::{
    CORE_SIZE, FLAG_HEADER_COPY, HEADER_FIXED_SIZE, HEADER_TRAILER_SIZE, HeaderFields, MAGIC,
    MAX_HEADER_SIZE, MAX_PASSPHRASE_SLOTS, MAX_SLOTS, MIN_HEADER_SIZE, StreamCore, StreamHeader,
    check_prefix,
};
pub use units::{ByteRange, FrameIndex, SegmentIndex, WireOffset};

/// Computes a CRC-32C incrementally.
pub(crate) struct RunningCrc32c(crc_fast::Digest);

impl RunningCrc32c {
    pub(crate) fn new() -> Self {
        Self(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn value(&self) -> u32 {
        self.0.finalize() as u32
    }
}

/// CRC-32C (Castagnoli, CRC-32/ISCSI in the CRC catalogue): the checksum of headers, end record and footer.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}
