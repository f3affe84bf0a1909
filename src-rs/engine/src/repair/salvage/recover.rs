//! One segment: its sealings, the copies of each, and the frames that verify.

use super::Work;
use super::map::{ConflictKind, Reason};
use super::places::Place;
use crate::crypto::{DigestValue, SegmentHasher};
use crate::error::SealError;
use crate::format::{ByteRange, DigestKind, EndRecord, FrameIndex, Geometry};
use crate::operation::cancel::CancellationToken;
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::pipeline::portion_size;
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, SegmentCryptoContext, iv_and_tag};
use crate::telemetry::{Stage, StageTimes};

/// Recovers segments.
pub(super) struct Recovery<'a> {
    pub(super) source: &'a FaultTolerantSource<'a>,
    pub(super) context: &'a SegmentCryptoContext,
    pub(super) geometry: Geometry,
    pub(super) manifest: Option<&'a EndRecord>,
    pub(super) cancel: &'a CancellationToken,
    pub(super) work: &'a Work,
}

/// What came of a segment.
pub(super) struct RecoveredSegment {
    /// The place whose frames were tried first.
    pub(super) place: Place,
    pub(super) frames: Frames,
    pub(super) conflict: Option<ConflictKind>,
    /// Why frames of it are lost, if some are.
    pub(super) lost: Option<LostFrames>,
}

/// Why frames of a record are lost.
pub(super) struct LostFrames {
    pub(super) reason: Reason,
    /// Frames that could not be read are told apart.
    pub(super) has_holes: bool,
}

impl Recovery<'_> {
    /// Recovers one segment from all of its places, which are in the order of their offsets.
    pub(super) fn segment(
        &self,
        places: &[Place],
        times: &mut StageTimes,
    ) -> Result<Option<RecoveredSegment>, SealError> {
        let sealings = sealings(places);
        let named = places.first().and_then(|place| self.named_tag(place));
        let mut best: Option<(Frames, Place)> = None;
        // The one that the manifest names goes first, and where it gives anything the others are not looked at.
        let (first, others): (Vec<_>, Vec<_>) =
            sealings.iter().partition(|sealing| named == Some(sealing[0].tag));
        for sealing in first.into_iter().chain(others) {
            let frames = self.sealing(sealing, times)?;
            if best.as_ref().is_none_or(|(other, _)| frames.count > other.count) {
                let is_settled = named == Some(sealing[0].tag) && frames.count > 0;
                best = Some((frames, sealing[0]));
                if is_settled {
                    break;
                }
            }
        }
        let Some((frames, place)) = best else {
            return Ok(None);
        };
        let conflict = match named {
            Some(named) if named != place.tag => Some(ConflictKind::NotNamed),
            Some(_) if sealings.len() > 1 => Some(ConflictKind::Named),
            None if sealings.len() > 1 => Some(ConflictKind::MostComplete),
            _ => None,
        };
        let lost = (!frames.is_complete()).then(|| self.lost(&place, times));
        Ok(Some(RecoveredSegment {
            place,
            frames,
            conflict,
            lost,
        }))
    }

    fn named_tag(&self, place: &Place) -> Option<[u8; 32]> {
        Some(self.manifest?.entry(place.index())?.message_tag)
    }

    /// Unites what the places of one sealing hold.
    fn sealing(&self, places: &[Place], times: &mut StageTimes) -> Result<Frames, SealError> {
        let mut frames = Frames::new(&self.geometry, places[0].header.plaintext_size);
        let Some(opener) = places.iter().find_map(|place| self.opener(place)) else {
            return Ok(frames); // the source has changed since
        };
        for place in places {
            self.open_in_place(place, &opener, &mut frames, times)?;
        }
        for place in places {
            if frames.is_complete() {
                break;
            }
            self.open_shifted(place, &opener, &mut frames, times)?;
        }
        Ok(frames)
    }

    fn opener(&self, place: &Place) -> Option<FrameOpener> {
        let (iv, _) = iv_and_tag(&self.source.read_array::<PREAMBLE_SIZE>(place.offset)?);
        FrameOpener::restore(self.context, place.header, &iv, &place.tag)
    }

    /// Opens the frames that are still missing where they should stand.
    fn open_in_place(
        &self,
        place: &Place,
        opener: &FrameOpener,
        frames: &mut Frames,
        times: &mut StageTimes,
    ) -> Result<(), SealError> {
        let slots_at = place.offset + PREAMBLE_SIZE as u64;
        let there = place.slots_end.saturating_sub(slots_at);
        let slot_size = self.geometry.frame_slot_size();
        let portion = portion_size(slot_size) / slot_size;
        let mut next = 0;
        while next < frames.total() {
            self.cancel.check()?;
            // Frames side by side are read at once.
            let start = frames.next_missing(next).unwrap_or(frames.total());
            let most = (start + portion).min(frames.total());
            let end = (start..most)
                .find(|&frame| frames.has(frame) || frames.range(frame).end > there)
                .unwrap_or(most);
            if start == end {
                break;
            }
            let range = ByteRange {
                start: frames.range(start).start,
                end: frames.range(end - 1).end,
            };
            let slots = frames.slots(range);
            let read = self.source.read(slots_at + range.start, slots) as u64;
            for frame in start..end {
                let own = frames.range(frame);
                if own.end - range.start > read {
                    break;
                }
                Work::add(&self.work.frames);
                let slot = frames.slots(own);
                let opened = times.time(Stage::Crypto, || {
                    opener.open_with_any_length(FrameIndex::new(frame as u32), slot)
                });
                frames.set(frame, opened);
            }
            next = end;
        }
        Ok(())
    }

    /// Why frames of the record at `place` are lost.
    fn lost(&self, place: &Place, times: &mut StageTimes) -> LostFrames {
        let end = place.due_end(&self.geometry);
        let record = ByteRange {
            start: place.offset,
            end,
        };
        let reason = if place.is_short(&self.geometry) {
            Reason::Short
        } else {
            self.digest(record, times)
        };
        LostFrames {
            reason,
            has_holes: self.source.has_hole(record),
        }
    }

    /// What a record's digest tells.
    pub(super) fn digest(&self, record: ByteRange, times: &mut StageTimes) -> Reason {
        let kind = self.geometry.digest();
        if kind == DigestKind::None {
            return Reason::NoDigest;
        }
        let mut stored = [0; 64];
        let stored = &mut stored[..kind.size()];
        let end = record.end.saturating_sub(stored.len() as u64);
        let mut hasher = SegmentHasher::new(kind);
        let covered = ByteRange {
            start: record.start,
            end,
        };
        let whole = self.source.stream(covered, |bytes| {
            times.time(Stage::Digest, || hasher.update(bytes));
        });
        if !whole || self.source.read(end, stored) != stored.len() {
            return Reason::Short;
        }
        if DigestValue::new(stored) == hasher.finish() {
            Reason::DigestRight
        } else {
            Reason::DigestDiffers
        }
    }
}

