//! Records, one after the other.

use crate::headers::{
    END_MARKER, Geometry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError, SegmentIndex, WireOffset,
};
use crate::stream_v2::failure::SealFailure;
use crate::stream_v2::segment_worker::SegmentWorkerError;

/// Finds one record after the other by the sizes in their headers.
#[derive(Clone, Copy, Debug)]
pub struct RecordCursor {
    geometry: Geometry,
    index: SegmentIndex,
    offset: WireOffset,
    is_at_end: bool,
}

impl RecordCursor {
    /// At the first record, which stands at `offset`.
    #[must_use]
    pub const fn new(geometry: Geometry, offset: WireOffset) -> Self {
        Self {
            geometry,
            index: SegmentIndex::ZERO,
            offset,
            is_at_end: false,
        }
    }

    /// The segment whose record is next.
    #[must_use]
    pub const fn index(&self) -> SegmentIndex {
        self.index
    }

    /// Where it starts in the stream; behind the final record, where the end does.
    #[must_use]
    pub const fn offset(&self) -> WireOffset {
        self.offset
    }

    /// The final record is behind: what comes is the end.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Bytes of the record that starts with these.
    ///
    /// # Errors
    /// `InvalidSegment`, where no record of this stream starts like this.
    pub fn measure(&self, header: &[u8; SEGMENT_HEADER_SIZE]) -> Result<u64, SealFailure> {
        let header = self.parse(header)?;
        Ok(self.geometry.record_size(header.plaintext_size))
    }

    /// Goes on behind the record that starts with these bytes.
    ///
    /// # Errors
    /// As [`measure`](Self::measure).
    pub fn advance(&mut self, header: &[u8; SEGMENT_HEADER_SIZE]) -> Result<(), SealFailure> {
        let header = self.parse(header)?;
        let size = self.geometry.record_size(header.plaintext_size);
        self.offset = WireOffset::new(self.offset.get() + size);
        self.index = SegmentIndex::new(self.index.get() + 1);
        self.is_at_end = header.is_final;
        Ok(())
    }

    /// The failure of a stream that ends after this many bytes of the record that is due. What was verified before is
    /// for whoever delivers it to say.
    #[must_use]
    pub const fn truncated(&self, available: u64) -> SealFailure {
        SealFailure::Truncated {
            next_segment: self.index,
            verified_bytes: 0,
            offset: WireOffset::new(self.offset.get() + available),
        }
    }

    fn parse(&self, header: &[u8; SEGMENT_HEADER_SIZE]) -> Result<SegmentHeader, SealFailure> {
        let parsed = if header.starts_with(&END_MARKER) {
            Err(SegmentHeaderError::end_too_early(self.index))
        } else {
            SegmentHeader::parse(header, &self.geometry)
        };
        parsed.map_err(|error| SegmentWorkerError::invalid(self.index, self.offset, error).into())
    }
}
