//! The segment header: the first 32 bytes of every record (docs/FORMAT.md, "Segment record").
//!
//! It is the associated data of the FLOE message, so every byte is authenticated. Its checksum lets a reader without a
//! key find the next record.

use super::{Geometry, SEGMENT_HEADER_SIZE, SegmentHeaderError, SegmentIndex, SegmentReason, crc32c};

/// Position and size of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Position in the stream.
    pub index: SegmentIndex,
    /// Whether the segment is the stream's last.
    pub is_final: bool,
    /// Plaintext bytes. Without compression also the content bytes of the frames.
    pub plaintext_size: u32,
}

/// Whether `bytes` start with a segment header: the marker and a right checksum.
pub(crate) fn is_segment_header(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<SEGMENT_HEADER_SIZE>() else {
        return false;
    };
    header.starts_with(&SEGMENT_MARKER) && crc32c(&header[..28]).to_be_bytes() == header[28..]
}

/// Whether `bytes` start as a segment does, as far as its header is there.
pub(crate) fn is_segment_start(bytes: &[u8]) -> bool {
    let is_cut = bytes.len() < SEGMENT_HEADER_SIZE && bytes.starts_with(&SEGMENT_MARKER);
    is_cut || is_segment_header(bytes)
}

impl SegmentHeader {
    /// The header of segment `index` in a stream of `total` plaintext bytes. An index that the stream does not have gives a header that
    /// no record has.
    pub(crate) fn expected(index: SegmentIndex, total: u64, geometry: &Geometry) -> Self {
        Self {
            index,
            is_final: index.get().checked_add(1) == Some(geometry.segment_count(total)),
            plaintext_size: geometry.segment_plaintext(total, index),
        }
    }

    /// The 32 bytes on the wire.
    #[must_use]
    pub fn encode(&self, geometry: &Geometry) -> [u8; SEGMENT_HEADER_SIZE] {
        let mut out = [0; SEGMENT_HEADER_SIZE];
        out[..4].copy_from_slice(&SEGMENT_MARKER);
        out[4] = if self.is_final { FLAG_FINAL } else { 0 };
        out[8..16].copy_from_slice(&self.index.get().to_be_bytes());
        out[16..20].copy_from_slice(&self.plaintext_size.to_be_bytes());
        out[20..24].copy_from_slice(&self.plaintext_size.to_be_bytes());
        out[24..28].copy_from_slice(&(geometry.record_size(self.plaintext_size) as u32).to_be_bytes());
        let crc = crc32c(&out[..28]);
        out[28..].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// Parses a header and makes every check that does not depend on its place in the stream.
    ///
    /// # Errors
    /// Marker, checksum, reserved bits, COMPRESSED, or sizes that don't agree with each other or with `geometry`.
    pub fn parse(bytes: &[u8; SEGMENT_HEADER_SIZE], geometry: &Geometry) -> Result<Self, SegmentHeaderError> {
        use SegmentReason as R;
        let u32_at = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let [marker @ .., flags, r1, r2, r3] = *bytes.first_chunk::<8>().unwrap_or(&[0; 8]);
        let index = SegmentIndex::new(u64::from(u32_at(8)) << 32 | u64::from(u32_at(12)));
        let (plaintext_size, content_size, wire_size, stored) =
            (u32_at(16), u32_at(20), u32_at(24), u32_at(28));
        if marker != SEGMENT_MARKER {
            return SegmentHeaderError::refuse(
                R::Marker,
                "\"SEG1\"",
                format!("\"{}\"", marker.escape_ascii()),
            );
        }
        let computed = crc32c(&bytes[..28]);
        if computed != stored {
            return SegmentHeaderError::refuse(
                R::HeaderChecksum,
                format!("{stored:#010x}"),
                format!("{computed:#010x}"),
            );
        }
        if flags & !(FLAG_FINAL | FLAG_COMPRESSED) != 0 || [r1, r2, r3] != [0; 3] {
            return SegmentHeaderError::refuse(R::ReservedBits, "zero", "not zero");
        }
        if flags & FLAG_COMPRESSED != 0 {
            return SegmentHeaderError::refuse(
                R::Compressed,
                "not set in a stream without compression",
                "set",
            );
        }
        let is_final = flags & FLAG_FINAL != 0;
        let full = geometry.segment_size();
        if plaintext_size > full || (!is_final && plaintext_size != full) {
            let expected = if is_final {
                format!("at most {full}")
            } else {
                full.to_string()
            };
            return SegmentHeaderError::refuse(R::PlaintextSize, expected, plaintext_size);
        }
        if is_final && plaintext_size == 0 && index != SegmentIndex::ZERO {
            return SegmentHeaderError::refuse(R::PlaintextSize, "at least 1 behind the first segment", 0);
        }
        if content_size != plaintext_size {
            return SegmentHeaderError::refuse(R::ContentSize, plaintext_size, content_size);
        }
        let record_size = geometry.record_size(content_size);
        if u64::from(wire_size) != record_size {
            return SegmentHeaderError::refuse(R::RecordSize, record_size, wire_size);
        }
        Ok(Self {
            index,
            is_final,
            plaintext_size,
        })
    }

    /// Checks that this is the header of segment `index` in a stream of `total` plaintext bytes, if known.
    ///
    /// # Errors
    /// Another index, finality or size.
    pub fn check_place(
        &self,
        index: SegmentIndex,
        total: Option<u64>,
        geometry: &Geometry,
    ) -> Result<(), SegmentHeaderError> {
        use SegmentReason as R;
        if self.index != index {
            return SegmentHeaderError::refuse(R::Index, index, self.index);
        }
        let Some(total) = total else { return Ok(()) };
        let expected = Self::expected(index, total, geometry);
        if self.is_final != expected.is_final {
            let word = |set| if set { "set" } else { "not set" };
            return SegmentHeaderError::refuse(R::Finality, word(expected.is_final), word(self.is_final));
        }
        if self.plaintext_size != expected.plaintext_size {
            return SegmentHeaderError::refuse(
                R::PlaintextSize,
                expected.plaintext_size,
                self.plaintext_size,
            );
        }
        Ok(())
    }
}

const FLAG_FINAL: u8 = 1;
const FLAG_COMPRESSED: u8 = 2;
/// The first bytes of every record. A salvage searches for them.
pub const SEGMENT_MARKER: [u8; 4] = *b"SEG1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::DigestKind;

