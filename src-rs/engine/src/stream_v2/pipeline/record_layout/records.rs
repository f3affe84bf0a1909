//! Finds records one after the other.

use crate::error::SealError;
use crate::format::{
    ByteRange, END_MARKER, Geometry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError, SegmentIndex,
    WireOffset,
};
use crate::operation::damage::Damage;
use crate::stream_v2::segment_worker::SegmentWorkerError;

/// Finds records one after the other by the sizes in their headers.
#[derive(Clone, Copy, Debug)]
pub struct RecordCursor {
    geometry: Geometry,
    /// Plaintext bytes of the stream, if known.
    total: Option<u64>,
    index: SegmentIndex,
    offset: WireOffset,
    /// Plaintext bytes of the records passed.
    plaintext_size: u64,
    is_at_end: bool,
}

/// Where a record stands, or several that are missing, or the end of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// The segment, or the first of them; the number of segments if it is the end.
    pub segment: SegmentIndex,
    /// Number of segments: 1 for a record, 0 for the end.
    pub segment_count: u64,
    /// Plaintext bytes of these segments.
    pub plaintext: ByteRange,
    /// Where they stand in the sealed stream.
    pub sealed: ByteRange,
    /// Whether the stream's end follows it.
    pub is_final: bool,
}

impl RecordPlace {
    /// The damage that keeps these segments, or the end, from being opened.
    #[must_use]
    pub const fn damage(&self, failure: SealError) -> Damage {
        Damage {
            segment: self.segment,
            segment_count: self.segment_count,
            plaintext: self.plaintext,
            sealed: self.sealed,
            failure,
            retries: 0,
        }
    }
}

impl RecordCursor {
    /// A cursor at the first record, `offset` bytes into a stream of `total` plaintext bytes, if known.
    #[must_use]
    pub const fn new(geometry: Geometry, offset: WireOffset, total: Option<u64>) -> Self {
        Self {
            geometry,
            total,
            index: SegmentIndex::ZERO,
            offset,
            plaintext_size: 0,
            is_at_end: false,
        }
    }

    /// The same cursor, moved from the first record to that of segment `index`.
    #[must_use]
    pub(crate) fn at(self, index: SegmentIndex) -> Self {
        let before = index.get().saturating_mul(self.geometry.full_record_size());
        Self {
            index,
            offset: WireOffset::new(self.offset.get().saturating_add(before)),
            plaintext_size: self.geometry.plaintext_offset(index),
            ..self
        }
    }

    /// Index of the next record's segment.
    #[must_use]
    pub const fn index(&self) -> SegmentIndex {
        self.index
    }

    /// Offset of the next record; behind the final record, of the end.
    #[must_use]
    pub const fn offset(&self) -> WireOffset {
        self.offset
    }

    /// Whether the final record was passed: the end follows.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// The record that starts with these bytes.
    ///
    /// # Errors
    /// `InvalidSegment` if no record of this stream starts with them.
    pub fn measure(&self, header: &[u8; SEGMENT_HEADER_SIZE]) -> Result<RecordPlace, SealError> {
        let header = self.parse(header)?;
        Ok(self.place(header.plaintext_size, header.is_final))
    }

    /// The expected record; a full one if the stream's length is unknown.
    #[must_use]
    pub fn expected(&self) -> RecordPlace {
        let is_final = self
            .total
            .is_some_and(|total| self.index.get() + 1 >= self.geometry.segment_count(total));
        self.place(self.geometry.expected_plaintext(self.total, self.index), is_final)
    }

    /// The record that starts with these bytes, or the expected one if they do not start a record of this stream.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> RecordPlace {
        let found = bytes.first_chunk().and_then(|header| self.measure(header).ok());
        found.unwrap_or_else(|| self.expected())
    }

    /// All that is missing if the stream ends here: the expected record and those behind it. Empty at the end.
    #[must_use]
    pub fn missing(&self) -> RecordPlace {
        if self.is_at_end {
            return RecordPlace {
                segment: self.index,
                segment_count: 0,
                plaintext: ByteRange::at(self.plaintext_size, 0),
                sealed: ByteRange::at(self.offset.get(), 0),
                is_final: true,
            };
        }
        let mut place = self.expected();
        if let Some(total) = self.total {
            place.segment_count = self.geometry.segment_count(total) - self.index.get();
            place.plaintext.end = total;
            let before = self.index.get().saturating_mul(self.geometry.full_record_size());
            let records = self.geometry.records_size(total).saturating_sub(before);
            place.sealed.end = place.sealed.start + records;
            place.is_final = true;
        }
        place
    }

    /// Moves behind a record.
    pub fn advance(&mut self, place: &RecordPlace) {
        self.offset = WireOffset::new(place.sealed.end);
        self.index = SegmentIndex::new(self.index.get() + 1);
        self.plaintext_size = place.plaintext.end;
        self.is_at_end = place.is_final;
    }

    fn place(&self, plaintext_size: u32, is_final: bool) -> RecordPlace {
        RecordPlace {
            segment: self.index,
            segment_count: 1,
            plaintext: ByteRange::at(
                self.geometry.plaintext_offset(self.index),
                u64::from(plaintext_size),
            ),
            sealed: ByteRange::at(self.offset.get(), self.geometry.record_size(plaintext_size)),
            is_final,
        }
    }

    /// The failure of a stream that ends `available` bytes into the expected record. The caller adds how much was verified
    /// before.
    #[must_use]
    pub const fn truncated(&self, available: u64) -> SealError {
        SealError::truncated(self.index, self.offset.get() + available)
    }

    fn parse(&self, header: &[u8; SEGMENT_HEADER_SIZE]) -> Result<SegmentHeader, SealError> {
        let parsed = if header.starts_with(&END_MARKER) {
            Err(SegmentHeaderError::end_too_early(self.index))
        } else {
            SegmentHeader::parse(header, &self.geometry)
        };
        parsed.map_err(|error| SegmentWorkerError::invalid(self.index, self.offset, error).into())
    }
}