/// The places of each sealing, in the order in which the sealings are found first.
fn sealings(places: &[Place]) -> Vec<Vec<Place>> {
    let mut sorted = places.to_vec();
    sorted.sort_by_key(|place| place.tag);
    let mut sealings: Vec<Vec<Place>> = sorted
        .chunk_by(|a, b| a.tag == b.tag)
        .map(<[Place]>::to_vec)
        .collect();
    sealings.sort_by_key(|sealing| sealing[0].offset);
    sealings
}

/// A segment's frames, of which some are there. Memory grows with what is read.
pub(super) struct Frames {
    slots: Vec<u8>,
    there: Vec<bool>,
    count: usize,
    slot_size: usize,
    /// Bytes of all slots.
    size: usize,
}

impl Frames {
    fn new(geometry: &Geometry, plaintext_size: u32) -> Self {
        Self {
            slots: Vec::new(),
            there: vec![false; geometry.frame_count(plaintext_size) as usize],
            count: 0,
            slot_size: geometry.frame_slot_size(),
            size: geometry.frames_wire_size(plaintext_size),
        }
    }

    /// Frames that verified.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Frames of the segment.
    pub(super) fn total(&self) -> usize {
        self.there.len()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.count == self.there.len()
    }

    pub(super) fn has(&self, frame: usize) -> bool {
        self.there.get(frame).is_some_and(|&there| there)
    }

    pub(super) fn next_missing(&self, from: usize) -> Option<usize> {
        (from..self.total()).find(|&frame| !self.has(frame))
    }

    /// Where a frame's slot is among the slots.
    pub(super) fn range(&self, frame: usize) -> ByteRange {
        let start = frame * self.slot_size;
        ByteRange {
            start: start as u64,
            end: (start + self.slot_size).min(self.size) as u64,
        }
    }

    /// Slots, to be filled.
    fn slots(&mut self, range: ByteRange) -> &mut [u8] {
        let (start, end) = (range.start as usize, range.end as usize);
        if self.slots.len() < end {
            self.slots.resize(end, 0);
        }
        &mut self.slots[start..end]
    }

    fn set(&mut self, frame: usize, opened: bool) {
        if opened && !self.has(frame) {
            self.there[frame] = true;
            self.count += 1;
        }
    }

    /// Takes a frame that was opened elsewhere.
    pub(super) fn put(&mut self, frame: usize, slot: &[u8]) {
        let range = self.range(frame);
        self.slots(range).copy_from_slice(slot);
        self.set(frame, true);
    }

    /// The slots of consecutive frames that all verified.
    pub(super) fn opened(&self, from: usize, to: usize) -> &[u8] {
        let all = (from..to).all(|frame| self.has(frame));
        let range = self.range(from).start as usize..self.range(to.saturating_sub(1)).end as usize;
        if all && from < to {
            self.slots.get(range).unwrap_or_default()
        } else {
            &[]
        }
    }

    /// Runs of frames: where each starts and ends, and whether its frames are there.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, usize, bool)> {
        let mut at = 0;
        self.there.chunk_by(|a, b| a == b).map(move |run| {
            let start = at;
            at += run.len();
            (start, at, run[0])
        })
    }
}