    fn geometry() -> Geometry {
        Geometry::new(1024, 4096, DigestKind::Crc64Nvme).unwrap()
    }

    fn header() -> SegmentHeader {
        SegmentHeader {
            index: SegmentIndex::new(3),
            is_final: true,
            plaintext_size: 5,
        }
    }

    fn reason(change: impl FnOnce(&mut [u8; 32])) -> SegmentReason {
        let mut bytes = header().encode(&geometry());
        change(&mut bytes);
        let crc = crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_be_bytes());
        SegmentHeader::parse(&bytes, &geometry()).unwrap_err().reason
    }

    #[test]
    fn an_encoded_header_parses() {
        assert_eq!(
            SegmentHeader::parse(&header().encode(&geometry()), &geometry()),
            Ok(header())
        );
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = header().encode(&geometry());
        for bit in 0..256 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let reason = SegmentHeader::parse(&flipped, &geometry()).unwrap_err().reason;
            let expected = if bit < 32 {
                SegmentReason::Marker
            } else {
                SegmentReason::HeaderChecksum
            };
            assert_eq!(reason, expected, "bit {bit}");
        }
    }

    #[test]
    fn fields_with_a_right_checksum_are_refused_by_name() {
        use SegmentReason as R;
        assert_eq!(reason(|b| b[4] = 5), R::ReservedBits);
        assert_eq!(reason(|b| b[6] = 1), R::ReservedBits);
        assert_eq!(reason(|b| b[4] = 3), R::Compressed);
        assert_eq!(reason(|b| b[4] = 0), R::PlaintextSize);
        assert_eq!(reason(|b| b[18] = 0x20), R::PlaintextSize);
        assert_eq!(reason(|b| b[16..24].fill(0)), R::PlaintextSize);
        assert_eq!(reason(|b| b[23] = 6), R::ContentSize);
        assert_eq!(reason(|b| b[27] ^= 1), R::RecordSize);
    }

    #[test]
    fn a_segment_out_of_place_is_refused() {
        use SegmentReason as R;
        let check = |index, total| {
            header()
                .check_place(SegmentIndex::new(index), total, &geometry())
                .err()
                .map(|error| error.reason)
        };
        assert_eq!(check(3, None), None);
        assert_eq!(check(3, Some(3 * 4096 + 5)), None);
        assert_eq!(check(2, None), Some(R::Index));
        assert_eq!(check(3, Some(4 * 4096 + 5)), Some(R::Finality));
        assert_eq!(check(3, Some(3 * 4096 + 6)), Some(R::PlaintextSize));
    }
}
