//! Finds the end records of all copies, and chooses among them.

use super::copies::{Copies, ExpectedRecord, StreamCopy};
use crate::error::{EndPart, SealError};
use crate::format::{EndRecord, SegmentIndex, StreamHeader, WireOffset};
use crate::repair::segment_headers::segment_header_at;
use crate::stream_v2::core::locate::claimed_total;
use crate::stream_v2::core::trailer::ExpectedTrailer;
use crate::stream_v2::io::ReadAtCursor;
use std::collections::BTreeSet;

/// The end record that was chosen.
pub(super) struct ChosenEnd {
    pub(super) bytes: Vec<u8>,
    pub(super) record: EndRecord,
    /// The first copy that has it.
    pub(super) copy: usize,
    /// What each copy has instead.
    pub(super) states: Vec<EndRecordState>,
}

/// The end record of a copy, compared with the one that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRecordState {
    /// It is the one that was taken.
    Taken,
    /// It is another one with a right checksum, which fewer copies have.
    Differs,
    /// It has no right checksum, or was not found.
    Lost,
}

impl ChosenEnd {
    /// Segments of the stream.
    pub(super) fn segments(&self) -> u64 {
        self.record.entries.len()
    }

    /// The record of segment `index`, if the stream has one there.
    pub(super) fn expected(&self, copies: &Copies<'_>, index: SegmentIndex) -> Option<ExpectedRecord> {
        let (total, entry) = (self.record.plaintext_total, self.record.entries.entry(index)?);
        Some(ExpectedRecord::new(&copies.core, total, index, entry))
    }

    /// Whether a copy, whose header has `header_size` bytes, holds any record of the manifest.
    pub(super) fn has_record_in(&self, copies: &Copies<'_>, copy: &StreamCopy<'_>, header_size: u32) -> bool {
        let records =
            (0..self.segments()).filter_map(|index| self.expected(copies, SegmentIndex::new(index)));
        records
            .take_while(|_| copies.may_search())
            .any(|record| copy.holds(header_size, &record, &copies.core))
    }
}

/// Chooses the end record that most copies have; of several the first. Sets where the records of copies without a header start.
///
/// # Errors
/// `EndDamaged` if no copy has one.
pub(super) fn choose(copies: &mut Copies<'_>) -> Result<ChosenEnd, SealError> {
    let mut found = match copies.core.plaintext_size {
        Some(total) => find_all(copies, &BTreeSet::from([total])),
        None => {
            let claimed = totals(copies, |copy, header| claimed_total(copy, copy.size, header));
            let found = find_all(copies, &claimed);
            if found.iter().any(Option::is_some) {
                found
            } else {
                let by_final = totals(copies, |copy, header| {
                    total_by_final_segment(copies, copy, header)
                });
                find_all(copies, &by_final)
            }
        }
    };
    let votes = |end: &FoundEnd| {
        found
            .iter()
            .flatten()
            .filter(|other| other.bytes == end.bytes)
            .count()
    };
    let ends = found.iter().enumerate().rev();
    let voted = ends.filter_map(|(copy, end)| Some((copy, votes(end.as_ref()?))));
    let chosen = voted.max_by_key(|(_, votes)| *votes);
    let header_sizes: Vec<_> = found
        .iter()
        .map(|end| end.as_ref().map(|end| end.header_size))
        .collect();
    let Some((copy, end)) = chosen.and_then(|(copy, _)| Some((copy, found.get(copy)?.as_ref()?))) else {
        return Err(no_end_record(copies));
    };
    let state = |other: &Option<FoundEnd>| match other {
        Some(other) if other.bytes == end.bytes => EndRecordState::Taken,
        Some(_) => EndRecordState::Differs,
        None => EndRecordState::Lost,
    };
    let states = found.iter().map(state).collect();
    let Some(FoundEnd { bytes, record, .. }) = found.swap_remove(copy) else {
        return Err(no_end_record(copies));
    };
    let chosen = ChosenEnd {
        bytes,
        record,
        copy,
        states,
    };
    set_header_sizes(copies, &chosen, &header_sizes);
    Ok(chosen)
}

