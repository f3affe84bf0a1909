//! Reads segment headers at their expected offsets, to find the length of a stream whose header and trailer do not state it.

use crate::format::{SegmentHeader, SegmentIndex, StreamHeader};
use crate::stream_v2::core::locate::read_array;
use crate::stream_v2::io::ReadAt;

/// The header of segment `index`, if it stands where its record should start.
pub(super) fn segment_header_at(
    source: &dyn ReadAt,
    header: &StreamHeader,
    index: SegmentIndex,
) -> Option<SegmentHeader> {
    let geometry = &header.core.geometry;
    let offset = geometry.record_offset(header.size(), index).get();
    let found = SegmentHeader::parse(&read_array(source, offset)?, geometry).ok()?;
    (found.index == index).then_some(found)
}
