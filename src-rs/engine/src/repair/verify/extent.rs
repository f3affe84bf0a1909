//! How far a stream goes: what it should hold, and what of that is there.

use super::sample::Selection;
use crate::error::SealError;
use crate::format::{Geometry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex, StreamHeader};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::core::locate::claimed_total;
use crate::stream_v2::io::ReadAt;
use std::io::IoSliceMut;

/// The segments of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Plaintext bytes: what the header states, or the end, or else the record that calls itself the last.
    pub(super) total: Option<u64>,
    /// Segments from the first on whose records the source has room for. Where the total is not known, those up to the last
    /// one that can be told for a segment.
    pub(super) present: u64,
    /// Whether all records are there, so that the end is behind them.
    pub(super) is_whole: bool,
}

impl Extent {
    /// Looks at what the stream says of itself, and where it says nothing, at every segment's header.
    pub(super) fn measure(
        source: &dyn ReadAt,
        size: u64,
        header: &StreamHeader,
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        let stated = header.core.plaintext_size;
        if let Some(total) = stated.or_else(|| claimed_total(source, size, header)) {
            return Ok(Self::of_total(total, size, header));
        }
        let geometry = &header.core.geometry;
        let mut told = 0;
        for index in (0..).map(SegmentIndex::new) {
            cancel.check()?;
            let at = geometry.record_offset(header.size(), index).get();
            if size.saturating_sub(at) < SEGMENT_HEADER_SIZE as u64 {
                break;
            }
            match header_at(source, at, index, geometry) {
                Some(found) if found.is_final => {
                    let total = geometry.plaintext_offset(index) + u64::from(found.plaintext_size);
                    return Ok(Self::of_total(total, size, header));
                }
                Some(_) => told = index.get() + 1,
                // Every record but the last has one size, so the next can be found behind a damaged one.
                None => {}
            }
        }
        let room = size.saturating_sub(u64::from(header.size())) / geometry.full_record_size();
        Ok(Self {
            total: None,
            present: told.min(room),
            is_whole: false,
        })
    }

    fn of_total(total: u64, size: u64, header: &StreamHeader) -> Self {
        let geometry = &header.core.geometry;
        let segments = geometry.segment_count(total);
        let behind_header = size.saturating_sub(u64::from(header.size()));
        let is_whole = behind_header >= geometry.records_size(total);
        let whole = (behind_header / geometry.full_record_size()).min(segments - 1);
        Self {
            total: Some(total),
            present: if is_whole { segments } else { whole },
            is_whole,
        }
    }

    /// Bytes of the records of selected segments.
    pub(super) fn selected_size(&self, geometry: &Geometry, selection: &Selection) -> u64 {
        let full = selection.count().saturating_mul(geometry.full_record_size());
        let Some(last) = selection.count().checked_sub(1) else {
            return 0;
        };
        let last = selection.segment(SegmentIndex::new(last));
        full - geometry.full_record_size() + geometry.record_size(geometry.plaintext_due(self.total, last))
    }
}

/// The header of the segment `index`, where one stands at `at`.
fn header_at(
    source: &dyn ReadAt,
    at: u64,
    index: SegmentIndex,
    geometry: &Geometry,
) -> Option<SegmentHeader> {
    let mut bytes = [0; SEGMENT_HEADER_SIZE];
    // What can't be read is told when the segment is checked.
    let read = source.read_at(at, &mut [IoSliceMut::new(&mut bytes)]).ok()?;
    let header = SegmentHeader::parse(&bytes, geometry).ok()?;
    (read == bytes.len() && header.index == index).then_some(header)
}
