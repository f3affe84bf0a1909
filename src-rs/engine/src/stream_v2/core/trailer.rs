//! Verifies the end of a stream: the manifest against the segments that were read, the header's copy, the footer, and that
//! nothing follows.

use super::end_scan::{EndBytes, EndScan, ScanFailure, ScannedEnd};
use super::locate::ClaimedEnd;
use super::sender::{SenderScan, check_sender};
use super::tally::StreamEnd;
use crate::crypto::{Crc64, Crc64Joiner, EndKey};
use crate::error::{EndPart, SealError};
use crate::format::{
    END_RECORD_FIXED_SIZE, EndRecord, FOOTER_SIZE, Footer, Manifest, SEGMENT_HEADER_SIZE, SegmentHeader,
    SegmentHeaderError, SegmentIndex, SegmentReason, StreamHeader, WireOffset,
};
use crate::keys::SenderKey;
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io;
use std::io::Read;

/// What the trailer of a stream must agree with.
pub(crate) struct ExpectedTrailer<'a> {
    pub(crate) header: &'a StreamHeader,
    /// What the end record must agree with.
    pub(crate) record: EndScan<'a>,
    /// Plaintext bytes that were verified; for the error of a truncated stream.
    pub(crate) verified_bytes: u64,
    /// The senders that the reader trusts, if it was given any.
    pub(crate) senders: Option<&'a [SenderKey]>,
}

/// A trailer that was read and verified, with the manifest.
pub(crate) struct VerifiedTrailer {
    pub(crate) manifest: EndRecord,
    /// Where the end record starts.
    pub(crate) offset: WireOffset,
    pub(crate) end: StreamEnd,
    /// CRC-64/NVME of its bytes.
    pub(crate) crc64: u64,
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
    pub(crate) fn after(
        header: &'a StreamHeader,
        total: u64,
        end_key: Option<&'a EndKey>,
        max_manifest_size: u64,
    ) -> Self {
        let geometry = &header.core.geometry;
        Self {
            header,
            record: EndScan {
                geometry,
                end_key,
                header_size: header.size(),
                offset: WireOffset::new(geometry.trailer_offset(header.size(), total)),
                size: None,
                segments: geometry.segment_count(total),
                total,
                records: None,
                max_manifest_size,
            },
            verified_bytes: 0,
            senders: None,
        }
    }

    /// The trailer where a footer says that it is.
    pub(crate) fn claimed(
        header: &'a StreamHeader,
        claimed: ClaimedEnd,
        end_key: Option<&'a EndKey>,
        max_manifest_size: u64,
    ) -> Self {
        let after = Self::after(header, claimed.total, end_key, max_manifest_size);
        Self {
            record: EndScan {
                offset: WireOffset::new(claimed.offset),
                size: Some(claimed.size),
                ..after.record
            },
            ..after
        }
    }

    /// Reads and checks everything behind the last record. Does not keep the manifest, which was compared with the records.
    pub(crate) fn verify(&self, reader: &mut dyn Read) -> Result<(ScannedEnd, StreamEnd), SealError> {
        let mut position = self.record.offset.get();
        let mut signed = SenderScan::new(self.header, &self.record);
        let record = self.read_record(reader, &mut position, &mut |kind, bytes| signed.take(kind, bytes))?;
        let end = self.read_rest(reader, position)?;
        record.verdict.clone()?;
        let sender = signed.check(&record.extensions, self.senders)?;
        let metadata = record.metadata.clone()?;
        Ok((
            record,
            StreamEnd {
                sender,
                metadata,
                ..end
            },
        ))
    }

