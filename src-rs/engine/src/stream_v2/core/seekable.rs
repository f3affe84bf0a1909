//! A sealed stream in a source that is read by offset. Its segments open one by one, in any order, even if others are damaged.

use super::locate::{ClaimedEnd, claimed_end, find_header, read_array};
use super::stream_size::check_size;
use super::trailer::{ExpectedTrailer, VerifiedTrailer};
use super::unlock::UnlockedStream;
use crate::crypto::{Crc64, Crc64Joiner};
use crate::error::{EndDisagreement, EndPart, SealError};
use crate::format::{
    ByteRange, DigestKind, Geometry, ManifestEntry, Metadata, SEGMENT_HEADER_SIZE, SegmentHeader,
    SegmentIndex, WireOffset,
};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::DecryptOptions;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::record_layout::{RecordCursor, RecordPlace};
use crate::stream_v2::pipeline::{PortionRunner, open_record};
use crate::stream_v2::segment_worker::{DecryptedSegment, SegmentWire};
use crate::telemetry::{Stage, StageTimes};
use std::io::IoSliceMut;

/// An unlocked stream and the result of verifying its trailer. Pass the same source to every call.
pub struct SeekableStream {
    pub(crate) stream: UnlockedStream,
    source_size: u64,
    /// Plaintext bytes, if the header or a verified trailer states them.
    total: Option<u64>,
    trailer_place: TrailerPlace,
    trailer: Result<VerifiedTrailer, SealError>,
}

impl SeekableStream {
    /// Unlocks the stream and verifies its trailer. A damaged or missing trailer is not an error here: see
    /// [`end_failure`](Self::end_failure).
    ///
    /// # Errors
    /// Every failure of a header, and of reading it. Every failure of the trailer too, if senders are given or the header announces
    /// one.
    pub fn open(
        source: &dyn ReadAt,
        options: &DecryptOptions<'_>,
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        let source_size = source.size().map_err(SealError::reading)?;
        check_size(source_size, options.max_size)?;
        let mut stream = UnlockedStream::unlock(find_header(source, source_size)?, options, cancel)?;
        let stated = stream.header.core.plaintext_size;
        let mut place = match stated {
            Some(total) => TrailerPlace::Behind(total),
            None => claimed_end(source, source_size, &stream.header)
                .map_or(TrailerPlace::Unknown, TrailerPlace::Claimed),
        };
        let mut trailer = verify_trailer(&stream, source, source_size, place);
        if let Err(SealError::EndTampered {
            disagreement: EndDisagreement::Mac,
            ..
        }) = &trailer
            && let TrailerPlace::Claimed(claimed) = place
            && !claimed.agrees(&stream.header)
        {
            // The footer is of another stream, which may follow this one. The stream is refused all the same.
            place = TrailerPlace::Unknown;
            trailer = verify_trailer(&stream, source, source_size, place);
        }
        if stream.needs_sender() || matches!(trailer, Err(SealError::SenderUnverified { .. })) {
            // Only a verified end proves who signed the stream, so nothing is read around a damaged one.
            trailer.as_ref().map_err(Clone::clone)?;
        }
        let by_trailer = trailer
            .as_ref()
            .ok()
            .map(|trailer| trailer.manifest.plaintext_total);
        let total = by_trailer.or(stated);
        if let Some(total) = total {
            stream.context = stream.context.with_total(total);
        }
        Ok(Self {
            stream,
            source_size,
            total,
            trailer_place: place,
            trailer,
        })
    }

    /// The verified trailer, for a caller that accepts only a whole stream; `None` if neither header nor footer tells where
    /// the end is.
    ///
    /// # Errors
    /// The failure of the trailer.
    pub(crate) fn whole(&self) -> Result<Option<&VerifiedTrailer>, SealError> {
        match self.trailer_place {
            TrailerPlace::Unknown => Ok(None),
            TrailerPlace::Behind(_) | TrailerPlace::Claimed(_) => {
                self.trailer.as_ref().map(Some).map_err(Clone::clone)
            }
        }
    }

    /// The stream's id.
    #[must_use]
    pub const fn stream_id(&self) -> &[u8; 32] {
        &self.stream.header.fields.core.stream_id
    }

