//! Frames that are not where they should be, because something was cut out or put in before them.

use super::Work;
use super::places::Place;
use super::recover::{Frames, Recovery};
use crate::error::SealError;
use crate::format::FrameIndex;
use crate::stream_v2::framing::{LENGTH_SIZE, length_field};
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE};
use crate::telemetry::{Stage, StageTimes};
use memchr::memmem::Finder;
use std::collections::HashSet;

impl Recovery<'_> {
    /// Looks for length fields of frames, and tries the frames that may stand there.
    pub(super) fn open_shifted(
        &self,
        place: &Place,
        opener: &FrameOpener,
        frames: &mut Frames,
        times: &mut StageTimes,
    ) -> Result<(), SealError> {
        let slots_at = place.offset + PREAMBLE_SIZE as u64;
        let last = frames.total() - 1;
        let last_size = frames.range(last).size();
        let mut search = Search {
            recovery: self,
            opener,
            slots_at,
            slots_end: place.next.saturating_sub(self.geometry.digest().size() as u64),
            last_size,
            slot: vec![0; self.geometry.frame_slot_size()],
            attempts: place.attempts,
            behind: None,
            found: HashSet::new(),
            times,
        };
        for guess in [Guess::Distance, Guess::Any] {
            self.search(place, &mut search, guess, frames)?;
        }
        Ok(())
    }

    fn search(
        &self,
        place: &Place,
        search: &mut Search<'_>,
        guess: Guess,
        frames: &mut Frames,
    ) -> Result<(), SealError> {
        let fields = [
            (length_field(0, false), false),
            (length_field(search.last_size as u32, true), true),
        ];
        let mut buffer = vec![0; PIECE];
        let mut at = search.slots_at;
        while at + (LENGTH_SIZE as u64) <= place.search_end {
            self.cancel.check()?;
            let wanted = (place.search_end - at).min(PIECE as u64) as usize;
            let read = self.source.read(at, &mut buffer[..wanted]);
            let piece = &buffer[..read];
            for (field, is_last) in &fields {
                let finder = Finder::new(field);
                let mut from = 0;
                while let Some(found) = piece.get(from..).and_then(|rest| finder.find(rest)) {
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
            // A field may stand across two pieces.
            at += (read - (LENGTH_SIZE - 1)) as u64;
        }
        Ok(())
    }
}

/// Which frames are tried at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guess {
    /// The one that follows on the frame before, and those that the distance from the record's front and back tells.
    Distance,
    /// Others that are missing, as more than once something was cut out or put in.
    Any,
}

struct Search<'a> {
    recovery: &'a Recovery<'a>,
    opener: &'a FrameOpener,
    /// Where the first slot stands in a sound record.
    slots_at: u64,
    /// Where the last slot ends if the end of the record is sound.
    slots_end: u64,
    last_size: u64,
    slot: Vec<u8>,
    attempts: u32,
    /// Where the frame that was found last ends, and its position.
    behind: Option<(u64, usize)>,
    /// Where frames were found.
    found: HashSet<u64>,
    times: &'a mut StageTimes,
}

impl Search<'_> {
    /// Tries the frames that may stand at `at`.
    fn visit(&mut self, at: u64, is_last: bool, guess: Guess, frames: &mut Frames) {
        let last = frames.total() - 1;
        let slot_size = self.slot.len() as u64;
        let front = at.saturating_sub(self.slots_at);
        // The frame's own place has been tried, or holds what was found there.
        let own = front
            .is_multiple_of(slot_size)
            .then_some((front / slot_size) as usize);
        if own.is_some_and(|own| frames.has(own)) || self.found.contains(&at) {
            return;
        }
        let candidates = match (is_last, guess) {
            (true, Guess::Distance) => vec![last],
            (true, Guess::Any) => Vec::new(),
            (false, Guess::Distance) => self.by_distance(at, last),
            (false, Guess::Any) => nearest_missing((front / slot_size) as usize, last, frames),
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
            .behind
            .filter(|(end, _)| *end == at)
            .map(|(_, frame)| frame + 1);
        let from_front = (at.saturating_sub(self.slots_at) / slot_size) as usize;
        let behind = self.slots_end.saturating_sub(at).checked_sub(self.last_size);
        let from_back = behind.map(|behind| (behind / slot_size) as usize);
        let guesses = [
            follows,
            Some(from_front),
            from_front.checked_add(1),
            from_back.and_then(|steps| last.checked_sub(steps)),
            from_back.and_then(|steps| last.checked_sub(steps + 1)),
        ];
        guesses.into_iter().flatten().collect()
    }

    fn attempt(&mut self, at: u64, frame: usize, frames: &mut Frames) -> bool {
        let size = frames.range(frame).size() as usize;
        let slot = &mut self.slot[..size];
        self.attempts = self.attempts.saturating_sub(1);
        if self.recovery.source.read(at, slot) < size {
            return false;
        }
        Work::add(&self.recovery.work.frames);
        let opened = self.times.time(Stage::Crypto, || {
            self.opener
                .open_with_any_length(FrameIndex::new(frame as u32), slot)
        });
        if opened {
            frames.put(frame, slot);
            self.behind = Some((at + size as u64, frame));
            self.found.insert(at);
        }
        opened
    }
}

/// Missing frames near `guess`, the nearest first.
fn nearest_missing(guess: usize, last: usize, frames: &Frames) -> Vec<usize> {
    let near = guess.saturating_sub(NEAR)..guess.saturating_add(NEAR).min(last);
    let mut missing: Vec<_> = near.filter(|&frame| !frames.has(frame)).collect();
    missing.sort_by_key(|&frame| frame.abs_diff(guess));
    missing.truncate(CANDIDATES);
    missing
}

const PIECE: usize = 1024 * 1024;
/// Frames that are tried at one place for no better reason than that they are missing.
const CANDIDATES: usize = 8;
/// How far from its own place such a frame may be, in frames.
const NEAR: usize = 64;
