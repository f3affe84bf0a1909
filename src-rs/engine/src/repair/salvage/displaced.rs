//! Finds frames outside their own slots, because bytes were removed or inserted before them.

use super::AttemptCounters;
use super::found_record::FoundRecord;
use super::recover::{Frames, Recovery};
use crate::error::SealError;
use crate::format::FrameIndex;
use crate::stream_v2::framing::{LENGTH_SIZE, length_field};
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE};
use crate::telemetry::{Stage, StageTimes};
use memchr::memmem::Finder;
use std::collections::HashSet;

impl Recovery<'_> {
    /// Searches for length fields of frames, and tries the frames that may start there.
    pub(super) fn open_displaced(
        &self,
        record: &FoundRecord,
        opener: &FrameOpener,
        frames: &mut Frames,
        times: &mut StageTimes,
    ) -> Result<(), SealError> {
        let slots_at = record.offset + PREAMBLE_SIZE as u64;
        let last = frames.total() - 1;
        let last_size = frames.range(last).size();
        let mut search = Search {
            recovery: self,
            opener,
            slots_at,
            slots_end: record
                .next
                .saturating_sub(self.survey.geometry.digest().size() as u64),
            last_size,
            slot: vec![0; self.survey.geometry.frame_slot_size()],
            attempts: record.attempts,
            last_found: None,
            found_at: HashSet::new(),
            times,
        };
        for guess in [Guess::Distance, Guess::Any] {
            self.search(record, &mut search, guess, frames)?;
        }
        Ok(())
    }

    fn search(
        &self,
        record: &FoundRecord,
        search: &mut Search<'_>,
        guess: Guess,
        frames: &mut Frames,
    ) -> Result<(), SealError> {
        let fields = [
            (length_field(0, false), false),
            (length_field(search.last_size as u32, true), true),
        ];
        let mut buffer = vec![0; BLOCK];
        let mut at = search.slots_at;
        while at + (LENGTH_SIZE as u64) <= record.search_end {
            self.cancel.check()?;
            let wanted = (record.search_end - at).min(BLOCK as u64) as usize;
            let read = self.survey.source.read(at, &mut buffer[..wanted]);
            let block = &buffer[..read];
            for (field, is_last) in &fields {
                let finder = Finder::new(field);
                let mut from = 0;
                while let Some(found) = block.get(from..).and_then(|rest| finder.find(rest)) {
                    if search.attempts == 0 || frames.is_complete() {
                        return Ok(());
                    }
                    search.visit(at + (from + found) as u64, *is_last, guess, frames);
                    from += found + 1;
                }
            }
            if read < wanted || read < LENGTH_SIZE {
                break;
            }
            // A field may span two blocks.
            at += (read - (LENGTH_SIZE - 1)) as u64;
        }
        Ok(())
    }
}

/// Which frames are tried at an offset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guess {
    /// The frame after the one that ends there, and those given by the distance from the record's start and end.
    Distance,
    /// Other missing frames, in case bytes were removed or inserted more than once.
    Any,
}

struct Search<'a> {
    recovery: &'a Recovery<'a>,
    opener: &'a FrameOpener,
    /// Where the first slot starts.
    slots_at: u64,
    /// Where the last slot ends, if the end of the record is complete.
    slots_end: u64,
    last_size: u64,
    slot: Vec<u8>,
    attempts: u32,
    /// Where the frame that was found last ends, and its number.
    last_found: Option<(u64, usize)>,
    /// Offsets of found frames.
    found_at: HashSet<u64>,
    times: &'a mut StageTimes,
}

impl Search<'_> {
    /// Tries the frames that may start at `at`.
    fn visit(&mut self, at: u64, is_last: bool, guess: Guess, frames: &mut Frames) {
        let last = frames.total() - 1;
        let slot_size = self.slot.len() as u64;
        let from_start = at.saturating_sub(self.slots_at);
        // A frame in its own slot has been tried.
        let own = from_start
            .is_multiple_of(slot_size)
            .then_some((from_start / slot_size) as usize);
        if own.is_some_and(|own| frames.has(own)) || self.found_at.contains(&at) {
            return;
        }
        let candidates = match (is_last, guess) {
            (true, Guess::Distance) => vec![last],
            (true, Guess::Any) => Vec::new(),
            (false, Guess::Distance) => self.by_distance(at, last),
            (false, Guess::Any) => nearest_missing((from_start / slot_size) as usize, last, frames),
        };
        for (position, &frame) in candidates.iter().enumerate() {
            let is_sensible = frame < last || (is_last && frame == last);
            let is_new = !frames.has(frame) && own != Some(frame) && !candidates[..position].contains(&frame);
            if self.attempts > 0 && is_sensible && is_new && self.attempt(at, frame, frames) {
                return;
            }
        }
    }

    fn by_distance(&self, at: u64, last: usize) -> Vec<usize> {
        let slot_size = self.slot.len() as u64;
        let follows = self
            .last_found
            .filter(|(end, _)| *end == at)
            .map(|(_, frame)| frame + 1);
        let by_start = (at.saturating_sub(self.slots_at) / slot_size) as usize;
        let to_end = self.slots_end.saturating_sub(at).checked_sub(self.last_size);
        let by_end = to_end.map(|to_end| (to_end / slot_size) as usize);
        let guesses = [
            follows,
            Some(by_start),
            by_start.checked_add(1),
            by_end.and_then(|steps| last.checked_sub(steps)),
            by_end.and_then(|steps| last.checked_sub(steps + 1)),
        ];
        guesses.into_iter().flatten().collect()
    }

    fn attempt(&mut self, at: u64, frame: usize, frames: &mut Frames) -> bool {
        let size = frames.range(frame).size() as usize;
        let slot = &mut self.slot[..size];
        self.attempts = self.attempts.saturating_sub(1);
        if self.recovery.survey.source.read(at, slot) < size {
            return false;
        }
        AttemptCounters::add(&self.recovery.survey.counters.frames);
        let opened = self.times.time(Stage::Crypto, || {
            self.opener
                .open_with_any_length(FrameIndex::new(frame as u32), slot)
        });
        if opened {
            frames.put(frame, slot);
            self.last_found = Some((at + size as u64, frame));
            self.found_at.insert(at);
        }
        opened
    }
}

/// Missing frames near `guess`, nearest first.
fn nearest_missing(guess: usize, last: usize, frames: &Frames) -> Vec<usize> {
    let near = guess.saturating_sub(NEAR)..guess.saturating_add(NEAR).min(last);
    let mut missing: Vec<_> = near.filter(|&frame| !frames.has(frame)).collect();
    missing.sort_by_key(|&frame| frame.abs_diff(guess));
    missing.truncate(CANDIDATES);
    missing
}

const BLOCK: usize = 1024 * 1024;
/// The most missing frames that are tried at one offset.
const CANDIDATES: usize = 8;
/// How far such a frame may be from its own slot, in frames.
const NEAR: usize = 64;