    /// What the stream keeps of the file that was sealed; `None` if it keeps nothing, or if its trailer did not verify.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        self.trailer.as_ref().ok()?.end.metadata.as_ref()
    }

    /// The sizes of the stream's frames and segments.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        self.stream.context.geometry()
    }

    /// Plaintext bytes, if the header or an authentic trailer states them.
    #[must_use]
    pub const fn plaintext_size(&self) -> Option<u64> {
        self.total
    }

    /// Bytes of the source. A damaged stream can have more or fewer than it should.
    #[must_use]
    pub const fn source_size(&self) -> u64 {
        self.source_size
    }

    /// The trailer, or why it did not verify.
    pub(crate) const fn trailer(&self) -> Result<&VerifiedTrailer, &SealError> {
        self.trailer.as_ref()
    }

    /// Why the trailer did not verify, if it did not.
    #[must_use]
    pub fn end_failure(&self) -> Option<&SealError> {
        self.trailer.as_ref().err()
    }

    /// Number of segments. If the stream's length is unknown, the most that the source has room for; the final segment is
    /// then known only when it is opened.
    #[must_use]
    pub fn segments(&self) -> u64 {
        let stated = self.total.map(|total| self.geometry().segment_count(total));
        stated.unwrap_or_else(|| self.records_in_source().max(1))
    }

    /// Segments of which the source has at least a part. All later ones are missing.
    #[must_use]
    pub fn segments_present(&self) -> u64 {
        self.segments().min(self.records_in_source())
    }

    /// Records that the source has room for.
    fn records_in_source(&self) -> u64 {
        let size = self
            .source_size
            .saturating_sub(u64::from(self.stream.header.size()));
        size.div_ceil(self.geometry().full_record_size())
    }

    /// What is lost if segment `index` can't be opened: its record, or, if it is the first missing one, all that are missing.
    #[must_use]
    pub fn place(&self, index: SegmentIndex) -> RecordPlace {
        if index.get() == self.segments_present() {
            self.cursor(index).missing()
        } else {
            self.record(index)
        }
    }

    /// Where the record of segment `index` stands, even if the source does not have it. If the stream's length is unknown, a
    /// full record.
    #[must_use]
    pub fn record(&self, index: SegmentIndex) -> RecordPlace {
        self.cursor(index).expected()
    }

    fn cursor(&self, index: SegmentIndex) -> RecordCursor {
        self.stream.cursor(self.total).at(index)
    }

    /// Where the end of the stream stands, behind `segments` segments with `plaintext_size` bytes.
    pub(crate) fn end_place(&self, segments: u64, plaintext_size: u64) -> RecordPlace {
        let records = self.total.map_or(0, |total| self.geometry().records_size(total));
        let start = u64::from(self.stream.header.size()).saturating_add(records);
        RecordPlace {
            segment: SegmentIndex::new(segments),
            segment_count: 0,
            plaintext: ByteRange::at(self.total.unwrap_or(plaintext_size), 0),
            sealed: ByteRange {
                start,
                end: self.source_size.max(start),
            },
            is_final: true,
        }
    }

    /// Reads and opens one segment; `buffer` becomes its memory. If the trailer was verified, the record must be the sealing
    /// that the manifest names.
    ///
    /// # Errors
    /// `Segment`, `Truncated`, `Io`: this segment alone is damaged. `Cancelled`.
    pub fn open_segment(
        &self,
        source: &dyn ReadAt,
        index: SegmentIndex,
        buffer: Vec<u8>,
        cancel: &CancellationToken,
        times: &mut StageTimes,
    ) -> Result<DecryptedSegment, SealError> {
        self.open_with(PortionRunner::serial(cancel), source, index, buffer, times)
    }

    /// As [`open_segment`](Self::open_segment); `runner` opens the frames.
    pub(crate) fn open_with(
        &self,
        runner: PortionRunner<'_>,
        source: &dyn ReadAt,
        index: SegmentIndex,
        buffer: Vec<u8>,
        times: &mut StageTimes,
    ) -> Result<DecryptedSegment, SealError> {
        let wire = times.time(Stage::Read, || self.read_record(source, index, buffer))?;
        Ok(open_record(&self.stream.context, wire, runner, times)?)
    }

    /// CRC-64/NVME of the whole sealed stream, computed from its header and its end alone, without reading a record. `None` unless
    /// the digests are CRC-64/NVME, the trailer was verified and the header was read from its own place.
    ///
    /// It is the checksum that object stores have of the object, if every record in it is the one that the manifest names.
    #[must_use]
    pub fn sealed_crc64(&self) -> Option<u64> {
        let trailer = self.trailer.as_ref().ok()?;
        let header = &self.stream.header;
        if self.geometry().digest() != DigestKind::Crc64Nvme || self.stream.from_copy {
            return None;
        }
        let mut crc = Crc64Joiner::default();
        crc.append(Crc64::of(&header.bytes), header.bytes.len() as u64);
        for entry in trailer.manifest.entries.iter() {
            let digest = entry.digest.as_bytes();
            let value = u64::from_be_bytes(*digest.first_chunk()?);
            let size = digest.len() as u64;
            crc.append(value, u64::from(entry.wire_size).checked_sub(size)?);
            crc.append(Crc64::of(digest), size);
        }
        crc.append(
            trailer.crc64,
            trailer.end.sealed_size.checked_sub(trailer.offset.get())?,
        );
        Some(crc.value())
    }

    /// What the manifest says about the record of segment `index`, if the trailer was verified.
    pub(crate) fn named(&self, index: SegmentIndex) -> Option<ManifestEntry> {
        self.trailer.as_ref().ok()?.manifest.entries.entry(index)
    }

    /// Reads and verifies the trailer again.
    pub(crate) fn verify_trailer(&self, source: &dyn ReadAt) -> Result<VerifiedTrailer, SealError> {
        verify_trailer(&self.stream, source, self.source_size, self.trailer_place)
    }

    fn read_record(
        &self,
        source: &dyn ReadAt,
        index: SegmentIndex,
        mut record: Vec<u8>,
    ) -> Result<SegmentWire, SealError> {
        let range = self.record(index).sealed;
        let truncated = |available: usize| {
            SealError::truncated(
                index,
                range.start.saturating_add(available as u64).min(self.source_size),
            )
        };
        // Allocates only what the source has.
        let available = self.source_size.saturating_sub(range.start).min(range.size());
        record.resize(available as usize, 0);
        let read = source
            .read_at(range.start, &mut [IoSliceMut::new(&mut record)])
            .map_err(SealError::reading)?;
        record.truncate(read);
        let size = match self.total {
            Some(_) => range.size(),
            None => self.cursor(index).find(&record).sealed.size(),
        };
        if (read as u64) < size {
            return Err(truncated(read));
        }
        record.truncate(size as usize);
        Ok(SegmentWire {
            index,
            offset: WireOffset::new(range.start),
            named: self.named(index),
            record,
        })
    }
}

