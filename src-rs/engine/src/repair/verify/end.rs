//! The end of a stream, part by part: what is wrong with one does not hide the others.

use super::extent::Extent;
use super::problems::{Problem, Problems};
use crate::crypto::EndKey;
use crate::error::{EndPart, SealError};
use crate::format::{
    ByteRange, END_MARKER, EndRecord, FOOTER_SIZE, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError,
    SegmentIndex, StreamHeader, WireOffset, end_record_size,
};
use crate::stream_v2::core::locate::find_footer;
use crate::stream_v2::core::trailer::{ExpectedTrailer, HeaderCopy};
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use crate::stream_v2::segment_worker::SegmentWorkerError;
use std::io::IoSliceMut;

/// The manifest that each segment must agree with.
pub(super) struct Manifest {
    pub(super) record: EndRecord,
    /// Where it stands.
    pub(super) offset: WireOffset,
}

/// Checks what is behind the segments that are present, and returns the manifest if it is sound; with a key, authentic.
pub(super) fn check(
    source: &dyn ReadAt,
    size: u64,
    header: &StreamHeader,
    end_key: Option<&EndKey>,
    extent: &Extent,
    problems: &Problems,
) -> Result<Option<Manifest>, SealError> {
    let Some(total) = extent.total.filter(|_| extent.is_whole) else {
        missing(source, size, header, extent, problems)?;
        return Ok(None);
    };
    let geometry = &header.core.geometry;
    let end = End {
        source,
        size,
        expectation: ExpectedTrailer {
            header,
            end_key,
            offset: WireOffset::new(u64::from(header.size()) + geometry.records_size(total)),
            segments: geometry.segment_count(total),
            plaintext_total: total,
            entries: None,
            verified_bytes: 0,
        },
        problems,
    };
    let (manifest, rest) = end.check_record()?;
    match rest {
        Rest::Nothing => {}
        Rest::From(at) => end.check_rest(at)?,
        Rest::BeforeFooter(at) => end.check_copy(at).map(drop)?,
    }
    Ok(manifest)
}

/// The end of a stream whose records are all there.
struct End<'a> {
    source: &'a dyn ReadAt,
    size: u64,
    expectation: ExpectedTrailer<'a>,
    problems: &'a Problems,
}

/// What is left to be checked behind the end record.
enum Rest {
    /// The source ends in the record.
    Nothing,
    /// The header's copy and the footer, which start here.
    From(u64),
    /// The header's copy, which starts here: there is a sound footer at the source's end, but what leads up to it is
    /// damaged.
    BeforeFooter(u64),
}

impl End<'_> {
    fn check_record(&self) -> Result<(Option<Manifest>, Rest), SealError> {
        let offset = self.expectation.offset;
        let mut position = offset.get();
        let failure = match self
            .expectation
            .read_record(&mut self.cursor(position), &mut position)
        {
            Ok(record) => return Ok((Some(Manifest { record, offset }), Rest::From(position))),
            Err(failure) => failure,
        };
        // The size of a record that is damaged is not known. What is behind it is then looked for from a sound footer, and
        // else where it is without extensions, which no version has so far.
        let shortest = end_record_size(self.expectation.segments, 0);
        let behind = offset.get() + shortest;
        let from_behind = self.copy_size() + FOOTER_SIZE as u64;
        if matches!(failure, SealError::Truncated { .. }) {
            self.tell(ByteRange::at(offset.get(), shortest + from_behind), failure)?;
            return Ok((None, Rest::Nothing));
        }
        self.tell(ByteRange::at(offset.get(), shortest), failure)?;
        let rest = match find_footer(self.source, self.size) {
            Some(_) => Rest::BeforeFooter(behind.max(self.size.saturating_sub(from_behind))),
            None => Rest::From(behind),
        };
        Ok((None, rest))
    }

    /// Checks the header's copy and the footer, which start at `at`, and that nothing is behind them.
    fn check_rest(&self, at: u64) -> Result<(), SealError> {
        if !self.check_copy(at)? {
            return Ok(());
        }
        let footer_at = at.saturating_add(self.copy_size());
        let mut position = footer_at;
        let footer = self
            .expectation
            .read_footer(&mut self.cursor(footer_at), &mut position);
        if let Err(failure) = footer {
            let is_cut = matches!(failure, SealError::Truncated { .. });
            self.tell(ByteRange::at(footer_at, FOOTER_SIZE as u64), failure)?;
            if is_cut {
                return Ok(());
            }
        }
        let end = footer_at.saturating_add(FOOTER_SIZE as u64);
        let Err(failure) = self.expectation.read_beyond(&mut self.cursor(end), end) else {
            return Ok(());
        };
        let beyond = self.size.saturating_sub(end).max(1);
        self.tell(ByteRange::at(end, beyond), failure)
    }

    /// Checks the header's copy, which starts at `at`. Returns whether the source goes on behind it.
    fn check_copy(&self, at: u64) -> Result<bool, SealError> {
        let size = self.copy_size();
        let failure = match self.expectation.read_copy(&mut self.cursor(at), &mut { at }) {
            Ok(HeaderCopy::None | HeaderCopy::Same) => return Ok(true),
            Ok(HeaderCopy::Newer { revision }) => {
                let header = self.expectation.header;
                self.problems.add(interrupted(header, revision))?;
                return Ok(true);
            }
            Ok(HeaderCopy::Other | HeaderCopy::Damaged) => SealError::HeaderCopyDamaged {
                offset: WireOffset::new(at),
            },
            Err(failure @ SealError::Truncated { .. }) => {
                self.tell(ByteRange::at(at, size + FOOTER_SIZE as u64), failure)?;
                return Ok(false);
            }
            Err(failure) => failure,
        };
        self.tell(ByteRange::at(at, size), failure)?;
        Ok(true)
    }

    fn tell(&self, wire: ByteRange, failure: SealError) -> Result<(), SealError> {
        self.problems.add(Problem {
            segment: None,
            plaintext: None,
            wire,
            failure,
        })
    }

    fn copy_size(&self) -> u64 {
        self.expectation.header.copy_size()
    }

    fn cursor(&self, at: u64) -> ReadAtCursor<'_> {
        ReadAtCursor::new(self.source, at)
    }
}

