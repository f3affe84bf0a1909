//! One record out of several damaged ones: where the copies differ, every choice among them is tried, up to a limit.
//!
//! Places where they differ are taken together if little lies between them, since damage comes in stretches; and then
//! apart, since two copies can be damaged side by side. What most copies have is tried first.

use super::copies::Copy;
use crate::format::ByteRange;
use crate::repair::fault_tolerant::FaultTolerantSource;
use std::ops::Range;

/// What a copy has of a record.
pub(super) struct Candidate {
    /// As many bytes as the record has.
    pub(super) bytes: Vec<u8>,
    /// Where nothing could be read, in order.
    pub(super) holes: Vec<Range<usize>>,
}

impl Candidate {
    /// Reads what can be read of a record; `None` where the copy ends before it.
    pub(super) fn read(copy: &Copy<'_>, offset: u64, size: usize) -> Option<Self> {
        if offset >= copy.size {
            return None;
        }
        let source = FaultTolerantSource::new(copy, copy.size);
        let mut bytes = vec![0; size];
        let mut there = 0;
        for portion in bytes.chunks_mut(PORTION) {
            let read = source.read(offset + there as u64, portion);
            there += read;
            if read < portion.len() {
                break;
            }
        }
        let within = |at: u64| at.saturating_sub(offset) as usize;
        let holes = source.bad_ranges_in(ByteRange::at(offset, there as u64));
        let mut holes: Vec<_> = holes
            .into_iter()
            .map(|hole| within(hole.start)..within(hole.end))
            .collect();
        if there < size {
            holes.push(there..size);
        }
        Some(Self { bytes, holes })
    }
}

/// How often a record of `size` bytes may be judged: 1,024 times, but no more than 2 GiB in all, or 16 times.
pub(super) fn tries_for(size: usize) -> usize {
    (MOST_BYTES / size.max(1)).clamp(LEAST_TRIES, MOST_TRIES)
}

/// Looks for a choice among the candidates, wherever they differ, that `judge` accepts, and returns it with what `judge`
/// says of it.
///
/// # Errors
/// What `judge` fails with.
pub(super) fn combine<T, E>(
    mut candidates: Vec<Candidate>,
    mut tries: usize,
    mut judge: impl FnMut(&[u8]) -> Result<Option<T>, E>,
) -> Result<Option<(Vec<u8>, T)>, E> {
    if !fill_holes(&mut candidates) {
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
        // Where there are too many, what most copies have is still worth a try.
        let mut left = if all <= tries { all } else { tries.min(1) };
        tries -= left;
        let mut chosen = vec![0; choices.len()];
        for (place, choice) in places.iter().zip(&choices) {
            put(&mut record, &candidates, place, choice.first());
        }
        while left != 0 {
            if let Some(said) = judge(&record)? {
                return Ok(Some((record, said)));
            }
            left -= 1;
            next(&mut chosen, &choices, |at, pick| {
                put(&mut record, &candidates, &places[at], choices[at].get(pick));
            });
        }
    }
    Ok(None)
}

/// Counts one on, and tells which places have another choice now.
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

/// Fills every hole with what others have there; `false` where nobody has it.
fn fill_holes(candidates: &mut [Candidate]) -> bool {
    for number in 0..candidates.len() {
        let mut missing = candidates[number].holes.clone();
        for other in (0..candidates.len()).filter(|&other| other != number) {
            let (there, still_missing) = split_by(&missing, &candidates[other].holes);
            for range in there {
                let bytes = candidates[other].bytes[range.clone()].to_vec();
                candidates[number].bytes[range].copy_from_slice(&bytes);
            }
            missing = still_missing;
        }
        if !missing.is_empty() {
            return false;
        }
    }
    true
}

/// Splits ranges into what lies outside of `holes` and what lies inside. All are in order.
fn split_by(ranges: &[Range<usize>], holes: &[Range<usize>]) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    let mut holes = holes.iter().peekable();
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            while holes.next_if(|hole| hole.end <= at).is_some() {}
            match holes.peek() {
                Some(hole) if hole.start <= at => {
                    let end = hole.end.min(range.end);
                    inside.push(at..end);
                    at = end;
                }
                hole => {
                    let end = hole.map_or(range.end, |hole| hole.start.min(range.end));
                    outside.push(at..end);
                    at = end;
                }
            }
        }
    }
    (outside, inside)
}

/// The places where not all candidates are alike; those with no more than [`NEAR`] bytes between them are one.
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
            match found.last_mut() {
                Some(last) if at - last.end <= NEAR => last.end = at + 1,
                _ => found.push(at..at + 1),
            }
        }
    }
    found
}

/// The same places, those as one that have at most `gap` bytes between them.
fn joined(finest: &[Range<usize>], gap: usize) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for place in finest {
        match places.last_mut() {
            Some(last) if place.start - last.end <= gap => last.end = place.end,
            _ => places.push(place.clone()),
        }
    }
    places
}

/// For each of the different contents of a place a candidate that has it; first what most of them have.
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

/// Bytes that are asked for at once; where they can't be had, they are asked for by blocks.
const PORTION: usize = 256 * 1024;
/// What disks damage at once, and a step in which copies are compared.
const BLOCK: usize = 4096;
/// The finest division: a stretch of damage has some bytes that are right by chance, so places that are this near belong
/// together, and damage in two copies that is so near can't be told apart.
const NEAR: usize = 8;
/// Bytes between places that are taken as one, from coarse to fine.
const GAPS: [usize; 3] = [BLOCK, 256, NEAR];
const MOST_TRIES: usize = 1024;
const LEAST_TRIES: usize = 16;
/// Enough for all tries on records of the default size.
const MOST_BYTES: usize = 2 * 1024 * 1024 * 1024;
