//! The expected and the available size of a stream.

use super::sample::Selection;
use crate::error::SealError;
use crate::format::{Geometry, SEGMENT_HEADER_SIZE, SegmentIndex, StreamHeader};
use crate::operation::cancel::CancellationToken;
use crate::repair::segment_headers::segment_header_at;
use crate::stream_v2::core::locate::claimed_total;
use crate::stream_v2::io::ReadAt;

/// The expected and the available segments of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Plaintext bytes as stated by the header, or else the trailer, or else the final record.
    pub(super) total: Option<u64>,
    /// Segments from the first on whose records fit into the source. If the total is not known: up to the last segment header.
    pub(super) present: u64,
    /// Whether all records fit, so that the trailer follows them.
    pub(super) is_whole: bool,
}

impl Extent {
    /// Uses the size that the stream states, or else looks for every segment's header.
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
        let (mut seen, mut absent) = (0, 0);
        for index in (0..).map(SegmentIndex::new) {
            cancel.check()?;
            let at = geometry.record_offset(header.size(), index).get();
            if size.saturating_sub(at) < SEGMENT_HEADER_SIZE as u64 {
                break;
            }
            match segment_header_at(source, header, index) {
                Some(found) if found.is_final => {
                    let total = geometry
                        .plaintext_offset(index)
                        .saturating_add(u64::from(found.plaintext_size));
                    return Ok(Self::of_total(total, size, header));
                }
                Some(_) => (seen, absent) = (index.get().saturating_add(1), 0),
                // All records but the last have the same size, so the next one can be found. But a sparse file can claim any number.
                None if absent == MAX_ABSENT => break,
                None => absent += 1,
            }
        }
        let room = size.saturating_sub(u64::from(header.size())) / geometry.full_record_size();
        Ok(Self {
            total: None,
            present: seen.min(room),
            is_whole: false,
        })
    }

    fn of_total(total: u64, size: u64, header: &StreamHeader) -> Self {
        let geometry = &header.core.geometry;
        let segments = geometry.segment_count(total);
        let after_header = size.saturating_sub(u64::from(header.size()));
        let is_whole = after_header >= geometry.records_size(total);
        let whole = (after_header / geometry.full_record_size()).min(segments - 1);
        Self {
            total: Some(total),
            present: if is_whole { segments } else { whole },
            is_whole,
        }
    }

    /// Bytes of the records of the selected segments.
    pub(super) fn selected_size(&self, geometry: &Geometry, selection: &Selection) -> u64 {
        let full = selection.count().saturating_mul(geometry.full_record_size());
        let Some(last) = selection.count().checked_sub(1) else {
            return 0;
        };
        let last = selection.segment(SegmentIndex::new(last));
        full - geometry.full_record_size()
            + geometry.record_size(geometry.expected_plaintext(self.total, last))
    }
}

/// Headers of segments that are looked for behind the last that was found: 4 GiB of segments of the default size.
const MAX_ABSENT: u64 = 4096;
