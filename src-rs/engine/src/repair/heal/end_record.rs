//! Finds the end records of all copies, and chooses among them.

use super::copies::{Copies, ExpectedRecord, StreamCopy};
use crate::crypto::SegmentHasher;
use crate::error::{EndPart, SealError, SizeRelation};
use crate::format::{DigestKind, DigestValue, SegmentIndex, StreamHeader, WireOffset};
use crate::keys::{SenderKey, SenderStatus};
use crate::operation::options::DEFAULT_MAX_MANIFEST_SIZE;
use crate::repair::segment_headers::segment_header_at;
use crate::repair::stored_manifest::StoredManifest;
use crate::stream_v2::core::end_scan::EndScan;
use crate::stream_v2::core::locate::claimed_total;
use crate::stream_v2::core::sender::SenderScan;
use crate::stream_v2::core::trailer::ExpectedTrailer;
use crate::stream_v2::io::{ReadAt, ReadAtCursor};
use std::collections::BTreeSet;
use std::io::IoSliceMut;

/// The end record that was chosen.
pub(super) struct ChosenEnd {
    /// Where it stands in the copy that it is taken from.
    offset: u64,
    /// Its bytes.
    pub(super) size: u64,
    /// Plaintext bytes that it states.
    pub(super) total: u64,
    hash: DigestValue,
    manifest: StoredManifest,
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
    pub(super) const fn segments(&self) -> u64 {
        self.manifest.segments()
    }

    /// The record of segment `index`, if the stream has one there.
    pub(super) fn expected(&self, copies: &Copies<'_>, index: SegmentIndex) -> Option<ExpectedRecord> {
        let entry = self.manifest.entry(copies.all.get(self.copy)?, index)?;
        Some(ExpectedRecord::new(&copies.core, self.total, index, entry))
    }

    /// Whether a copy, whose header has `header_size` bytes, holds any record of the manifest.
    pub(super) fn has_record_in(&self, copies: &Copies<'_>, copy: &StreamCopy<'_>, header_size: u32) -> bool {
        let records =
            (0..self.segments()).filter_map(|index| self.expected(copies, SegmentIndex::new(index)));
        records
            .take_while(|_| copies.may_search())
            .any(|record| copy.holds(header_size, &record, &copies.core))
    }

    /// Checks who signed it.
    ///
    /// # Errors
    /// `SenderUnverified`; `SourceChanged` if the bytes are not those that were chosen.
    pub(super) fn check_sender(
        &self,
        copies: &Copies<'_>,
        header: &StreamHeader,
        senders: Option<&[SenderKey]>,
    ) -> Result<Option<SenderStatus>, SealError> {
        let Some(copy) = copies.all.get(self.copy) else {
            return Err(no_end_record(copies));
        };
        let after = ExpectedTrailer::after(header, self.total, None, DEFAULT_MAX_MANIFEST_SIZE);
        let record = EndScan {
            offset: WireOffset::new(self.offset),
            ..after.record
        };
        let expected = ExpectedTrailer { record, ..after };
        let mut hasher = SegmentHasher::new(DigestKind::Sha256);
        let mut signed = SenderScan::new(header, &expected.record);
        let mut position = self.offset;
        let found = expected.read_record(
            &mut ReadAtCursor::new(copy, position),
            &mut position,
            &mut |kind, bytes| {
                hasher.update(bytes);
                signed.take(kind, bytes);
            },
        )?;
        if hasher.finish() != self.hash {
            return Err(SealError::source_changed(copy.size, SizeRelation::Modified));
        }
        signed.check(&found.extensions, senders)
    }

    /// Passes all of its bytes to `write`, block by block.
    ///
    /// # Errors
    /// Those of `write`; `Io`; `SourceChanged` if the bytes are not those that were chosen.
    pub(super) fn copy_to(
        &self,
        copies: &Copies<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), SealError>,
    ) -> Result<(), SealError> {
        let Some(copy) = copies.all.get(self.copy) else {
            return Err(no_end_record(copies));
        };
        let changed = || SealError::source_changed(copy.size, SizeRelation::Modified);
        let mut hasher = SegmentHasher::new(DigestKind::Sha256);
        let mut buffer = vec![0; self.size.min(BLOCK) as usize];
        let mut done = 0;
        while done < self.size {
            let wanted = (self.size - done).min(BLOCK) as usize;
            let block = &mut buffer[..wanted];
            let read = copy.read_at(self.offset + done, &mut [IoSliceMut::new(block)]);
            if read.map_err(SealError::reading)? < wanted {
                return Err(changed());
            }
            hasher.update(block);
            write(block)?;
            done += wanted as u64;
        }
        if hasher.finish() == self.hash {
            Ok(())
        } else {
            Err(changed())
        }
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
            .filter(|other| other.hash == end.hash)
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
        Some(other) if other.hash == end.hash => EndRecordState::Taken,
        Some(_) => EndRecordState::Differs,
        None => EndRecordState::Lost,
    };
    let states = found.iter().map(state).collect();
    let Some(end) = found.swap_remove(copy) else {
        return Err(no_end_record(copies));
    };
    let chosen = ChosenEnd {
        offset: end.offset,
        size: end.size,
        total: end.total,
        hash: end.hash,
        manifest: end.manifest,
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
    offset: u64,
    size: u64,
    total: u64,
    /// Of all its bytes: a large record is not held.
    hash: DigestValue,
    manifest: StoredManifest,
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
    let mut trailer = ExpectedTrailer::after(header, total, None, DEFAULT_MAX_MANIFEST_SIZE);
    trailer.record.offset = WireOffset::new(offset);
    let mut reader = ReadAtCursor::new(copy, offset);
    let mut hasher = SegmentHasher::new(DigestKind::Sha256);
    let read = trailer.read_record(&mut reader, &mut { offset }, &mut |_, bytes| hasher.update(bytes));
    let record = read.ok().filter(|record| record.verdict.is_ok())?;
    Some(FoundEnd {
        offset,
        size: record.size,
        total,
        hash: hasher.finish(),
        manifest: StoredManifest::new(
            record.entries_at(trailer.record.offset),
            geometry.digest(),
            trailer.record.segments,
        ),
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

/// Bytes that are copied at a time.
const BLOCK: u64 = 64 * 1024;
