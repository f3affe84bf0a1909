//! Combines one record from several damaged copies of it: where the copies differ, tries the choices among them, up to a limit.
//!
//! Differences that are near each other are first treated as one, because damage comes in stretches, and then separately, because two
//! copies can be damaged near each other. The contents that most copies have are tried first.

use super::copies::StreamCopy;
use crate::format::ByteRange;
use crate::repair::fault_tolerant::FaultTolerantSource;
use std::collections::BTreeSet;
use std::ops::Range;

/// A record as one copy has it.
pub(super) struct Candidate {
    /// As many bytes as the record has.
    pub(super) bytes: Vec<u8>,
    /// Ranges that could not be read, in order.
    bad: Vec<Range<usize>>,
}

impl Candidate {
    /// Reads a record as far as possible. `None` if the copy ends before it.
    pub(super) fn read(copy: &StreamCopy<'_>, offset: u64, size: usize) -> Option<Self> {
        if offset >= copy.size {
            return None;
        }
        let source = FaultTolerantSource::new(copy, copy.size);
        let mut bytes = vec![0; size];
        let mut available = 0;
        for portion in bytes.chunks_mut(PORTION) {
            let read = source.read(offset + available as u64, portion);
            available += read;
            if read < portion.len() {
                break;
            }
        }
        let within = |at: u64| at.saturating_sub(offset) as usize;
        let bad = source.bad_ranges_in(ByteRange::at(offset, available as u64));
        let mut bad: Vec<_> = bad
            .into_iter()
            .map(|bad| within(bad.start)..within(bad.end))
            .collect();
        if available < size {
            bad.push(available..size);
        }
        Some(Self { bytes, bad })
    }
}

/// The most tries for a record of `size` bytes: 1,024, limited so that they check at most 2 GiB, but at least 16.
pub(super) fn tries_for(size: usize) -> usize {
    (MOST_BYTES / size.max(1)).clamp(LEAST_TRIES, MOST_TRIES)
}

/// Finds a combination of the candidates that `check` accepts, and returns it with the result of `check`.
///
/// # Errors
/// Those of `check`.
pub(super) fn combine<T, E>(
    mut candidates: Vec<Candidate>,
    mut tries: usize,
    mut check: impl FnMut(&[u8]) -> Result<Option<T>, E>,
) -> Result<Option<(Vec<u8>, T)>, E> {
    if !fill_bad_ranges(&mut candidates) {
        return Ok(None);
    }
    let Some(mut record) = candidates.first().map(|first| first.bytes.clone()) else {
        return Ok(None);
    };
    let finest = differences(&candidates);
    let mut previous = usize::MAX;
    for gap in GAPS {
        let places = joined(&finest, gap);
        if places.len() == previous {
            continue;
        }
        previous = places.len();
        let choices: Vec<_> = places.iter().map(|place| variants(&candidates, place)).collect();
        let all = choices
            .iter()
            .fold(1_usize, |all, choice| all.saturating_mul(choice.len()));
        // If there are too many combinations, tries only the contents that most copies have.
        let mut left = if all <= tries { all } else { tries.min(1) };
        tries -= left;
        let mut chosen = vec![0; choices.len()];
        for (place, choice) in places.iter().zip(&choices) {
            put(&mut record, &candidates, place, choice.first());
        }
        while left != 0 {
            if let Some(checked) = check(&record)? {
                return Ok(Some((record, checked)));
            }
            left -= 1;
            next(&mut chosen, &choices, |at, pick| {
                put(&mut record, &candidates, &places[at], choices[at].get(pick));
            });
        }
    }
    Ok(None)
}

/// Advances to the next combination. Calls `changed` for each place with another choice.
fn next(chosen: &mut [usize], choices: &[Vec<usize>], mut changed: impl FnMut(usize, usize)) {
    for (at, pick) in chosen.iter_mut().enumerate() {
        *pick += 1;
        let is_past = *pick >= choices[at].len();
        if is_past {
            *pick = 0;
        }
        changed(at, *pick);
        if !is_past {
            return;
        }
    }
}

