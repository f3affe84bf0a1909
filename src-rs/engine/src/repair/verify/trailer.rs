//! Checks the parts of the trailer one by one, so that one problem does not hide others.

use super::extent::Extent;
use super::problems::{Problem, Problems};
use crate::crypto::EndKey;
use crate::error::{EndPart, SealError};
use crate::format::{
    ByteRange, END_MARKER, EndRecord, FOOTER_SIZE, Manifest, ManifestEntry, SEGMENT_HEADER_SIZE,
    SegmentHeader, SegmentHeaderError, SegmentIndex, StreamHeader, WireOffset, end_record_size,
};
use crate::keys::{SenderKey, SenderStatus};
use crate::repair::stored_manifest::StoredManifest;
use crate::stream_v2::core::end_scan::ScannedEnd;
use crate::stream_v2::core::locate::find_footer;
use crate::stream_v2::core::sender::{SenderScan, check_sender};
use crate::stream_v2::core::trailer::{ExpectedTrailer, HeaderCopy};
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io::IoSliceMut;

/// The manifest by which records are checked.
pub(super) enum NamedRecords {
    /// It is authentic.
    Verified(Manifest),
    /// Its checksum is right.
    Stored(StoredManifest),
}

impl NamedRecords {
    /// The entry of a segment.
    pub(super) fn entry(&self, source: &dyn ReadAt, segment: SegmentIndex) -> Option<ManifestEntry> {
        match self {
            Self::Verified(manifest) => manifest.entry(segment),
            Self::Stored(manifest) => manifest.entry(source, segment),
        }
    }
}

/// Who signed a manifest, or why the stream must be refused for it.
type CheckedSender = Result<Option<SenderStatus>, SealError>;

/// What was found at the end: the manifest, and who signed it.
type NamedAndSigned = (NamedRecords, Option<SenderStatus>);

/// Checks the trailer. Returns the manifest if it is sound and, with a key, authentic, and the sender that signed it.
pub(super) fn check(
    source: &dyn ReadAt,
    size: u64,
    header: &StreamHeader,
    (end_key, senders): (Option<&EndKey>, Option<&[SenderKey]>),
    max_manifest_size: u64,
    extent: &Extent,
    problems: &Problems,
) -> Result<Option<NamedAndSigned>, SealError> {
    let Some(total) = extent.total.filter(|_| extent.is_whole) else {
        add_missing(source, size, header, extent, problems)?;
        return Ok(None);
    };
    let trailer = TrailerCheck {
        source,
        size,
        expected: ExpectedTrailer {
            senders,
            ..ExpectedTrailer::after(header, total, end_key, max_manifest_size)
        },
        problems,
    };
    trailer.run()
}

/// Checks the trailer of a stream whose records all fit into the source.
struct TrailerCheck<'a> {
    source: &'a dyn ReadAt,
    size: u64,
    expected: ExpectedTrailer<'a>,
    problems: &'a Problems,
}

impl TrailerCheck<'_> {
    fn run(&self) -> Result<Option<NamedAndSigned>, SealError> {
        let scan = &self.expected.record;
        let offset = scan.offset.get();
        let mut position = offset;
        let failure = match self.read_record(&mut position) {
            Ok((record, named, sender)) => {
                self.check_rest(position)?;
                let (failure, found) = match (record.verdict, sender, record.metadata) {
                    (Err(failure), ..) => (failure, None),
                    (Ok(()), Err(failure), _) => (failure, Some((named, None))),
                    (Ok(()), Ok(_), Err(failure)) => (failure, None),
                    (Ok(()), Ok(sender), Ok(_)) => return Ok(Some((named, sender))),
                };
                self.problems
                    .add_at(ByteRange::at(offset, record.size), failure)?;
                return Ok(found);
            }
            Err(failure) => failure,
        };
        // The size of a damaged end record is not known. The rest is found from a sound footer, or else where it is without
        // extensions, which no version has so far.
        let shortest = end_record_size(scan.geometry.digest(), scan.segments, 0);
        let rest = self.copy_size() + FOOTER_SIZE as u64;
        if matches!(failure, SealError::Truncated { .. }) {
            self.problems
                .add_at(ByteRange::at(offset, shortest + rest), failure)?;
            return Ok(None);
        }
        self.problems.add_at(ByteRange::at(offset, shortest), failure)?;
        let after = offset + shortest;
        match find_footer(self.source, self.size) {
            Some(_) => self
                .check_copy(after.max(self.size.saturating_sub(rest)))
                .map(drop)?,
            None => self.check_rest(after)?,
        }
        Ok(None)
    }

    /// Reads the end record, and checks who signed it. Its manifest is held if a key or a signature can prove it.
    fn read_record(
        &self,
        position: &mut u64,
    ) -> Result<(ScannedEnd, NamedRecords, CheckedSender), SealError> {
        let scan = &self.expected.record;
        if scan.end_key.is_some() || self.expected.senders.is_some() {
            let (record, entries) = self.expected.read_manifest(self.source, position)?;
            let end = EndRecord {
                plaintext_total: record.plaintext_total,
                extensions: record.extensions.clone(),
                entries,
            };
            let sender = check_sender(self.expected.header, &end, self.expected.senders);
            return Ok((record, NamedRecords::Verified(end.entries), sender));
        }
        let mut reader = self.cursor(*position);
        let mut signed = SenderScan::new(self.expected.header, scan);
        let record = self
            .expected
            .read_record(&mut reader, position, &mut |kind, bytes| signed.take(kind, bytes))?;
        let sender = signed.check(&record.extensions, None);
        let stored = StoredManifest::new(
            record.entries_at(scan.offset),
            scan.geometry.digest(),
            scan.segments,
        );
        Ok((record, NamedRecords::Stored(stored), sender))
    }

    /// Checks the header's copy and the footer, which start at `at`, and that the stream ends there.
    fn check_rest(&self, at: u64) -> Result<(), SealError> {
        if !self.check_copy(at)? {
            return Ok(());
        }
        let footer_at = at.saturating_add(self.copy_size());
        let mut position = footer_at;
        let footer = self
            .expected
            .read_footer(&mut self.cursor(footer_at), &mut position);
        if let Err(failure) = footer {
            let is_truncated = matches!(failure, SealError::Truncated { .. });
            self.problems
                .add_at(ByteRange::at(footer_at, FOOTER_SIZE as u64), failure)?;
            if is_truncated {
                return Ok(());
            }
        }
        let end = footer_at.saturating_add(FOOTER_SIZE as u64);
        let Err(failure) = self.expected.read_beyond(&mut self.cursor(end), end) else {
            return Ok(());
        };
        let beyond = self.size.saturating_sub(end).max(1);
        self.problems.add_at(ByteRange::at(end, beyond), failure)
    }

    /// Checks the header's copy, which starts at `at`. Returns whether the source continues after it.
    fn check_copy(&self, at: u64) -> Result<bool, SealError> {
        let size = self.copy_size();
        let failure = match self.expected.read_copy(&mut self.cursor(at), &mut { at }) {
            Ok(HeaderCopy::None | HeaderCopy::Same) => return Ok(true),
            Ok(HeaderCopy::Newer { revision }) => {
                add_interrupted(self.problems, self.expected.header, revision)?;
                return Ok(true);
            }
            Ok(HeaderCopy::Other | HeaderCopy::Damaged) => SealError::HeaderCopyDamaged {
                offset: WireOffset::new(at),
            },
            Err(failure @ SealError::Truncated { .. }) => {
                self.problems
                    .add_at(ByteRange::at(at, size + FOOTER_SIZE as u64), failure)?;
                return Ok(false);
            }
            Err(failure) => failure,
        };
        self.problems.add_at(ByteRange::at(at, size), failure)?;
        Ok(true)
    }

    fn copy_size(&self) -> u64 {
        self.expected.header.copy_size()
    }

    fn cursor(&self, at: u64) -> ReadAtCursor<'_> {
        ReadAtCursor::new(self.source, at)
    }
}

