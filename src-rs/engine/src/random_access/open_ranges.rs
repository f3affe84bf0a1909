//! Byte ranges needed to open a stream, computed without a key from its first and last bytes.

use crate::format::{
    ByteRange, DigestKind, FOOTER_SIZE, Footer, Geometry, MAX_END_EXTENSIONS, MAX_HEADER_SIZE,
    MIN_FRAME_SIZE, StreamCore, StreamHeader, check_prefix, end_record_size,
};

/// The ranges that [`SeekableStream::open`](crate::stream_v2::core::seekable::SeekableStream::open) will read of a source
/// of `size` bytes, besides its first bytes, `head`, and its last bytes, `tail`: at least 4,096 of each, or all. In order,
/// without overlaps.
///
/// `head` and `tail` are not authenticated, so the ranges are limited to what a stream of this size can have: about 9% of
/// it and 1 MiB.
#[must_use]
pub fn open_ranges(size: u64, head: &[u8], tail: &[u8]) -> Vec<ByteRange> {
    let mut wanted = Wanted {
        unknown: ByteRange {
            start: head.len() as u64,
            end: size.saturating_sub(tail.len() as u64),
        },
        size,
        ranges: Vec::new(),
    };
    match StreamHeader::parse(head) {
        Ok(header) if header.core.plaintext_size.is_some() => {
            wanted.end_by_header(&header.core, header.size())
        }
        Ok(header) => {
            let geometry = &header.core.geometry;
            wanted.end_by_footer(tail, geometry.digest(), geometry.full_record_size());
        }
        Err(_) => {
            if let Ok(header_size) = check_prefix(head) {
                wanted.add(ByteRange::at(0, header_size.into()));
                if let Some(core) = StreamCore::claimed(head) {
                    wanted.end_by_header(&core, header_size);
                }
            }
            wanted.end_by_footer(tail, DigestKind::Sha512, smallest_record());
        }
    }
    wanted.merged()
}

struct Wanted {
    /// The bytes between head and tail.
    unknown: ByteRange,
    size: u64,
    ranges: Vec<ByteRange>,
}

impl Wanted {
    /// Adds the end, whose offset follows from the plaintext size in the header.
    fn end_by_header(&mut self, core: &StreamCore, header_size: u32) {
        let Some(total) = core.plaintext_size else {
            return;
        };
        let start = core.geometry.trailer_offset(header_size, total);
        let copy = if core.header_copy { header_size } else { 0 };
        let most = most_of_end(core.geometry.digest(), core.geometry.segment_count(total), copy);
        self.add(ByteRange::at(start, most));
    }

    /// Adds the end as a valid footer states it. `digest` is the largest that the
    /// records can have, and `record_size` the size of the smallest full record.
    fn end_by_footer(&mut self, tail: &[u8], digest: DigestKind, record_size: u64) {
        let Some(footer) = tail.last_chunk().and_then(Footer::parse) else {
            return;
        };
        if let Some(start) = self.size.checked_sub(footer.end_size) {
            let most = most_of_end(digest, self.size / record_size + 1, MAX_HEADER_SIZE);
            self.add(ByteRange::at(start, most.min(footer.end_size)));
        }
    }

    /// Adds the part of a range that is between head and tail.
    fn add(&mut self, range: ByteRange) {
        let range = ByteRange {
            start: range.start.max(self.unknown.start),
            end: range.end.min(self.unknown.end),
        };
        if range.size() > 0 {
            self.ranges.push(range);
        }
    }

    fn merged(mut self) -> Vec<ByteRange> {
        self.ranges.sort_by_key(|range| range.start);
        let mut merged: Vec<ByteRange> = Vec::new();
        for range in self.ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

/// Most bytes of the end of a stream with `segments` segments, and one byte more: the source must not have it.
fn most_of_end(digest: DigestKind, segments: u64, copy: u32) -> u64 {
    let record = end_record_size(digest, segments, MAX_END_EXTENSIONS.into());
    record.saturating_add(u64::from(copy) + FOOTER_SIZE as u64 + 1)
}

/// Bytes of the smallest full record that the format allows.
fn smallest_record() -> u64 {
    Geometry::new(MIN_FRAME_SIZE, MIN_FRAME_SIZE, DigestKind::None)
        .map_or(u64::from(MIN_FRAME_SIZE), |smallest| smallest.full_record_size())
}
