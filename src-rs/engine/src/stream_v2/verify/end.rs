//! The end of a stream, part by part: what is wrong with one does not hide the others.

use super::extent::{Extent, plaintext_of};
use super::problems::{Problem, Problems};
use crate::crypto::EndKey;
use crate::headers::{
    ByteRange, END_MARKER, EndRecord, FOOTER_SIZE, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError,
    SegmentIndex, StreamHeader, WireOffset, end_record_size,
};
use crate::stream_v2::ending::{EndExpectation, HeaderCopy};
use crate::stream_v2::failure::{EndPart, SealFailure};
use crate::stream_v2::incoming::find_footer;
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
) -> Result<Option<Manifest>, SealFailure> {
    let Some(total) = extent.total.filter(|_| extent.is_whole) else {
        missing(source, size, header, extent, problems)?;
        return Ok(None);
    };
    let geometry = &header.core.geometry;
    let segments = geometry.segment_count(total);
    let offset = WireOffset::new(u64::from(header.size()) + geometry.records_size(total));
    let expectation = EndExpectation {
        header,
        end_key,
        offset,
        segments,
        plaintext_total: total,
        entries: None,
        verified_bytes: 0,
    };
    let tell = |wire, failure| {
        problems.add(Problem {
            segment: None,
            plaintext: None,
            wire,
            failure,
        })
    };
    let copy_size = if header.core.header_copy {
        u64::from(header.size())
    } else {
        0
    };
    let shortest = end_record_size(segments, 0);
    let mut position = offset.get();
    let record = expectation.read_record(&mut ReadAtCursor::new(source, position), &mut position);
    // The size of a record that is damaged is not known. What is behind it is then looked for from a sound footer, and
    // else where it is without extensions, which no version has so far.
    let mut is_from_behind = false;
    let manifest = match record {
        Ok(record) => Some(Manifest { record, offset }),
        Err(failure) => {
            let is_cut = matches!(failure, SealFailure::Truncated { .. });
            let rest = if is_cut {
                shortest + copy_size + FOOTER_SIZE as u64
            } else {
                shortest
            };
            tell(ByteRange::at(offset.get(), rest), failure)?;
            if is_cut {
                return Ok(None);
            }
            is_from_behind = find_footer(source, size).is_some();
            position = offset.get() + shortest;
            if is_from_behind {
                position = position.max(size.saturating_sub(FOOTER_SIZE as u64 + copy_size));
            }
            None
        }
    };

    let copy_at = position;
    let copied = expectation.read_copy(&mut ReadAtCursor::new(source, copy_at), &mut position);
    position = copy_at.saturating_add(copy_size);
    let copy_failure = match copied {
        Ok(HeaderCopy::None | HeaderCopy::Same) => None,
        Ok(HeaderCopy::Other | HeaderCopy::Damaged) => Some(SealFailure::HeaderCopyDamaged {
            offset: WireOffset::new(copy_at),
        }),
        Err(failure @ SealFailure::Truncated { .. }) => {
            tell(ByteRange::at(copy_at, copy_size + FOOTER_SIZE as u64), failure)?;
            return Ok(manifest);
        }
        Err(failure) => Some(failure),
    };
    if let Some(failure) = copy_failure {
        tell(ByteRange::at(copy_at, copy_size), failure)?;
    }
    if is_from_behind {
        return Ok(manifest);
    }

    let footer_at = position;
    let footer = expectation.read_footer(&mut ReadAtCursor::new(source, footer_at), &mut position);
    position = footer_at.saturating_add(FOOTER_SIZE as u64);
    if let Err(failure) = footer {
        let is_cut = matches!(failure, SealFailure::Truncated { .. });
        tell(ByteRange::at(footer_at, FOOTER_SIZE as u64), failure)?;
        if is_cut {
            return Ok(manifest);
        }
    }
    if let Err(failure) = expectation.read_beyond(&mut ReadAtCursor::new(source, position), position) {
        let beyond = size.saturating_sub(position).max(1);
        tell(ByteRange::at(position, beyond), failure)?;
    }
    Ok(manifest)
}

/// Tells what is missing: some of the segments with all that is behind them, or where they end.
fn missing(
    source: &dyn ReadAt,
    size: u64,
    header: &StreamHeader,
    extent: &Extent,
    problems: &Problems,
) -> Result<(), SealFailure> {
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
        Err(error) => SealFailure::reading(error),
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
    let is_cut = matches!(failure, SealFailure::Truncated { .. });
    let lost = u64::from(plaintext_of(None, geometry, next_segment));
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
        failure: SealFailure::EndDamaged {
            part,
            offset: WireOffset::new(offset),
        },
    })
}

fn cut(next_segment: SegmentIndex, size: u64) -> SealFailure {
    SealFailure::Truncated {
        next_segment,
        verified_bytes: 0,
        offset: WireOffset::new(size),
    }
}
