//! Records of the stream that were found in the source, and how far each is searched for frames.

use crate::format::{Geometry, SegmentHeader, SegmentIndex};

/// A record whose FLOE header tag is right, so that its segment header is authentic. The rest of its bytes may be damaged.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundRecord {
    pub(super) offset: u64,
    pub(super) header: SegmentHeader,
    /// The FLOE header tag, which identifies the sealing.
    pub(super) tag: [u8; 32],
    /// Where the next record or the end record starts, or else where the source ends.
    pub(super) next: u64,
    /// Up to where frames are tried in their own slots.
    pub(super) slots_end: u64,
    /// Up to where displaced frames are searched.
    pub(super) search_end: u64,
    /// How often frames may be tried outside their own slots.
    pub(super) attempts: u32,
}

impl FoundRecord {
    pub(super) const fn new(offset: u64, header: SegmentHeader, tag: [u8; 32]) -> Self {
        Self {
            offset,
            header,
            tag,
            next: 0,
            slots_end: 0,
            search_end: 0,
            attempts: 0,
        }
    }

    pub(super) const fn index(&self) -> SegmentIndex {
        self.header.index
    }

    /// Where the record ends if it is complete.
    pub(super) fn expected_end(&self, geometry: &Geometry) -> u64 {
        let size = geometry.record_size(self.header.plaintext_size);
        self.offset.saturating_add(size)
    }

    /// Whether a part of the record is missing.
    pub(super) fn is_short(&self, geometry: &Geometry) -> bool {
        self.next < self.expected_end(geometry)
    }
}

/// Sets how far each record is searched for frames, and sorts the records by offset. `end` is where the end record starts, if it was
/// found.
///
/// A record inside which another one starts is still searched to its full size, because a range may have been overwritten with a
/// copied record. All such searches together cover at most [`BUDGET`] times the source, because a hostile source may hold nothing
/// but preambles.
pub(super) fn limit_searches(
    records: &mut [FoundRecord],
    geometry: &Geometry,
    source_size: u64,
    end: Option<u64>,
) {
    records.sort_unstable_by_key(|record| record.offset);
    let mut budget = source_size.saturating_mul(BUDGET);
    let mut next = source_size;
    for record in records.iter_mut().rev() {
        if let Some(end) = end.filter(|&end| record.offset < end) {
            next = next.min(end);
        }
        record.next = next;
        let own = next - record.offset;
        let size = geometry.record_size(record.header.plaintext_size);
        let slot_size = geometry.frame_slot_size() as u64;
        let frames = geometry.frame_count(record.header.plaintext_size);
        let cost = 3 * size + u64::from(SPARE_ATTEMPTS) * slot_size;
        let expected_end = record.expected_end(geometry).min(source_size);
        let granted = own >= size / 2 || budget.checked_sub(cost).map(|rest| budget = rest).is_some();
        if granted {
            record.slots_end = expected_end;
            record.search_end = expected_end.max(next.min(expected_end.saturating_add(size + INSERTED)));
            record.attempts = 2 * frames + SPARE_ATTEMPTS;
        } else {
            record.slots_end = next;
            record.search_end = next;
            record.attempts = (2 * own / slot_size).min(u64::from(2 * frames)) as u32;
        }
        next = record.offset;
    }
}

/// How many times the source's size the records that contain others may be searched.
const BUDGET: u64 = 16;
/// Attempts beyond two per frame.
const SPARE_ATTEMPTS: u32 = 8;
/// Bytes searched after a record's expected end beyond the record's own size, because bytes may have been inserted.
const INSERTED: u64 = 1024 * 1024;