fn put(record: &mut [u8], candidates: &[Candidate], place: &Range<usize>, number: Option<&usize>) {
    if let Some(&number) = number {
        record[place.clone()].copy_from_slice(&candidates[number].bytes[place.clone()]);
    }
}

/// Fills every bad range from the first candidate that has the bytes. `false` if no candidate has them.
fn fill_bad_ranges(candidates: &mut [Candidate]) -> bool {
    let bad_ranges = candidates.iter().flat_map(|candidate| &candidate.bad);
    let edges: BTreeSet<usize> = bad_ranges.flat_map(|bad| [bad.start, bad.end]).collect();
    // Between two edges each candidate is either bad or not.
    for (&start, &end) in edges.iter().zip(edges.iter().skip(1)) {
        let is_bad = |candidate: &Candidate| {
            let next = candidate.bad.partition_point(|bad| bad.end <= start);
            candidate.bad.get(next).is_some_and(|bad| bad.start <= start)
        };
        let Some(good) = candidates.iter().position(|candidate| !is_bad(candidate)) else {
            return false;
        };
        for number in 0..candidates.len() {
            if is_bad(&candidates[number]) {
                let bytes = candidates[good].bytes[start..end].to_vec();
                candidates[number].bytes[start..end].copy_from_slice(&bytes);
            }
        }
    }
    true
}

/// The places where the candidates differ. Those with at most [`NEAR`] bytes between them are one.
fn differences(candidates: &[Candidate]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let Some((first, others)) = candidates.split_first() else {
        return found;
    };
    let size = first.bytes.len();
    for start in (0..size).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(size);
        let ours = &first.bytes[block.clone()];
        let unlike: Vec<_> = others
            .iter()
            .map(|other| &other.bytes[block.clone()])
            .filter(|theirs| *theirs != ours)
            .collect();
        if unlike.is_empty() {
            continue;
        }
        for (within, byte) in ours.iter().enumerate() {
            if unlike.iter().all(|theirs| theirs[within] == *byte) {
                continue;
            }
            let at = start + within;
            push_joined(&mut found, at..at + 1, NEAR);
        }
    }
    found
}

/// The same places, joined if they have at most `gap` bytes between them.
fn joined(finest: &[Range<usize>], gap: usize) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for place in finest {
        push_joined(&mut places, place.clone(), gap);
    }
    places
}

fn push_joined(places: &mut Vec<Range<usize>>, place: Range<usize>, gap: usize) {
    match places.last_mut() {
        Some(last) if place.start - last.end <= gap => last.end = place.end,
        _ => places.push(place),
    }
}

/// A candidate for each of the different contents of a place. The contents that most candidates have come first.
fn variants(candidates: &[Candidate], place: &Range<usize>) -> Vec<usize> {
    let content = |number: usize| &candidates[number].bytes[place.clone()];
    let mut found: Vec<(usize, usize)> = Vec::new();
    for number in 0..candidates.len() {
        match found
            .iter_mut()
            .find(|(known, _)| content(*known) == content(number))
        {
            Some((_, votes)) => *votes += 1,
            None => found.push((number, 1)),
        }
    }
    found.sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
    found.into_iter().map(|(number, _)| number).collect()
}

/// Bytes that are read at once. If that fails, they are read block by block.
const PORTION: usize = 256 * 1024;
/// The least that disks damage, and the step in which copies are compared.
const BLOCK: usize = 4096;
/// The smallest gap between places. Damaged stretches contain bytes that are right by chance, so nearer places belong to one stretch.
const NEAR: usize = 8;
/// Gaps up to which places are joined, from coarse to fine.
const GAPS: [usize; 3] = [BLOCK, 256, NEAR];
const MOST_TRIES: usize = 1024;
const LEAST_TRIES: usize = 16;
/// Enough for the most tries on records of the default size.
const MOST_BYTES: usize = 2 * 1024 * 1024 * 1024;
