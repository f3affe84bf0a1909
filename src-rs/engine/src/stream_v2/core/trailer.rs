//! Verifies the end of a stream: the manifest against the segments that were read, the header's copy, the footer, and that
//! nothing follows.

use super::tally::StreamEnd;
use crate::crypto::{CryptoError, EndKey};
use crate::error::{EndDisagreement, EndPart, SealError};
use crate::format::{
    DigestKind, END_METADATA, END_RECORD_FIXED_SIZE, EndRecord, EndRecordError, FOOTER_SIZE, Footer,
    HeaderField, Metadata, SEGMENT_HEADER_SIZE, SeenRecords, SegmentHeader, SegmentHeaderError, SegmentIndex,
    SegmentReason, StreamHeader, WireOffset, end_record_size, find_extension,
};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io::Read;

/// What the trailer of a stream must agree with.
pub(crate) struct ExpectedTrailer<'a> {
    pub(crate) header: &'a StreamHeader,
    /// `None` for a reader without a key, which can't authenticate the manifest.
    pub(crate) end_key: Option<&'a EndKey>,
    /// Where the end record starts.
    pub(crate) offset: WireOffset,
    pub(crate) segments: u64,
    pub(crate) plaintext_total: u64,
    /// The records, if they were read before the end.
    pub(crate) records: Option<&'a SeenRecords>,
    /// Plaintext bytes that were verified; for the error of a truncated stream.
    pub(crate) verified_bytes: u64,
}

/// A trailer that was read and verified.
pub(crate) struct VerifiedTrailer {
    pub(crate) manifest: EndRecord,
    /// Where the end record starts.
    pub(crate) offset: WireOffset,
    pub(crate) end: StreamEnd,
}

/// The copy of a header, compared with the header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderCopy {
    /// The stream has no copy.
    None,
    /// The copy is identical.
    Same,
    /// The copy has a later revision: a rewrap was interrupted.
    Newer {
        /// The copy's revision.
        revision: u16,
    },
    /// The copy is a valid header, but another one.
    Other,
    /// The copy is damaged.
    Damaged,
}

impl<'a> ExpectedTrailer<'a> {
    /// The trailer after `total` bytes of plaintext, for a reader that has not read the records.
    pub(crate) fn after(header: &'a StreamHeader, total: u64, end_key: Option<&'a EndKey>) -> Self {
        let geometry = &header.core.geometry;
        Self {
            header,
            end_key,
            offset: WireOffset::new(geometry.trailer_offset(header.size(), total)),
            segments: geometry.segment_count(total),
            plaintext_total: total,
            records: None,
            verified_bytes: 0,
        }
    }

    /// Reads and checks everything behind the last record.
    pub(crate) fn verify(&self, reader: &mut dyn Read) -> Result<VerifiedTrailer, SealError> {
        let mut position = self.offset.get();
        let (manifest, _) = self.read_record(reader, &mut position)?;
        let copy = self.read_copy(reader, &mut position)?;
        self.read_footer(reader, &mut position)?;
        self.read_beyond(reader, position)?;
        let metadata = self.metadata(&manifest)?;
        Ok(VerifiedTrailer {
            manifest,
            offset: self.offset,
            end: StreamEnd {
                sealed_size: position,
                header_copy_damaged: copy == HeaderCopy::Damaged,
                metadata,
            },
        })
    }

    /// Opens the sealed metadata of an authentic end record. `None` without metadata, and for a reader without a key.
    pub(crate) fn metadata(&self, record: &EndRecord) -> Result<Option<Metadata>, SealError> {
        let value = find_extension(&record.extensions, END_METADATA);
        let Some((key, value)) = self.end_key.zip(value) else {
            return Ok(None);
        };
        let tampered = || self.tampered(EndDisagreement::Extension, None);
        let inner = match key.open_entry(END_METADATA, value) {
            Ok(inner) => inner,
            Err(CryptoError::TagMismatch) => return Err(tampered()),
            Err(error) => return Err(error.into()),
        };
        let metadata = Metadata::parse(&inner).ok_or_else(tampered)?;
        match Metadata::unknown_critical(&inner) {
            None => Ok(Some(metadata)),
            Some(code) => Err(SealError::HeaderError {
                field: HeaderField::EndExtensions,
                offset: self.offset,
                found: format!("the unknown critical type {code:#06x} in the metadata"),
                expected: "types of version 1 (use a newer release)".to_owned(),
            }),
        }
    }

    /// Reads the copy of the header at `position`.
    pub(crate) fn read_copy(
        &self,
        reader: &mut dyn Read,
        position: &mut u64,
    ) -> Result<HeaderCopy, SealError> {
        let size = self.header.copy_size();
        if size == 0 {
            return Ok(HeaderCopy::None);
        }
        let copy = self.read(reader, size, position)?;
        if (copy.len() as u64) < size {
            return Err(self.truncated(*position));
        }
        Ok(if copy == self.header.bytes {
            HeaderCopy::Same
        } else {
            match StreamHeader::parse(&copy) {
                Ok(copy) if self.header.is_older_than(&copy) => HeaderCopy::Newer {
                    revision: copy.revision,
                },
                Ok(_) => HeaderCopy::Other,
                Err(_) => HeaderCopy::Damaged,
            }
        })
    }