    /// Reads and checks everything behind the last record, and keeps the manifest.
    pub(crate) fn verify_by_offset(&self, source: &dyn ReadAt) -> Result<VerifiedTrailer, SealError> {
        let mut position = self.record.offset.get();
        let (record, entries) = self.read_manifest(source, &mut position)?;
        let mut crc = Crc64Joiner::default();
        crc.append(record.crc64, record.size);
        let mut rest = ChecksummedReader {
            reader: ReadAtCursor::new(source, position),
            crc: Crc64::default(),
            size: 0,
        };
        let end = self.read_rest(&mut rest, position)?;
        crc.append(rest.crc.value(), rest.size);
        record.verdict?;
        let metadata = record.metadata;
        let manifest = EndRecord {
            plaintext_total: record.plaintext_total,
            extensions: record.extensions,
            entries,
        };
        let sender = check_sender(self.header, &manifest, self.senders)?;
        Ok(VerifiedTrailer {
            manifest,
            offset: self.record.offset,
            end: StreamEnd {
                sender,
                metadata: metadata?,
                ..end
            },
            crc64: crc.value(),
        })
    }

    /// Reads the end record as [`read_record`](Self::read_record) does, with its manifest, which is complete if the record has no
    /// failure. A large one is read twice, so that it is held only after its MAC has verified.
    pub(crate) fn read_manifest(
        &self,
        source: &dyn ReadAt,
        position: &mut u64,
    ) -> Result<(ScannedEnd, Manifest), SealError> {
        let start = *position;
        let mut kept = Vec::new();
        let mut is_large = false;
        let mut record = self.read_record(
            &mut ReadAtCursor::new(source, start),
            position,
            &mut |kind, bytes| {
                if kind == EndBytes::Entries {
                    is_large |= kept.len() + bytes.len() > HELD;
                    if !is_large {
                        kept.extend_from_slice(bytes);
                    }
                }
            },
        )?;
        if is_large && record.verdict.is_ok() {
            kept = Vec::new();
            *position = start;
            // The source may have changed meanwhile, so the bytes in memory are verified too.
            record = self.read_record(
                &mut ReadAtCursor::new(source, start),
                position,
                &mut |kind, bytes| {
                    if kind == EndBytes::Entries {
                        kept.extend_from_slice(bytes);
                    }
                },
            )?;
        }
        let manifest = Manifest::of_bytes(self.record.geometry.digest(), kept);
        Ok((record, manifest))
    }

    /// Reads and checks what follows the end record: the header's copy, the footer, and that nothing is behind it.
    fn read_rest(&self, reader: &mut dyn Read, mut position: u64) -> Result<StreamEnd, SealError> {
        let copy = self.read_copy(reader, &mut position)?;
        self.read_footer(reader, &mut position)?;
        self.read_beyond(reader, position)?;
        Ok(StreamEnd {
            sealed_size: position,
            header_copy_damaged: copy == HeaderCopy::Damaged,
            metadata: None,
            sender: None,
        })
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
            end_size: position.saturating_sub(self.record.offset.get()),
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

    /// Reads the end record at `position` and checks its checksum. The caller looks at its verdict.
    pub(crate) fn read_record(
        &self,
        reader: &mut dyn Read,
        position: &mut u64,
        take: &mut dyn FnMut(EndBytes, &[u8]),
    ) -> Result<ScannedEnd, SealError> {
        let failure = match self.record.run(reader, position, take) {
            Ok(record) => return Ok(record),
            Err(failure) => failure,
        };
        Err(match failure {
            ScanFailure::Failed(failure) => failure,
            ScanFailure::Truncated => self.truncated(*position),
            ScanFailure::Marker(bytes) => self
                .another_segment(reader, bytes, position)
                .unwrap_or_else(|| SealError::end_damaged(EndPart::EndRecord, self.record.offset.get())),
        })
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
        Some(
            SegmentWorkerError::invalid(SegmentIndex::new(self.record.segments), self.record.offset, error)
                .into(),
        )
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
        self.record.truncated(position).after(self.verified_bytes)
    }
}

/// Computes the CRC of what is read.
struct ChecksummedReader<R> {
    reader: R,
    crc: Crc64,
    size: u64,
}

impl<R: Read> Read for ChecksummedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.crc.update(buffer.get(..read).unwrap_or_default());
        self.size += read as u64;
        Ok(read)
    }
}

/// Bytes of a manifest that may be held before its MAC has verified: that of a stream of tens of thousands of segments is then read
/// once.
const HELD: usize = 1024 * 1024;
