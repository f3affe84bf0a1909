//! Recovers one segment: the frames that verify, from all its sealings and their copies.

use super::AttemptCounters;
use super::damage_map::{LossReason, Resolution};
use super::found_record::FoundRecord;
use super::survey::Survey;
use crate::crypto::SegmentHasher;
use crate::error::SealError;
use crate::format::{ByteRange, DigestKind, DigestValue, FrameIndex, Geometry, MAX_DIGEST_SIZE};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::pipeline::portion_size;
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, iv_and_tag};
use crate::telemetry::{Stage, StageTimes};

/// Recovers segments.
#[derive(Clone, Copy)]
pub(super) struct Recovery<'a> {
    pub(super) survey: &'a Survey<'a>,
    pub(super) cancel: &'a CancellationToken,
}

/// A segment whose record was found.
pub(super) struct RecoveredSegment {
    /// The first record of the sealing that was used.
    pub(super) record: FoundRecord,
    pub(super) frames: Frames,
    pub(super) conflict: Option<Resolution>,
    /// Why frames are lost, if some are.
    pub(super) loss: Option<LossReason>,
}

impl Recovery<'_> {
    /// Recovers one segment from all its records, which are in the order of their offsets.
    pub(super) fn segment(
        &self,
        records: &[FoundRecord],
        times: &mut StageTimes,
    ) -> Result<Option<RecoveredSegment>, SealError> {
        let sealings = sealings(records);
        let named = records.first().and_then(|record| self.named_tag(record));
        let mut best: Option<(Frames, FoundRecord)> = None;
        // The sealing that the manifest names is tried first. If any frame of it verifies, the others are not tried.
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
        let Some((frames, record)) = best else {
            return Ok(None);
        };
        let conflict = match named {
            Some(named) if named != record.tag => Some(Resolution::NotNamed),
            Some(_) if sealings.len() > 1 => Some(Resolution::Named),
            None if sealings.len() > 1 => Some(Resolution::MostComplete),
            _ => None,
        };
        let loss = (!frames.is_complete()).then(|| self.loss(&record, times));
        Ok(Some(RecoveredSegment {
            record,
            frames,
            conflict,
            loss,
        }))
    }

    fn named_tag(&self, record: &FoundRecord) -> Option<[u8; 32]> {
        Some(
            self.survey
                .end
                .as_ref()?
                .record
                .entries
                .entry(record.index())?
                .message_tag,
        )
    }

    /// Recovers frames from the records of one sealing.
    fn sealing(&self, records: &[FoundRecord], times: &mut StageTimes) -> Result<Frames, SealError> {
        let mut frames = Frames::new(&self.survey.geometry, records[0].header.plaintext_size);
        let Some(opener) = records.iter().find_map(|record| self.opener(record)) else {
            return Ok(frames); // the source has changed
        };
        for record in records {
            self.open_in_slots(record, &opener, &mut frames, times)?;
        }
        for record in records {
            if frames.is_complete() {
                break;
            }
            self.open_displaced(record, &opener, &mut frames, times)?;
        }
        Ok(frames)
    }

    fn opener(&self, record: &FoundRecord) -> Option<FrameOpener> {
        let (iv, _) = iv_and_tag(&self.survey.source.read_array::<PREAMBLE_SIZE>(record.offset)?);
        FrameOpener::restore(self.survey.context(), record.header, &iv, &record.tag)
    }

    /// Opens the missing frames in their own slots.
    fn open_in_slots(
        &self,
        record: &FoundRecord,
        opener: &FrameOpener,
        frames: &mut Frames,
        times: &mut StageTimes,
    ) -> Result<(), SealError> {
        let slots_at = record.offset + PREAMBLE_SIZE as u64;
        let available = record.slots_end.saturating_sub(slots_at);
        let slot_size = self.survey.geometry.frame_slot_size();
        let portion = portion_size(slot_size) / slot_size;
        let mut next = 0;
        while next < frames.total() {
            self.cancel.check()?;
            // Adjacent frames are read at once.
            let start = frames.next_missing(next).unwrap_or(frames.total());
            let most = (start + portion).min(frames.total());
            let end = (start..most)
                .find(|&frame| frames.has(frame) || frames.range(frame).end > available)
                .unwrap_or(most);
            if start == end {
                break;
            }
            let range = ByteRange {
                start: frames.range(start).start,
                end: frames.range(end - 1).end,
            };
            let slots = frames.slots(range);
            let read = self.survey.source.read(slots_at + range.start, slots) as u64;
            for frame in start..end {
                let own = frames.range(frame);
                if own.end - range.start > read {
                    break;
                }
                AttemptCounters::add(&self.survey.counters.frames);
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

    /// Why frames of a record are lost.
    fn loss(&self, record: &FoundRecord, times: &mut StageTimes) -> LossReason {
        if record.is_short(&self.survey.geometry) {
            return LossReason::Short;
        }
        let sealed = ByteRange {
            start: record.offset,
            end: record.expected_end(&self.survey.geometry),
        };
        self.check_digest(sealed, times)
    }

    /// Why a record does not verify, by its digest.
    pub(super) fn check_digest(&self, record: ByteRange, times: &mut StageTimes) -> LossReason {
        let kind = self.survey.geometry.digest();
        if kind == DigestKind::None {
            return LossReason::NoDigest;
        }
        let mut stored = [0; MAX_DIGEST_SIZE];
        let stored = &mut stored[..kind.size()];
        let end = record.end.saturating_sub(stored.len() as u64);
        let mut hasher = SegmentHasher::new(kind);
        let covered = ByteRange {
            start: record.start,
            end,
        };
        let whole = self.survey.source.stream(covered, |bytes| {
            times.time(Stage::Digest, || hasher.update(bytes));
        });
        if !whole || self.survey.source.read(end, stored) != stored.len() {
            return LossReason::Short;
        }
        if DigestValue::new(stored) == hasher.finish() {
            LossReason::DigestRight
        } else {
            LossReason::DigestDiffers
        }
    }
}

/// The records of each sealing. The sealings are in the order of their first records.
fn sealings(records: &[FoundRecord]) -> Vec<Vec<FoundRecord>> {
    let mut sorted = records.to_vec();
    sorted.sort_by_key(|record| record.tag);
    let mut sealings: Vec<Vec<FoundRecord>> = sorted
        .chunk_by(|a, b| a.tag == b.tag)
        .map(<[FoundRecord]>::to_vec)
        .collect();
    sealings.sort_by_key(|sealing| sealing[0].offset);
    sealings
}

/// A segment's frames, some of which are recovered. Allocates as frames are read.
pub(super) struct Frames {
    slots: Vec<u8>,
    is_recovered: Vec<bool>,
    count: usize,
    slot_size: usize,
    /// Bytes of all slots.
    size: usize,
}

impl Frames {
    fn new(geometry: &Geometry, plaintext_size: u32) -> Self {
        Self {
            slots: Vec::new(),
            is_recovered: vec![false; geometry.frame_count(plaintext_size) as usize],
            count: 0,
            slot_size: geometry.frame_slot_size(),
            size: geometry.frames_wire_size(plaintext_size),
        }
    }

    /// The number of recovered frames.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The number of the segment's frames.
    pub(super) fn total(&self) -> usize {
        self.is_recovered.len()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.count == self.is_recovered.len()
    }

    pub(super) fn has(&self, frame: usize) -> bool {
        self.is_recovered
            .get(frame)
            .is_some_and(|&is_recovered| is_recovered)
    }

    pub(super) fn next_missing(&self, from: usize) -> Option<usize> {
        (from..self.total()).find(|&frame| !self.has(frame))
    }

    /// The range of a frame's slot among the slots.
    pub(super) fn range(&self, frame: usize) -> ByteRange {
        let start = frame * self.slot_size;
        ByteRange {
            start: start as u64,
            end: (start + self.slot_size).min(self.size) as u64,
        }
    }

    /// Slots to fill.
    fn slots(&mut self, range: ByteRange) -> &mut [u8] {
        let (start, end) = (range.start as usize, range.end as usize);
        if self.slots.len() < end {
            self.slots.resize(end, 0);
        }
        &mut self.slots[start..end]
    }

    fn set(&mut self, frame: usize, opened: bool) {
        if opened && !self.has(frame) {
            self.is_recovered[frame] = true;
            self.count += 1;
        }
    }

    /// Takes a frame that was opened in another buffer.
    pub(super) fn put(&mut self, frame: usize, slot: &[u8]) {
        let range = self.range(frame);
        self.slots(range).copy_from_slice(slot);
        self.set(frame, true);
    }

    /// The slots of consecutive frames, if all are recovered.
    pub(super) fn opened(&self, from: usize, to: usize) -> &[u8] {
        let all = (from..to).all(|frame| self.has(frame));
        let range = self.range(from).start as usize..self.range(to.saturating_sub(1)).end as usize;
        if all && from < to {
            self.slots.get(range).unwrap_or_default()
        } else {
            &[]
        }
    }

    /// Runs of frames: start, end, and whether the frames are recovered.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, usize, bool)> {
        let mut at = 0;
        self.is_recovered.chunk_by(|a, b| a == b).map(move |run| {
            let start = at;
            at += run.len();
            (start, at, run[0])
        })
    }
}
