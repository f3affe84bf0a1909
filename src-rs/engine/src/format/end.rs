//! The end of a stream: end record with the manifest, and footer (docs/FORMAT.md, "End record" and "Footer").

use super::cursor::Cursor;
use super::{
    DigestKind, HeaderError, HeaderField, Manifest, WireOffset, crc32c, extensions, manifest_entry_size,
};

/// The end record: the plaintext's size and the manifest of all segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndRecord {
    /// Plaintext bytes of the stream.
    pub plaintext_total: u64,
    /// Extension entries; version 1 defines none.
    pub extensions: Vec<u8>,
    /// One entry for each segment, in order.
    pub entries: Manifest,
}

/// An EndRecord whose checksum or layout is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndRecordError {
    /// The bytes are not an EndRecord with this many segments, or its checksum is wrong.
    #[error("the end record's layout or checksum is wrong")]
    Damaged,
    /// The checksum is right, but the record has another number of segments.
    #[error("the end record counts {actual} segments, expected {expected}")]
    Count {
        /// Segments that the reader counted.
        expected: u64,
        /// Segments that the record states.
        actual: u64,
    },
}

impl EndRecord {
    /// Encodes the record. `mac` computes the MAC of the bytes in front of it.
    pub fn encode(&self, mac: impl FnOnce(&[u8]) -> [u8; 48]) -> Vec<u8> {
        let entries = self.entries.as_bytes();
        let size = END_RECORD_FIXED_SIZE + self.extensions.len() + entries.len() + END_RECORD_TRAILER_SIZE;
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(&END_MARKER);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.entries.len().to_be_bytes());
        out.extend_from_slice(&self.plaintext_total.to_be_bytes());
        out.extend_from_slice(&(self.extensions.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.extensions);
        out.extend_from_slice(entries);
        let mac = mac(&out);
        out.extend_from_slice(&mac);
        out.extend_from_slice(&crc32c(&out).to_be_bytes());
        out
    }

    /// Bytes of the extension area; `None` if these bytes can't start an EndRecord. Nothing has been authenticated.
    #[must_use]
    pub fn extensions_size(fixed: &[u8; END_RECORD_FIXED_SIZE]) -> Option<u32> {
        let mut cursor = Cursor::new(fixed, 0);
        let marker: [u8; 8] = cursor.array()?;
        cursor.take(16)?;
        let size = cursor.u32()?;
        let plausible = marker[..4] == END_MARKER && marker[4..] == [0; 4] && size <= MAX_END_EXTENSIONS;
        plausible.then_some(size)
    }

    /// The number of segments. Nothing has been checked.
    #[must_use]
    pub fn claimed_segments(fixed: &[u8; END_RECORD_FIXED_SIZE]) -> u64 {
        u64_at(fixed, 8)
    }

    /// Plaintext bytes of the stream. Nothing has been checked.
    #[must_use]
    pub fn claimed_total(fixed: &[u8; END_RECORD_FIXED_SIZE]) -> u64 {
        u64_at(fixed, 16)
    }

    /// Parses a whole record of a stream with `segments` segments and this digest. Returns it with the bytes that its MAC covers, and the
    /// MAC. The caller must check the MAC.
    ///
    /// # Errors
    /// `Damaged` for a wrong layout or checksum; `Count` if only the number of segments disagrees.
    pub fn parse(
        bytes: &[u8],
        digest: DigestKind,
        segments: u64,
    ) -> Result<(Self, &[u8], [u8; 48]), EndRecordError> {
        let damaged = EndRecordError::Damaged;
        let fixed = bytes.first_chunk::<END_RECORD_FIXED_SIZE>().ok_or(damaged)?;
        let extensions_size = Self::extensions_size(fixed).ok_or(damaged)?;
        if bytes.len() as u64 != end_record_size(digest, segments, u64::from(extensions_size)) {
            return Err(damaged);
        }
        let (checked, stored) = bytes.split_last_chunk::<4>().ok_or(damaged)?;
        if crc32c(checked) != u32::from_be_bytes(*stored) {
            return Err(damaged);
        }
        let actual = Self::claimed_segments(fixed);
        if actual != segments {
            return Err(EndRecordError::Count {
                expected: segments,
                actual,
            });
        }
        let (body, mac) = checked.split_last_chunk::<48>().ok_or(damaged)?;
        let mut cursor = Cursor::new(body, 0);
        cursor.take(END_RECORD_FIXED_SIZE).ok_or(damaged)?;
        let extensions = cursor.take(extensions_size as usize).ok_or(damaged)?.to_vec();
        let entries = Manifest::of_bytes(digest, cursor.rest().to_vec());
        Ok((
            Self {
                plaintext_total: Self::claimed_total(fixed),
                extensions,
                entries,
            },
            body,
            *mac,
        ))
    }