    /// Reads the footer at `position`.
    pub(crate) fn read_footer(&self, reader: &mut dyn Read, position: &mut u64) -> Result<(), SealError> {
        let offset = *position;
        let footer = self.read(reader, FOOTER_SIZE as u64, position)?;
        let Some(footer) = footer.first_chunk() else {
            return Err(self.truncated(*position));
        };
        let due = Footer {
            end_size: position.saturating_sub(self.offset.get()),
        };
        if Footer::parse(footer) != Some(due) {
            return Err(SealError::end_damaged(EndPart::Footer, offset));
        }
        Ok(())
    }

    /// Fails if the source has more bytes behind the stream's end.
    pub(crate) fn read_beyond(&self, reader: &mut dyn Read, mut position: u64) -> Result<(), SealError> {
        let offset = WireOffset::new(position);
        if self.read(reader, 1, &mut position)?.is_empty() {
            Ok(())
        } else {
            Err(SealError::TrailingData { offset })
        }
    }

    /// Reads and verifies the end record at `position`. Returns it with its bytes.
    pub(crate) fn read_record(
        &self,
        reader: &mut dyn Read,
        position: &mut u64,
    ) -> Result<(EndRecord, Vec<u8>), SealError> {
        let damaged = SealError::end_damaged(EndPart::EndRecord, self.offset.get());
        let mut bytes = self.read(reader, END_RECORD_FIXED_SIZE as u64, position)?;
        let Some(fixed) = bytes.first_chunk() else {
            return Err(self.truncated(*position));
        };
        let Some(extensions) = EndRecord::extensions_size(fixed) else {
            return Err(self.another_segment(reader, bytes, position).unwrap_or(damaged));
        };
        let size = end_record_size(self.digest(), self.segments, u64::from(extensions));
        self.read_on(reader, size - END_RECORD_FIXED_SIZE as u64, &mut bytes, position)?;
        if (bytes.len() as u64) < size {
            // A flipped bit in the size of the extensions claims more bytes than there are; a footer shows that the end is here.
            let footer = bytes.last_chunk().and_then(Footer::parse);
            return Err(if footer.is_some() {
                damaged
            } else {
                self.truncated(*position)
            });
        }
        let (record, covered, mac) =
            EndRecord::parse(&bytes, self.digest(), self.segments).map_err(|error| match error {
                EndRecordError::Damaged => damaged,
                EndRecordError::Count { .. } => self.tampered(EndDisagreement::SegmentCount, None),
            })?;
        if self.end_key.is_some_and(|key| !key.verify(covered, &mac)) {
            return Err(self.tampered(EndDisagreement::Mac, None));
        }
        record.check_extensions(self.offset)?;
        if record.plaintext_total != self.plaintext_total {
            return Err(self.tampered(EndDisagreement::PlaintextTotal, None));
        }
        let different = self
            .records
            .and_then(|records| records.first_difference(&record.entries));
        if let Some(segment) = different {
            return Err(self.tampered(EndDisagreement::Segment, Some(segment)));
        }
        Ok((record, bytes))
    }

    /// The failure of a segment that was added behind the final one, if there is one.
    fn another_segment(
        &self,
        reader: &mut dyn Read,
        mut bytes: Vec<u8>,
        position: &mut u64,
    ) -> Option<SealError> {
        let more = (SEGMENT_HEADER_SIZE - END_RECORD_FIXED_SIZE) as u64;
        self.read_on(reader, more, &mut bytes, position).ok()?;
        let found = SegmentHeader::parse(bytes.first_chunk()?, &self.header.core.geometry).ok()?;
        let actual = format!("segment {}", found.index);
        let error = SegmentHeaderError::new(SegmentReason::AfterFinal, "the end record", actual);
        Some(SegmentWorkerError::invalid(SegmentIndex::new(self.segments), self.offset, error).into())
    }

    const fn digest(&self) -> DigestKind {
        self.header.fields.core.geometry.digest()
    }

    /// Reads up to `size` bytes. Allocates only what the reader has.
    fn read(&self, reader: &mut dyn Read, size: u64, position: &mut u64) -> Result<Vec<u8>, SealError> {
        let mut bytes = Vec::new();
        self.read_on(reader, size, &mut bytes, position)?;
        Ok(bytes)
    }

    /// Reads up to `size` bytes more.
    fn read_on(
        &self,
        reader: &mut dyn Read,
        size: u64,
        bytes: &mut Vec<u8>,
        position: &mut u64,
    ) -> Result<(), SealError> {
        let read = reader.take(size).read_to_end(bytes).map_err(SealError::reading)?;
        *position += read as u64;
        Ok(())
    }

    fn truncated(&self, position: u64) -> SealError {
        SealError::truncated(SegmentIndex::new(self.segments), position).after(self.verified_bytes)
    }

    fn tampered(&self, disagreement: EndDisagreement, segment: Option<SegmentIndex>) -> SealError {
        SealError::EndTampered {
            offset: self.offset,
            disagreement,
            segment,
        }
    }
}
