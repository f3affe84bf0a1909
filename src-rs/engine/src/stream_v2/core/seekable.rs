//! A sealed stream whose segments can be opened one by one, in any order, whatever is wrong with the others.

use super::locate::{claimed_total, find_header};
use super::trailer::{ExpectedTrailer, VerifiedTrailer};
use super::unlock::UnlockedStream;
use crate::error::{EndPart, SealError};
use crate::format::{ByteRange, Geometry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::DecryptOptions;
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use crate::stream_v2::pipeline::{PortionRunner, open_record};
use crate::stream_v2::segment_worker::{DecryptedSegment, SegmentWire};
use crate::telemetry::{Stage, StageTimes};
use std::io::IoSliceMut;

/// A stream that was unlocked, and what its end says. The source is not part of it: every call gets the same one.
pub struct SeekableStream {
    pub(crate) stream: UnlockedStream,
    source_size: u64,
    /// Plaintext bytes: only what the header or a verified end says.
    total: Option<u64>,
    /// The same, or what an end claims that did not verify.
    claimed_total: Option<u64>,
    trailer: Result<VerifiedTrailer, SealError>,
}

impl SeekableStream {
    /// Unlocks the stream and verifies its end. An end that is damaged or missing is no error here: see
    /// [`end_failure`](Self::end_failure).
    ///
    /// # Errors
    /// All that can be wrong with a header, and reading it.
    pub fn open(source: &dyn ReadAt, options: &DecryptOptions<'_>) -> Result<Self, SealError> {
        let source_size = source.size().map_err(SealError::reading)?;
        let mut stream = UnlockedStream::unlock(find_header(source, source_size)?, options)?;
        let stated = stream.header.core.plaintext_size;
        let claimed_total = stated.or_else(|| claimed_total(source, source_size, &stream.header));
        let trailer = verify_trailer(&stream, source, source_size, claimed_total);
        let total = if trailer.is_ok() { claimed_total } else { stated };
        if let Some(total) = total {
            stream.context = stream.context.with_total(total);
        }
        Ok(Self {
            stream,
            source_size,
            total,
            claimed_total,
            trailer,
        })
    }

    /// The stream and its verified trailer, for a caller that accepts only a whole stream. There is no trailer if neither
    /// header nor footer tells where the end is.
    ///
    /// # Errors
    /// The failure of the trailer.
    pub(crate) fn into_whole(self) -> Result<(UnlockedStream, Option<VerifiedTrailer>), SealError> {
        let trailer = self.claimed_total.map(|_| self.trailer).transpose()?;
        Ok((self.stream, trailer))
    }

    /// The stream's id.
    #[must_use]
    pub const fn stream_id(&self) -> &[u8; 32] {
        &self.stream.header.core.stream_id
    }

    /// The sizes of the stream's frames and segments.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        self.stream.context.geometry()
    }

    /// Plaintext bytes: what the header states, or else what the end says, if that is authentic.
    #[must_use]
    pub const fn plaintext_size(&self) -> Option<u64> {
        self.total
    }

    /// Bytes of the source, which may be more or fewer than the stream should have.
    #[must_use]
    pub const fn source_size(&self) -> u64 {
        self.source_size
    }

    /// The trailer, or why it did not verify.
    pub(crate) const fn trailer(&self) -> Result<&VerifiedTrailer, &SealError> {
        self.trailer.as_ref()
    }

    /// What is wrong with the end, if something is.
    #[must_use]
    pub fn end_failure(&self) -> Option<&SealError> {
        self.trailer.as_ref().err()
    }

    /// Segments of the stream; where its length is unknown, the most that the source has room for, of which the one that
    /// says so is the last.
    #[must_use]
    pub fn segments(&self) -> u64 {
        let geometry = self.stream.context.geometry();
        let records = self.source_size.saturating_sub(self.header_size());
        self.total.map_or_else(
            || records.div_ceil(geometry.full_record_size()).max(1),
            |total| geometry.segment_count(total),
        )
    }

    /// Segments of which something is in the source; those behind them are one stretch that is missing.
    #[must_use]
    pub fn segments_present(&self) -> u64 {
        let geometry = self.stream.context.geometry();
        let records = self.source_size.saturating_sub(self.header_size());
        self.segments().min(records.div_ceil(geometry.full_record_size()))
    }

    /// What of the plaintext is lost if this segment can't be opened, and where that stands: the segment, or all that is
    /// missing where it is the first of which nothing is there.
    #[must_use]
    pub fn stretch(&self, index: SegmentIndex) -> (ByteRange, ByteRange) {
        let (mut plaintext, mut wire) = (self.plaintext_range(index), self.wire_range(index));
        if index.get() == self.segments_present()
            && let Some(total) = self.total
        {
            plaintext.end = total;
            wire.end = self.end_range().start;
        }
        (plaintext, wire)
    }

    /// Where a segment's plaintext stands in the whole. Where the stream's length is unknown, a full segment is assumed.
    #[must_use]
    pub fn plaintext_range(&self, index: SegmentIndex) -> ByteRange {
        ByteRange::at(
            self.stream.context.geometry().plaintext_offset(index),
            u64::from(self.plaintext_due(index)),
        )
    }

    /// Where a segment's record stands in the sealed stream, whether the source has it or not.
    #[must_use]
    pub fn wire_range(&self, index: SegmentIndex) -> ByteRange {
        let geometry = self.stream.context.geometry();
        let offset = geometry.record_offset(self.stream.header.size(), index);
        ByteRange::at(offset.get(), geometry.record_size(self.plaintext_due(index)))
    }

    /// Where the end stands, or should.
    #[must_use]
    pub fn end_range(&self) -> ByteRange {
        let records = self
            .total
            .map_or(0, |total| self.stream.context.geometry().records_size(total));
        let start = self.header_size().saturating_add(records);
        ByteRange {
            start,
            end: self.source_size.max(start),
        }
    }

    /// Reads a segment's record and opens it; `buffer` becomes the segment's memory. Where the end is sound the record
    /// must be the sealing that it names.
    ///
    /// # Errors
    /// `Segment`, `Truncated`, `EndTampered` with the segment, or `Io` for what concerns this segment alone; `Cancelled`.
    pub fn open_segment(
        &self,
        source: &dyn ReadAt,
        index: SegmentIndex,
        buffer: Vec<u8>,
        cancel: &CancellationToken,
        times: &mut StageTimes,
    ) -> Result<DecryptedSegment, SealError> {
        let wire = times.time(Stage::Read, || self.read_record(source, index, buffer))?;
        let segment = open_record(&self.stream.context, wire, PortionRunner::serial(cancel), times)?;
        if let Ok(trailer) = &self.trailer
            && trailer.manifest.entry(index) != Some(&segment.summary.entry)
        {
            return Err(SealError::other_sealing(trailer.offset, index));
        }
        Ok(segment)
    }

    /// Reads and verifies the trailer again.
    pub(crate) fn verify_trailer(&self, source: &dyn ReadAt) -> Result<VerifiedTrailer, SealError> {
        verify_trailer(&self.stream, source, self.source_size, self.claimed_total)
    }

    fn read_record(
        &self,
        source: &dyn ReadAt,
        index: SegmentIndex,
        mut record: Vec<u8>,
    ) -> Result<SegmentWire, SealError> {
        let geometry = self.stream.context.geometry();
        let range = self.wire_range(index);
        let truncated = |available: usize| SealError::Truncated {
            next_segment: index,
            verified_bytes: 0,
            offset: WireOffset::new(range.start.saturating_add(available as u64).min(self.source_size)),
        };
        // Of a record that is not there nothing is allocated.
        let available = self.source_size.saturating_sub(range.start).min(range.size());
        record.resize(available as usize, 0);
        let read = source
            .read_at(range.start, &mut [IoSliceMut::new(&mut record)])
            .map_err(SealError::reading)?;
        record.truncate(read);
        let mut due = range.size();
        if self.total.is_none()
            && let Some(header) = record.first_chunk::<SEGMENT_HEADER_SIZE>()
            && let Ok(header) = SegmentHeader::parse(header, geometry)
        {
            due = geometry.record_size(header.plaintext_size);
        }
        if (read as u64) < due {
            return Err(truncated(read));
        }
        record.truncate(due as usize);
        Ok(SegmentWire {
            index,
            offset: WireOffset::new(range.start),
            record,
        })
    }

    fn plaintext_due(&self, index: SegmentIndex) -> u32 {
        let geometry = self.stream.context.geometry();
        geometry.plaintext_due(self.total, index)
    }

    fn header_size(&self) -> u64 {
        u64::from(self.stream.header.size())
    }
}

/// Verifies the trailer of a stream with `total` plaintext bytes, before any of its segments.
fn verify_trailer(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    source_size: u64,
    total: Option<u64>,
) -> Result<VerifiedTrailer, SealError> {
    let Some(total) = total else {
        return Err(SealError::EndDamaged {
            part: EndPart::Footer,
            offset: WireOffset::new(source_size),
        });
    };
    let geometry = stream.context.geometry();
    let header_size = u64::from(stream.header.size());
    let records = geometry.records_size(total);
    let available = source_size.saturating_sub(header_size);
    if available < records {
        let whole = available / geometry.full_record_size();
        return Err(SealError::Truncated {
            next_segment: SegmentIndex::new(whole.min(geometry.segment_count(total) - 1)),
            verified_bytes: 0,
            offset: WireOffset::new(source_size),
        });
    }
    let expected = ExpectedTrailer::after(&stream.header, total, Some(&stream.end_key));
    expected.verify(&mut ReadAtCursor::new(source, expected.offset.get()))
}