/// Sets where the records of copies without a header start, in case the other copies' headers have several sizes.
fn set_header_sizes(copies: &mut Copies<'_>, chosen: &ChosenEnd, by_end: &[Option<u32>]) {
    for (number, by_end) in by_end.iter().enumerate() {
        let copy = &copies.all[number];
        let possible = copies.header_sizes(copy);
        let size = by_end.or_else(|| {
            let fits = |size: &&u32| possible.len() == 1 || chosen.has_record_in(copies, copy, **size);
            possible.iter().find(fits).copied()
        });
        if let Some(size) = size {
            copies.all[number].header_size = size;
        }
    }
}

struct FoundEnd {
    bytes: Vec<u8>,
    record: EndRecord,
    /// Size of the header before it.
    header_size: u32,
}

/// Plaintext sizes by the copies.
fn totals(
    copies: &Copies<'_>,
    total: impl Fn(&StreamCopy<'_>, &StreamHeader) -> Option<u64>,
) -> BTreeSet<u64> {
    let all = copies.all.iter();
    all.filter_map(|copy| total(copy, copies.header_for(copy)?))
        .collect()
}

/// The end record of each copy for the first of `totals` for which it has one.
fn find_all(copies: &Copies<'_>, totals: &BTreeSet<u64>) -> Vec<Option<FoundEnd>> {
    let find = |copy: &StreamCopy<'_>| {
        let header = copies.header_for(copy)?;
        let sizes = copies.header_sizes(copy);
        let mut candidates = totals
            .iter()
            .flat_map(|&total| sizes.iter().map(move |&size| (total, size)));
        candidates.find_map(|(total, header_size)| find_end_record(copy, header, total, header_size))
    };
    copies.all.iter().map(find).collect()
}

/// The end record after the records of `total` bytes of plaintext, if it describes these records.
fn find_end_record(
    copy: &StreamCopy<'_>,
    header: &StreamHeader,
    total: u64,
    header_size: u32,
) -> Option<FoundEnd> {
    let geometry = &header.core.geometry;
    let offset = geometry.trailer_offset(header_size, total);
    let trailer = ExpectedTrailer {
        offset: WireOffset::new(offset),
        ..ExpectedTrailer::after(header, total, None)
    };
    let mut reader = ReadAtCursor::new(copy, offset);
    let (record, bytes) = trailer.read_record(&mut reader, &mut { offset }).ok()?;
    let fits = record.entries.iter().zip(0..).all(|(entry, index)| {
        let plaintext_size = geometry.segment_plaintext(total, SegmentIndex::new(index));
        u64::from(entry.wire_size) == geometry.record_size(plaintext_size)
    });
    fits.then_some(FoundEnd {
        bytes,
        record,
        header_size,
    })
}

/// The plaintext size by the final segment, for a copy that has lost its footer. Searches from the end of the source.
fn total_by_final_segment(copies: &Copies<'_>, copy: &StreamCopy<'_>, header: &StreamHeader) -> Option<u64> {
    let geometry = &header.core.geometry;
    let last = copy.size.saturating_sub(u64::from(header.size())) / geometry.full_record_size();
    let mut indices = (0..=last)
        .rev()
        .map(SegmentIndex::new)
        .take_while(|_| copies.may_search());
    let segment = indices
        .find_map(|index| segment_header_at(copy, header, index).filter(|segment| segment.is_final))?;
    let start = geometry.plaintext_offset(segment.index);
    start.checked_add(segment.plaintext_size.into())
}

fn no_end_record(copies: &Copies<'_>) -> SealError {
    let offset = copies.all.first().map_or(0, |copy| {
        let trailer = |total| copies.core.geometry.trailer_offset(copy.header_size, total);
        copies.core.plaintext_size.map_or(copy.size, trailer)
    });
    SealError::end_damaged(EndPart::EndRecord, offset)
}