/// A header that is sound, and older than its copy.
pub(super) fn interrupted(header: &StreamHeader, copy_revision: u16) -> Problem {
    Problem {
        segment: None,
        plaintext: None,
        wire: ByteRange::at(0, u64::from(header.size())),
        failure: SealError::RewrapInterrupted {
            revision: header.revision,
            copy_revision,
        },
    }
}

/// Tells what is missing: some of the segments with all that is behind them, or where they end.
fn missing(
    source: &dyn ReadAt,
    size: u64,
    header: &StreamHeader,
    extent: &Extent,
    problems: &Problems,
) -> Result<(), SealError> {
    let geometry = &header.core.geometry;
    let next_segment = SegmentIndex::new(extent.present);
    let at = geometry.record_offset(header.size(), next_segment);
    let plain = geometry.plaintext_offset(next_segment);
    if let Some(total) = extent.total {
        let end = u64::from(header.size()).saturating_add(geometry.records_size(total));
        return problems.add(Problem {
            segment: Some(next_segment),
            plaintext: Some(ByteRange {
                start: plain,
                end: total,
            }),
            wire: ByteRange { start: at.get(), end },
            failure: cut(next_segment, size),
        });
    }
    // Neither the end nor a last segment is to be found. If the segment that is due stands here, it is cut.
    let mut bytes = [0; SEGMENT_HEADER_SIZE];
    let read = source.read_at(at.get(), &mut [IoSliceMut::new(&mut bytes)]);
    let failure = match read {
        Err(error) => SealError::reading(error),
        Ok(read) if read < bytes.len() => cut(next_segment, size),
        Ok(_) if bytes.starts_with(&END_MARKER) => {
            let error = SegmentHeaderError::end_too_early(next_segment);
            SegmentWorkerError::invalid(next_segment, at, error).into()
        }
        Ok(_) => {
            let found = SegmentHeader::parse(&bytes, geometry);
            match found.and_then(|found| found.check_place(next_segment, None, geometry)) {
                Ok(()) => cut(next_segment, size),
                Err(error) => SegmentWorkerError::invalid(next_segment, at, error).into(),
            }
        }
    };
    let is_cut = matches!(failure, SealError::Truncated { .. });
    let lost = u64::from(geometry.segment_size());
    problems.add(Problem {
        segment: Some(next_segment),
        plaintext: Some(ByteRange::at(plain, lost)),
        wire: ByteRange {
            start: at.get(),
            end: size.max(at.get()),
        },
        failure,
    })?;
    if is_cut {
        return Ok(());
    }
    let (part, offset) = match find_footer(source, size) {
        Some(footer) => (EndPart::EndRecord, size.saturating_sub(footer.end_size)),
        None => (EndPart::Footer, size.saturating_sub(FOOTER_SIZE as u64)),
    };
    problems.add(Problem {
        segment: None,
        plaintext: None,
        wire: ByteRange {
            start: offset,
            end: size,
        },
        failure: SealError::EndDamaged {
            part,
            offset: WireOffset::new(offset),
        },
    })
}

fn cut(next_segment: SegmentIndex, size: u64) -> SealError {
    SealError::Truncated {
        next_segment,
        verified_bytes: 0,
        offset: WireOffset::new(size),
    }
}
