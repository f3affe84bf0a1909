//! Cuts plaintext into segments.

use crate::format::{Geometry, SegmentHeader, SegmentIndex};
use crate::stream_v2::framing::PREFIX_SIZE;
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use std::ops::Range;

/// Cuts a plaintext into segments, and tells where in each record the bytes must be placed to be sealed.
#[derive(Clone, Copy, Debug)]
pub struct SegmentCutter {
    geometry: Geometry,
    index: SegmentIndex,
    filled: u32,
}

impl SegmentCutter {
    /// A cutter at the first byte of the plaintext.
    #[must_use]
    pub const fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            index: SegmentIndex::ZERO,
            filled: 0,
        }
    }

    /// Index of the segment that is being filled.
    #[must_use]
    pub const fn index(&self) -> SegmentIndex {
        self.index
    }

    /// Plaintext bytes in that segment so far.
    #[must_use]
    pub const fn filled(&self) -> u32 {
        self.filled
    }

    /// Whether the segment is full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.filled == self.geometry.segment_size()
    }

    /// Bytes of the segment's record, if no more plaintext follows.
    #[must_use]
    pub const fn record_size(&self) -> u64 {
        self.geometry.record_size(self.filled)
    }

    /// Where in the record the next bytes belong: the rest of the current frame's content. Empty if the segment is full.
    #[must_use]
    pub const fn room(&self) -> Range<usize> {
        let (frame_size, filled) = (self.geometry.frame_size(), self.filled);
        let (frame, inside) = (filled / frame_size, filled % frame_size);
        let slot = frame as usize * self.geometry.frame_slot_size();
        let start = PREAMBLE_SIZE + slot + PREFIX_SIZE + inside as usize;
        // A segment is a multiple of the frame size, so only a full one ends where another frame would begin.
        let left = if self.is_full() { 0 } else { frame_size - inside };
        start..start + left as usize
    }

    /// Counts the first `count` bytes of the room as filled.
    pub fn advance(&mut self, count: usize) {
        debug_assert!(count <= self.room().len(), "more than there is room for");
        self.filled += count as u32;
    }

    /// Copies plaintext into the segment's record, as much as fits, and returns the number of bytes.
    pub fn copy(&mut self, record: &mut [u8], plaintext: &[u8]) -> usize {
        let mut copied = 0;
        loop {
            let room = record.get_mut(self.room().start..).unwrap_or_default();
            let rest = plaintext.get(copied..).unwrap_or_default();
            let count = self.room().len().min(room.len()).min(rest.len());
            if count == 0 {
                return copied;
            }
            room[..count].copy_from_slice(&rest[..count]);
            self.advance(count);
            copied += count;
        }
    }

    /// Ends the segment, returns its header, and starts the next segment.
    pub fn cut(&mut self, is_final: bool) -> SegmentHeader {
        let (index, plaintext_size) = (self.index, self.filled);
        self.index = SegmentIndex::new(index.get() + 1);
        self.filled = 0;
        SegmentHeader {
            index,
            is_final,
            plaintext_size,
        }
    }
}
