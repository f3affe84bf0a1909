//! A stream's end on its way in: the manifest against what was read, the footer, and nothing behind it.

use super::failure::{EndDisagreement, EndPart, SealFailure};
use super::incoming::find_end;
use super::io::ReadAt;
use super::segment_worker::SegmentWorkerError;
use crate::crypto::EndKey;
use crate::headers::{
    END_RECORD_FIXED_SIZE, EndRecord, EndRecordError, FOOTER_SIZE, Footer, ManifestEntry,
    SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError, SegmentIndex, SegmentReason, StreamHeader,
    WireOffset, end_record_size,
};
use std::io::Read;

/// What a reader knows of a stream when it comes to the end.
pub(crate) struct EndExpectation<'a> {
    pub(crate) header: &'a StreamHeader,
    pub(crate) end_key: &'a EndKey,
    /// Where the end record starts.
    pub(crate) offset: WireOffset,
    pub(crate) segments: u64,
    pub(crate) plaintext_total: u64,
    /// The records that were read, where they were read before the end.
    pub(crate) entries: Option<&'a [ManifestEntry]>,
    /// For the error, if the stream turns out to be cut.
    pub(crate) verified_bytes: u64,
}

/// A stream's end, found right.
pub(crate) struct VerifiedEnd {
    pub(crate) manifest: EndRecord,
    /// Where the end record starts.
    pub(crate) offset: WireOffset,
    /// Where the stream ends.
    pub(crate) stream_size: u64,
    pub(crate) header_copy_damaged: bool,
}

impl EndExpectation<'_> {
    /// Reads and checks everything behind the last record.
    pub(crate) fn verify(&self, reader: &mut dyn Read) -> Result<VerifiedEnd, SealFailure> {
        let mut position = self.offset.get();
        let record = self.read_record(reader, &mut position)?;
        let damaged = |part, offset| SealFailure::EndDamaged { part, offset };
        let copy_size = if self.header.core.header_copy {
            self.header.bytes.len()
        } else {
            0
        };
        let copy = self.read(reader, copy_size as u64, &mut position)?;
        if copy.len() < copy_size {
            return Err(self.truncated(position));
        }
        let header_copy_damaged =
            copy_size != 0 && copy != self.header.bytes && StreamHeader::parse(&copy).is_err();
        let footer_at = WireOffset::new(position);
        let footer = self.read(reader, FOOTER_SIZE as u64, &mut position)?;
        let Some(footer) = footer.first_chunk() else {
            return Err(self.truncated(position));
        };
        let due = Footer {
            end_size: position - self.offset.get(),
        };
        if Footer::parse(footer) != Some(due) {
            return Err(damaged(EndPart::Footer, footer_at));
        }
        let mut beyond = position;
        if !self.read(reader, 1, &mut beyond)?.is_empty() {
            return Err(SealFailure::TrailingData {
                offset: WireOffset::new(position),
            });
        }
        Ok(VerifiedEnd {
            manifest: record,
            offset: self.offset,
            stream_size: position,
            header_copy_damaged,
        })
    }

    fn read_record(&self, reader: &mut dyn Read, position: &mut u64) -> Result<EndRecord, SealFailure> {
        let damaged = SealFailure::EndDamaged {
            part: EndPart::EndRecord,
            offset: self.offset,
        };
        let mut bytes = self.read(reader, END_RECORD_FIXED_SIZE as u64, position)?;
        let Some(fixed) = bytes.first_chunk() else {
            return Err(self.truncated(*position));
        };
        let Some(extensions) = EndRecord::extensions_size(fixed) else {
            return Err(self.another_segment(reader, bytes, position).unwrap_or(damaged));
        };
        let size = end_record_size(self.segments, u64::from(extensions));
        bytes.extend(self.read(reader, size - END_RECORD_FIXED_SIZE as u64, position)?);
        if (bytes.len() as u64) < size {
            // A flipped bit in the extensions' size asks for more than there is; a footer tells that this is the end.
            let footer = bytes.last_chunk().and_then(Footer::parse);
            return Err(if footer.is_some() {
                damaged
            } else {
                self.truncated(*position)
            });
        }
        let (record, covered, mac) =
            EndRecord::parse(&bytes, self.segments).map_err(|error| match error {
                EndRecordError::Damaged => damaged,
                EndRecordError::Count { .. } => self.tampered(EndDisagreement::SegmentCount, None),
            })?;
        if !self.end_key.verify(covered, &mac) {
            return Err(self.tampered(EndDisagreement::Mac, None));
        }
        record.check_extensions(self.offset)?;
        if record.plaintext_total != self.plaintext_total {
            return Err(self.tampered(EndDisagreement::PlaintextTotal, None));
        }
        if let Some(segment) = self.entries.and_then(|entries| record.first_difference(entries)) {
            return Err(self.tampered(EndDisagreement::Segment, Some(segment)));
        }
        Ok(record)
    }

    /// Tells a segment behind the final one, which somebody put there, from damage.
    fn another_segment(
        &self,
        reader: &mut dyn Read,
        mut bytes: Vec<u8>,
        position: &mut u64,
    ) -> Option<SealFailure> {
        let more = (SEGMENT_HEADER_SIZE - END_RECORD_FIXED_SIZE) as u64;
        bytes.extend(self.read(reader, more, position).ok()?);
        let found = SegmentHeader::parse(bytes.first_chunk()?, &self.header.core.geometry).ok()?;
        let actual = format!("segment {}", found.index);
        let error = SegmentHeaderError::new(SegmentReason::AfterFinal, "the end record", actual);
        Some(SegmentWorkerError::invalid(SegmentIndex::new(self.segments), self.offset, error).into())
    }

    /// Reads up to `size` bytes; what is not there is not allocated.
    fn read(&self, reader: &mut dyn Read, size: u64, position: &mut u64) -> Result<Vec<u8>, SealFailure> {
        let mut bytes = Vec::new();
        let read = reader.take(size).read_to_end(&mut bytes);
        read.map_err(SealFailure::reading)?;
        *position += bytes.len() as u64;
        Ok(bytes)
    }

    fn truncated(&self, position: u64) -> SealFailure {
        SealFailure::Truncated {
            next_segment: SegmentIndex::new(self.segments),
            verified_bytes: self.verified_bytes,
            offset: WireOffset::new(position),
        }
    }

    fn tampered(&self, disagreement: EndDisagreement, segment: Option<SegmentIndex>) -> SealFailure {
        SealFailure::EndTampered {
            offset: self.offset,
            disagreement,
            segment,
        }
    }
}

/// The plaintext length that the end of a stream claims, where footer and end record agree with each other and with
/// the source's size. Nothing here has been authenticated.
pub(crate) fn claimed_total(source: &dyn ReadAt, size: u64, header: &StreamHeader) -> Option<u64> {
    let (end_at, fixed) = find_end(source, size)?;
    let (segments, total) = (
        EndRecord::claimed_segments(&fixed),
        EndRecord::claimed_total(&fixed),
    );
    let geometry = &header.core.geometry;
    let records = geometry.records_size(total);
    let agrees = segments == geometry.segment_count(total)
        && u64::from(header.size()).checked_add(records) == Some(end_at);
    agrees.then_some(total)
}
