//! The end of a stream: end record with the manifest, and footer (docs/FORMAT.md, "End record" and "Footer").

use super::cursor::Cursor;
use super::{Geometry, HeaderError, HeaderField, SegmentIndex, WireOffset, crc32c, extensions};

/// The manifest's entry for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Bytes of the whole record.
    pub wire_size: u32,
    /// The record's FLOE header tag. It identifies the sealing of the segment that belongs to the stream.
    pub message_tag: [u8; 32],
}

impl ManifestEntry {
    /// The entry for the record of a segment with `plaintext_size` bytes.
    #[must_use]
    pub const fn new(geometry: &Geometry, plaintext_size: u32, message_tag: [u8; 32]) -> Self {
        Self {
            wire_size: geometry.record_size(plaintext_size) as u32,
            message_tag,
        }
    }
}

/// The end record: the plaintext's size and the manifest of all segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndRecord {
    /// Plaintext bytes of the stream.
    pub plaintext_total: u64,
    /// Extension entries; version 1 defines none.
    pub extensions: Vec<u8>,
    /// One entry for each segment, in order.
    pub entries: Vec<ManifestEntry>,
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
        let size = end_record_size(self.entries.len() as u64, self.extensions.len() as u64);
        let mut out = Vec::with_capacity(size as usize);
        out.extend_from_slice(&END_MARKER);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(self.entries.len() as u64).to_be_bytes());
        out.extend_from_slice(&self.plaintext_total.to_be_bytes());
        out.extend_from_slice(&(self.extensions.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.extensions);
        for entry in &self.entries {
            out.extend_from_slice(&entry.wire_size.to_be_bytes());
            out.extend_from_slice(&entry.message_tag);
        }
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

    /// Parses a whole record of a stream with `segments` segments. Returns it with the bytes that its MAC covers, and the
    /// MAC. The caller must check the MAC.
    ///
    /// # Errors
    /// `Damaged` for a wrong layout or checksum; `Count` if only the number of segments disagrees.
    pub fn parse(bytes: &[u8], segments: u64) -> Result<(Self, &[u8], [u8; 48]), EndRecordError> {
        let damaged = EndRecordError::Damaged;
        let fixed = bytes.first_chunk::<END_RECORD_FIXED_SIZE>().ok_or(damaged)?;
        let extensions_size = Self::extensions_size(fixed).ok_or(damaged)?;
        if bytes.len() as u64 != end_record_size(segments, u64::from(extensions_size)) {
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
        let mut entries = Vec::with_capacity(cursor.rest().len() / MANIFEST_ENTRY_SIZE);
        while let Some((wire_size, message_tag)) = cursor.u32().zip(cursor.array()) {
            entries.push(ManifestEntry {
                wire_size,
                message_tag,
            });
        }
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
    pub fn check_extensions(&self, offset: WireOffset) -> Result<(), HeaderError> {
        let start = usize::try_from(offset.get()).unwrap_or(usize::MAX);
        let start = start.saturating_add(END_RECORD_FIXED_SIZE);
        extensions::check_entries(&self.extensions, start, HeaderField::EndExtensions)
    }

    /// The manifest's entry for a segment.
    pub(crate) fn entry(&self, segment: SegmentIndex) -> Option<&ManifestEntry> {
        self.entries.get(usize::try_from(segment.get()).ok()?)
    }

    /// The first segment for which the manifest and the records `read` differ, or that only one of them has. A record that
    /// is `None` was not read and matches any entry.
    #[must_use]
    pub fn first_difference(&self, read: &[Option<ManifestEntry>]) -> Option<SegmentIndex> {
        let (ours, theirs) = (self.entries.len(), read.len());
        let unmatched = (ours != theirs).then(|| SegmentIndex::new(ours.min(theirs) as u64));
        self.first_foreign(read).or(unmatched)
    }

    /// Same as [`first_difference`](Self::first_difference), but ignores segments behind the last one read.
    #[must_use]
    pub fn first_foreign(&self, read: &[Option<ManifestEntry>]) -> Option<SegmentIndex> {
        let mut pairs = self.entries.iter().zip(read);
        let at = pairs.position(|(ours, theirs)| theirs.is_some_and(|theirs| *ours != theirs));
        at.map(|at| SegmentIndex::new(at as u64))
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

/// Bytes of an EndRecord with `segments` entries and `extensions` bytes of extensions.
#[must_use]
pub const fn end_record_size(segments: u64, extensions: u64) -> u64 {
    segments
        .saturating_mul(MANIFEST_ENTRY_SIZE as u64)
        .saturating_add(extensions + (END_RECORD_FIXED_SIZE + END_RECORD_TRAILER_SIZE) as u64)
}

/// The first bytes of every EndRecord.
pub const END_MARKER: [u8; 4] = *b"SEND";
const FOOTER_MAGIC: [u8; 8] = *b"SEALEND\n";
/// Bytes in front of the extensions: marker, zeros, count, total, size of the extensions.
pub const END_RECORD_FIXED_SIZE: usize = 28;
/// Bytes behind the entries: MAC 48, CRC 4.
pub const END_RECORD_TRAILER_SIZE: usize = 52;
/// Bytes of one entry.
pub const MANIFEST_ENTRY_SIZE: usize = 36;
/// Bytes of the footer.
pub const FOOTER_SIZE: usize = 24;
/// Largest extension area. A reader reports a larger one as damage, so that a flipped bit can't make it buffer gigabytes.
pub const MAX_END_EXTENSIONS: u32 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> EndRecord {
        let entries = (0..3)
            .map(|i| ManifestEntry {
                wire_size: i,
                message_tag: [i as u8; 32],
            })
            .collect();
        EndRecord {
            plaintext_total: 99,
            extensions: vec![0, 9, 0, 0, 0, 0],
            entries,
        }
    }

    #[test]
    fn an_encoded_record_parses() {
        let bytes = record().encode(|_| [7; 48]);
        assert_eq!(bytes.len() as u64, end_record_size(3, 6));
        let (read, covered, mac) = EndRecord::parse(&bytes, 3).unwrap();
        assert_eq!((read, covered.len(), mac), (record(), bytes.len() - 52, [7; 48]));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = record().encode(|_| [7; 48]);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                EndRecord::parse(&flipped, 3),
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
            EndRecord::parse(&bytes, 3),
            Err(EndRecordError::Count {
                expected: 3,
                actual: 4
            })
        );
    }

    #[test]
    fn the_first_difference_is_found() {
        let entries: Vec<_> = record().entries.into_iter().map(Some).collect();
        assert_eq!(record().first_difference(&entries), None);
        assert_eq!(
            record().first_difference(&entries[..2]),
            Some(SegmentIndex::new(2))
        );
        let mut other = entries;
        other[0] = None;
        assert_eq!(record().first_difference(&other), None);
        other[1].as_mut().unwrap().message_tag[31] ^= 1;
        assert_eq!(record().first_difference(&other), Some(SegmentIndex::new(1)));
    }
}