/// Where the trailer of a stream is.
#[derive(Clone, Copy)]
enum TrailerPlace {
    /// Behind the records of this many bytes of plaintext, which the header states.
    Behind(u64),
    /// Where a footer says.
    Claimed(ClaimedEnd),
    /// No footer tells.
    Unknown,
}

/// Verifies the trailer, before any of the segments.
fn verify_trailer(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    source_size: u64,
    place: TrailerPlace,
) -> Result<VerifiedTrailer, SealError> {
    let (header, end_key, limit) = (&stream.header, Some(&stream.end_key), stream.max_manifest_size);
    let expected = match place {
        TrailerPlace::Claimed(claimed) => ExpectedTrailer::claimed(header, claimed, end_key, limit),
        TrailerPlace::Behind(total) => {
            check_room(stream, source_size, total)?;
            ExpectedTrailer::after(header, total, end_key, limit)
        }
        TrailerPlace::Unknown => {
            let total = walk(stream, source, source_size)?;
            ExpectedTrailer::after(header, total, end_key, limit)
        }
    };
    ExpectedTrailer {
        senders: stream.senders.as_deref(),
        ..expected
    }
    .verify_by_offset(source)
}

/// Fails if the source has no room for the records of `total` bytes of plaintext.
fn check_room(stream: &UnlockedStream, source_size: u64, total: u64) -> Result<(), SealError> {
    let geometry = stream.context.geometry();
    let available = source_size.saturating_sub(u64::from(stream.header.size()));
    if available >= geometry.records_size(total) {
        return Ok(());
    }
    let whole = available / geometry.full_record_size();
    let last = geometry.segment_count(total).saturating_sub(1);
    Err(SealError::truncated(
        SegmentIndex::new(whole.min(last)),
        source_size,
    ))
}

/// The plaintext's size by the headers of the records, from the first to the final one. Stops at the first bytes that are no
/// record's, so a hole in a file costs one read.
///
/// # Errors
/// `Truncated` if the source ends in or before a record; `EndDamaged` if other bytes stand in a record's place.
fn walk(stream: &UnlockedStream, source: &dyn ReadAt, source_size: u64) -> Result<u64, SealError> {
    let geometry = stream.context.geometry();
    let damaged = || SealError::end_damaged(EndPart::Footer, source_size);
    let mut cursor = stream.cursor(None);
    while !cursor.is_at_end() {
        let truncated = SealError::truncated(cursor.index(), source_size);
        let start = cursor.offset().get();
        if source_size.saturating_sub(start) < SEGMENT_HEADER_SIZE as u64 {
            return Err(truncated);
        }
        let bytes = read_array::<SEGMENT_HEADER_SIZE>(source, start).ok_or_else(damaged)?;
        let header = SegmentHeader::parse(&bytes, geometry).map_err(|_| damaged())?;
        let placed = header.check_place(cursor.index(), None, geometry);
        placed.map_err(|_| damaged())?;
        let place = cursor.find(&bytes);
        if place.sealed.end > source_size {
            return Err(truncated);
        }
        cursor.advance(&place);
    }
    Ok(cursor.missing().plaintext.start)
}
