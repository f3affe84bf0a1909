//! Which manifest the stream has: the end records of all copies, and the choice among them.

use super::copies::{Copies, Copy, DueSegment};
use crate::error::{EndPart, SealError};
use crate::format::{
    END_RECORD_FIXED_SIZE, EndRecord, Geometry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentIndex,
    StreamHeader, WireOffset, end_record_size,
};
use crate::stream_v2::core::locate::claimed_total;

/// The manifest that was chosen.
pub(super) struct Manifest {
    /// The end record as it stands in the stream.
    pub(super) bytes: Vec<u8>,
    pub(super) record: EndRecord,
    /// The first copy that has it.
    pub(super) copy: usize,
    /// What each copy has in its place.
    pub(super) states: Vec<EndState>,
}

/// What a copy has where the end record is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndState {
    /// The end record that was taken.
    Taken,
    /// Another one, with a right checksum: the copies that have it are not the most.
    Differs,
    /// None with a right checksum.
    Lost,
}

impl Manifest {
    /// Segments of the stream.
    pub(super) fn segments(&self) -> u64 {
        self.record.entries.len() as u64
    }

    /// The segment at `index`, if the stream has one there.
    pub(super) fn due(&self, copies: &Copies<'_>, index: SegmentIndex) -> Option<DueSegment> {
        let entry = *self.record.entry(index)?;
        Some(DueSegment::new(
            &copies.core,
            self.record.plaintext_total,
            index,
            entry,
        ))
    }

    /// Whether a copy, whose header is `header_size` bytes, holds a segment that is of this manifest.
    pub(super) fn has_part_in(&self, copies: &Copies<'_>, copy: &Copy<'_>, header_size: u32) -> bool {
        let due = (0..self.segments()).filter_map(|index| self.due(copies, SegmentIndex::new(index)));
        due.take_while(|_| copies.may_search())
            .any(|due| copy.holds(header_size, &due, &copies.core))
    }
}

/// Finds the end records of all copies and takes the one that most of them have; of several the first.
///
/// # Errors
/// `EndDamaged` where no copy has one.
pub(super) fn choose(copies: &mut Copies<'_>) -> Result<Manifest, SealError> {
    let stated = copies.core.plaintext_size.map(|total| vec![total]);
    let ends = match stated {
        Some(totals) => find_all(copies, &totals),
        None => {
            let claims = copies.all.iter().filter_map(|copy| {
                let header = copies.header_for(copy)?;
                claimed_total(copy, copy.size, header)
            });
            match find_all(copies, &distinct(claims.collect())) {
                found if found.iter().any(Option::is_some) => found,
                _ => {
                    let finals = copies.all.iter().filter_map(|copy| {
                        let header = copies.header_for(copy)?;
                        total_by_final_segment(copies, copy, header)
                    });
                    find_all(copies, &distinct(finals.collect()))
                }
            }
        }
    };
    let votes = |bytes: &[u8]| ends.iter().flatten().filter(|end| end.bytes == bytes).count();
    let mut chosen: Option<(usize, usize)> = None;
    for (number, end) in ends.iter().enumerate() {
        let Some(end) = end else { continue };
        let votes = votes(&end.bytes);
        if chosen.is_none_or(|(_, most)| votes > most) {
            chosen = Some((number, votes));
        }
    }
    let Some((copy, _)) = chosen else {
        return Err(damaged(copies));
    };
    let state = |end: &Option<FoundEnd>| match end {
        Some(end) if ends[copy].as_ref().is_some_and(|taken| taken.bytes == end.bytes) => EndState::Taken,
        Some(_) => EndState::Differs,
        None => EndState::Lost,
    };
    let states = ends.iter().map(state).collect();
    let sizes: Vec<_> = ends
        .iter()
        .map(|end| end.as_ref().map(|end| end.header_size))
        .collect();
    let Some(end) = ends.into_iter().nth(copy).flatten() else {
        return Err(damaged(copies));
    };
    let manifest = Manifest {
        bytes: end.bytes,
        record: end.record,
        copy,
        states,
    };
    place_records(copies, &manifest, &sizes);
    Ok(manifest)
}