/// Adds the problem of a sound header that is older than its copy.
pub(super) fn add_interrupted(
    problems: &Problems,
    header: &StreamHeader,
    copy_revision: u16,
) -> Result<(), SealError> {
    let failure = SealError::RewrapInterrupted {
        revision: header.revision,
        copy_revision,
    };
    problems.add_at(ByteRange::at(0, u64::from(header.size())), failure)
}

/// Adds the problem of missing segments.
fn add_missing(
    source: &dyn ReadAt,
    size: u64,
    header: &StreamHeader,
    extent: &Extent,
    problems: &Problems,
) -> Result<(), SealError> {
    let geometry = &header.core.geometry;
    let next_segment = SegmentIndex::new(extent.present);
    let at = geometry.record_offset(header.size(), next_segment);
    let plaintext_at = geometry.plaintext_offset(next_segment);
    if let Some(total) = extent.total {
        let end = geometry.trailer_offset(header.size(), total);
        return problems.add(Problem {
            segment: Some(next_segment),
            segment_count: geometry.segment_count(total).saturating_sub(extent.present),
            plaintext: Some(ByteRange {
                start: plaintext_at,
                end: total,
            }),
            sealed: ByteRange { start: at.get(), end },
            failure: SealError::truncated(next_segment, size),
        });
    }
    // Neither the trailer nor a final segment was found. If the next segment starts here, it is truncated.
    let mut bytes = [0; SEGMENT_HEADER_SIZE];
    let read = source.read_at(at.get(), &mut [IoSliceMut::new(&mut bytes)]);
    let failure = match read {
        Err(error) => SealError::reading(error),
        Ok(read) if read < bytes.len() => SealError::truncated(next_segment, size),
        Ok(_) if bytes.starts_with(&END_MARKER) => {
            let error = SegmentHeaderError::end_too_early(next_segment);
            SegmentWorkerError::invalid(next_segment, at, error).into()
        }
        Ok(_) => {
            let found = SegmentHeader::parse(&bytes, geometry);
            match found.and_then(|found| found.check_place(next_segment, None, geometry)) {
                Ok(()) => SealError::truncated(next_segment, size),
                Err(error) => SegmentWorkerError::invalid(next_segment, at, error).into(),
            }
        }
    };
    let is_truncated = matches!(failure, SealError::Truncated { .. });
    let lost = u64::from(geometry.segment_size());
    problems.add(Problem {
        segment: Some(next_segment),
        segment_count: 1,
        plaintext: Some(ByteRange::at(plaintext_at, lost)),
        sealed: ByteRange {
            start: at.get(),
            end: size.max(at.get()),
        },
        failure,
    })?;
    if is_truncated {
        return Ok(());
    }
    let (part, offset) = match find_footer(source, size) {
        Some(footer) => (EndPart::EndRecord, size.saturating_sub(footer.end_size)),
        None => (EndPart::Footer, size.saturating_sub(FOOTER_SIZE as u64)),
    };
    let sealed = ByteRange {
        start: offset,
        end: size,
    };
    problems.add_at(sealed, SealError::end_damaged(part, offset))
}