    /// Checks the extension entries; call it after the MAC was checked. `offset` is that of the record in the stream.
    ///
    /// # Errors
    /// `Field` for an entry that is cut short or has an unknown critical type.
    pub fn check_extensions(extensions: &[u8], offset: WireOffset) -> Result<(), HeaderError> {
        let start = usize::try_from(offset.get()).unwrap_or(usize::MAX);
        let start = start.saturating_add(END_RECORD_FIXED_SIZE);
        extensions::check_entries(extensions, start, HeaderField::EndExtensions)
    }
}

/// The footer: the last 24 bytes of a stream. It tells where the end record starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Bytes of EndRecord, header copy and footer together.
    pub end_size: u64,
}

impl Footer {
    /// Appends the copy of the header, if the stream has one, and the footer to an end record of `end_record_size` bytes.
    pub(crate) fn append(out: &mut Vec<u8>, end_record_size: u64, header_copy: Option<&[u8]>) {
        let copy = header_copy.unwrap_or_default();
        let end_size = end_record_size + (copy.len() + FOOTER_SIZE) as u64;
        out.extend_from_slice(copy);
        out.extend_from_slice(&Self { end_size }.encode());
    }

    /// The 24 bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> [u8; FOOTER_SIZE] {
        let mut out = [0; FOOTER_SIZE];
        out[..8].copy_from_slice(&self.end_size.to_be_bytes());
        let crc = crc32c(&out[..12]);
        out[12..16].copy_from_slice(&crc.to_be_bytes());
        out[16..].copy_from_slice(&FOOTER_MAGIC);
        out
    }

    /// Parses a footer; `None` unless magic, zeros and checksum are right.
    #[must_use]
    pub fn parse(bytes: &[u8; FOOTER_SIZE]) -> Option<Self> {
        let footer = Self {
            end_size: u64::from_be_bytes(*bytes.first_chunk()?),
        };
        (footer.encode() == *bytes).then_some(footer)
    }
}

/// The big-endian number at `at`.
fn u64_at(fixed: &[u8; END_RECORD_FIXED_SIZE], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&fixed[at..at + 8]);
    u64::from_be_bytes(bytes)
}

/// Bytes of an EndRecord with `segments` entries for records with this digest, and `extensions` bytes of extensions.
#[must_use]
pub const fn end_record_size(digest: DigestKind, segments: u64, extensions: u64) -> u64 {
    segments
        .saturating_mul(manifest_entry_size(digest) as u64)
        .saturating_add(extensions)
        .saturating_add((END_RECORD_FIXED_SIZE + END_RECORD_TRAILER_SIZE) as u64)
}

/// The first bytes of every EndRecord.
pub const END_MARKER: [u8; 4] = *b"SEND";
const FOOTER_MAGIC: [u8; 8] = *b"SEALEND\n";
/// Bytes in front of the extensions: marker, zeros, count, total, size of the extensions.
pub const END_RECORD_FIXED_SIZE: usize = 28;
/// Bytes behind the entries: MAC 48, CRC 4.
pub const END_RECORD_TRAILER_SIZE: usize = 52;
/// Bytes of the footer.
pub const FOOTER_SIZE: usize = 24;
/// Largest extension area. A reader reports a larger one as damage, so that a flipped bit can't make it buffer gigabytes.
pub const MAX_END_EXTENSIONS: u32 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{DigestValue, ManifestEntry};

    const DIGEST: DigestKind = DigestKind::Crc64Nvme;

    fn record() -> EndRecord {
        let mut entries = Manifest::new(DIGEST);
        for i in 0..3 {
            entries.push(&ManifestEntry {
                wire_size: i,
                message_tag: [i as u8; 32],
                digest: DigestValue::new(&[7; 8]),
            });
        }
        EndRecord {
            plaintext_total: 99,
            extensions: vec![0, 9, 0, 0, 0, 0],
            entries,
        }
    }

    #[test]
    fn an_encoded_record_parses() {
        let bytes = record().encode(|_| [7; 48]);
        assert_eq!(bytes.len() as u64, end_record_size(DIGEST, 3, 6));
        let (read, covered, mac) = EndRecord::parse(&bytes, DIGEST, 3).unwrap();
        assert_eq!((read, covered.len(), mac), (record(), bytes.len() - 52, [7; 48]));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = record().encode(|_| [7; 48]);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                EndRecord::parse(&flipped, DIGEST, 3),
                Err(EndRecordError::Damaged),
                "bit {bit}"
            );
        }
        let footer = Footer { end_size: 1234 }.encode();
        for bit in 0..FOOTER_SIZE * 8 {
            let mut flipped = footer;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Footer::parse(&flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn another_count_with_a_right_checksum_is_its_own_error() {
        let mut bytes = record().encode(|_| [7; 48]);
        bytes[15] = 4;
        let end = bytes.len() - 4;
        let crc = crc32c(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(
            EndRecord::parse(&bytes, DIGEST, 3),
            Err(EndRecordError::Count {
                expected: 3,
                actual: 4
            })
        );
    }
}