/// Settles where the records of copies without a header start, if other copies' headers are of several sizes.
fn place_records(copies: &mut Copies<'_>, manifest: &Manifest, by_end: &[Option<u32>]) {
    for (number, by_end) in by_end.iter().enumerate() {
        let copy = &copies.all[number];
        let candidates = copies.header_sizes(copy);
        let size = by_end.or_else(|| {
            let fits = |size: &&u32| candidates.len() == 1 || manifest.has_part_in(copies, copy, **size);
            candidates.iter().find(fits).copied()
        });
        if let Some(size) = size {
            copies.all[number].header_size = size;
        }
    }
}

struct FoundEnd {
    bytes: Vec<u8>,
    record: EndRecord,
    header_size: u32,
}

/// The end record of each copy, for the first of `totals` with which it has one.
fn find_all(copies: &Copies<'_>, totals: &[u64]) -> Vec<Option<FoundEnd>> {
    let find = |copy: &Copy<'_>| {
        let sizes = copies.header_sizes(copy);
        let places = totals
            .iter()
            .flat_map(|&total| sizes.iter().map(move |&size| (total, size)));
        places
            .into_iter()
            .find_map(|(total, header_size)| find_end_record(copy, &copies.core.geometry, total, header_size))
    };
    copies.all.iter().map(find).collect()
}

/// The end record behind the records of `total` bytes of plaintext, if it is one and could belong to them.
fn find_end_record(copy: &Copy<'_>, geometry: &Geometry, total: u64, header_size: u32) -> Option<FoundEnd> {
    let offset = u64::from(header_size).checked_add(geometry.records_size(total))?;
    let mut fixed = [0; END_RECORD_FIXED_SIZE];
    if !copy.read_exactly(offset, &mut fixed) {
        return None;
    }
    let segments = geometry.segment_count(total);
    let size = end_record_size(segments, u64::from(EndRecord::extensions_size(&fixed)?));
    // What is not there is not allocated.
    if copy.size.checked_sub(offset)? < size {
        return None;
    }
    let size = usize::try_from(size).ok()?;
    let mut bytes = Vec::new();
    // A sparse file can have room for more than the machine has.
    bytes.try_reserve_exact(size).ok()?;
    bytes.resize(size, 0);
    if !copy.read_exactly(offset, &mut bytes) {
        return None;
    }
    let (record, ..) = EndRecord::parse(&bytes, segments).ok()?;
    record.check_extensions(WireOffset::new(offset)).ok()?;
    let sizes_fit = record.entries.iter().zip(0..).all(|(entry, index)| {
        let content = geometry.segment_plaintext(total, SegmentIndex::new(index));
        u64::from(entry.wire_size) == geometry.record_size(content)
    });
    let fits = record.plaintext_total == total && sizes_fit;
    fits.then_some(FoundEnd {
        bytes,
        record,
        header_size,
    })
}

/// The plaintext's length by the place and size of the final segment, for a copy that has lost its footer. The search
/// goes from behind, as far as segments' places go.
fn total_by_final_segment(copies: &Copies<'_>, copy: &Copy<'_>, header: &StreamHeader) -> Option<u64> {
    let geometry = &header.core.geometry;
    let places = copy.size.saturating_sub(u64::from(header.size())) / geometry.full_record_size();
    let places = (0..=places).rev().map(SegmentIndex::new);
    places.take_while(|_| copies.may_search()).find_map(|index| {
        let mut bytes = [0; SEGMENT_HEADER_SIZE];
        let at = geometry.record_offset(header.size(), index).get();
        let segment = copy
            .read_exactly(at, &mut bytes)
            .then(|| SegmentHeader::parse(&bytes, geometry).ok())??;
        (segment.is_final && segment.index == index).then(|| {
            geometry
                .plaintext_offset(index)
                .checked_add(segment.plaintext_size.into())
        })?
    })
}

fn distinct(mut totals: Vec<u64>) -> Vec<u64> {
    totals.sort_unstable();
    totals.dedup();
    totals
}

fn damaged(copies: &Copies<'_>) -> SealError {
    let first = copies.all.first();
    let offset = first.map_or(0, |copy| {
        let behind =
            |total| u64::from(copy.header_size).saturating_add(copies.core.geometry.records_size(total));
        copies.core.plaintext_size.map_or(copy.size, behind)
    });
    SealError::EndDamaged {
        part: EndPart::EndRecord,
        offset: WireOffset::new(offset),
    }
}
