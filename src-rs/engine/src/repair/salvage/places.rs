//! Places at which a record of the stream starts, and how much of the source each may cost.

use crate::format::{Geometry, SegmentHeader, SegmentIndex};

/// A recognised record: its FLOE header tag is right, so its header is authentic. Its bytes behind that may be anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) header: SegmentHeader,
    /// Which sealing of the segment it is.
    pub(super) tag: [u8; 32],
    /// Where the next record or the end starts, or else where the source ends.
    pub(super) next: u64,
    /// Up to where frames are tried at the places that are theirs.
    pub(super) slots_end: u64,
    /// Up to where frames that moved are looked for.
    pub(super) search_end: u64,
    /// How often a frame may be tried at another place than its own.
    pub(super) attempts: u32,
}

impl Place {
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

    /// Where a sound record would end.
    pub(super) fn due_end(&self, geometry: &Geometry) -> u64 {
        let size = geometry.record_size(self.header.plaintext_size);
        self.offset.saturating_add(size)
    }

    /// Bytes of the record are not there.
    pub(super) fn is_short(&self, geometry: &Geometry) -> bool {
        self.next < self.due_end(geometry)
    }
}

/// Gives every place its share of the source. A record that another one starts in the middle of gets what is due to it
/// all the same, as an overwritten range may hold somebody else's record; but all of these together get no more than
/// some times the source, as a source may hold nothing but preambles.
///
/// Sorts the places by offset. `end` is where the end record starts, if it was found.
pub(super) fn allot(places: &mut [Place], geometry: &Geometry, source_size: u64, end: Option<u64>) {
    places.sort_unstable_by_key(|place| place.offset);
    let mut budget = source_size.saturating_mul(BUDGET);
    let mut next = source_size;
    for place in places.iter_mut().rev() {
        if let Some(end) = end.filter(|&end| place.offset < end) {
            next = next.min(end);
        }
        place.next = next;
        let own = next - place.offset;
        let size = geometry.record_size(place.header.plaintext_size);
        let slot_size = geometry.frame_slot_size() as u64;
        let frames = geometry.frame_count(place.header.plaintext_size);
        let cost = 3 * size + u64::from(SPARE_ATTEMPTS) * slot_size;
        let due_end = place.due_end(geometry).min(source_size);
        let granted = own >= size / 2 || budget.checked_sub(cost).map(|rest| budget = rest).is_some();
        if granted {
            place.slots_end = due_end;
            place.search_end = due_end.max(next.min(due_end.saturating_add(size + ROOM)));
            place.attempts = 2 * frames + SPARE_ATTEMPTS;
        } else {
            place.slots_end = next;
            place.search_end = next;
            place.attempts = (2 * own / slot_size).min(u64::from(2 * frames)) as u32;
        }
        next = place.offset;
    }
}

/// Times the source's size that records which others start in may cost together.
const BUDGET: u64 = 16;
/// Attempts beyond two for each frame.
const SPARE_ATTEMPTS: u32 = 8;
/// Bytes behind a record's due end that are searched beyond the record's own size: something may have been inserted.
const ROOM: u64 = 1024 * 1024;
