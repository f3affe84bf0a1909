//! What the source holds of the stream: records, the end, and traces of other streams.

use super::end::{EndCandidate, EndReader, FoundEnd};
use super::header::HeaderReader;
use super::map::EndState;
use super::places::{Place, allot};
use super::scan::{Landmark, scan};
use super::{SalvagedStream, Work};
use crate::error::SealError;
use crate::format::{Geometry, MANIFEST_ENTRY_SIZE, SegmentIndex};
use crate::operation::cancel::CancellationToken;
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::core::locate::{find_end, find_footer};
use crate::stream_v2::segment_worker::{FrameOpener, SegmentCryptoContext};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::collections::{BTreeMap, HashMap};

/// Collects what the source holds.
pub(super) struct Survey<'a> {
    pub(super) stream: &'a SalvagedStream,
    pub(super) source: &'a FaultTolerantSource<'a>,
    pub(super) context: &'a SegmentCryptoContext,
    pub(super) work: &'a Work,
    pub(super) places: Vec<Place>,
    /// How often each sealing was found.
    copies: HashMap<[u8; 32], u8>,
    pub(super) end: Option<FoundEnd>,
    end_looks: EndLooks,
    other_streams: Vec<[u8; 32]>,
    /// Segments whose record stands where it should and can't be opened.
    pub(super) broken: BTreeMap<u64, u64>,
    pub(super) times: StageTimes,
}

/// What was seen of ends that are not the stream's sound one.
#[derive(Default)]
struct EndLooks {
    foreign: bool,
    /// Where the entries of a damaged one start.
    damaged_entries: Option<u64>,
}

/// All that was found, ready to be recovered.
pub(super) struct Findings<'a> {
    pub(super) stream: &'a SalvagedStream,
    pub(super) geometry: Geometry,
    pub(super) context: &'a SegmentCryptoContext,
    /// By segment, and by offset within it.
    pub(super) places: Vec<Place>,
    /// The plaintext's size, where it is known.
    pub(super) total: Option<u64>,
    /// Segments of the stream, or up to the highest one that was found.
    pub(super) segments: u64,
    pub(super) end: Option<FoundEnd>,
    pub(super) end_state: EndState,
    pub(super) other_streams: Vec<[u8; 32]>,
    pub(super) broken: BTreeMap<u64, u64>,
    /// What the search took, but for its reading.
    pub(super) times: StageTimes,
}

impl<'a> Survey<'a> {
    pub(super) fn new(
        stream: &'a SalvagedStream,
        source: &'a FaultTolerantSource<'a>,
        work: &'a Work,
    ) -> Self {
        Self {
            stream,
            source,
            context: &stream.incoming.context,
            work,
            places: Vec::new(),
            copies: HashMap::new(),
            end: None,
            end_looks: EndLooks::default(),
            other_streams: Vec::new(),
            broken: BTreeMap::new(),
            times: StageTimes::default(),
        }
    }

    pub(super) fn geometry(&self) -> Geometry {
        self.stream.incoming.header.core.geometry
    }

    /// Looks at every marker in the source.
    pub(super) fn run(
        &mut self,
        cancel: &CancellationToken,
        meter: &ProgressMeter<'_>,
    ) -> Result<(), SealError> {
        let mut ends = EndReader::new(self.source, &self.stream.incoming);
        let mut headers = HeaderReader::new(self.source);
        // The one that a sound footer points at first: whatever else looks like an end can't use up its turn.
        let pointed_at = find_end(self.source.raw(), self.source.size()).map(|(at, _)| at);
        if let Some(at) = pointed_at {
            self.see_end(ends.check(at));
        }
        scan(
            self.source,
            cancel,
            Some(meter),
            |at, landmark, bytes| match landmark {
                Landmark::Segment => {
                    if let Some(preamble) = bytes.first_chunk() {
                        Work::add(&self.work.tags);
                        let known = self
                            .times
                            .time(Stage::Crypto, || FrameOpener::recognise(self.context, preamble));
                        if let Some(opener) = known {
                            self.add(at, &opener);
                        }
                    }
                }
                Landmark::End => {
                    if self.end.is_none() && pointed_at != Some(at) {
                        self.see_end(ends.check(at));
                    }
                }
                Landmark::Header => self.see_header(&mut headers, at),
            },
        )
    }

    /// Keeps a recognised record, unless its sealing was found often enough already.
    pub(super) fn add(&mut self, offset: u64, opener: &FrameOpener) {
        let tag = opener.entry().message_tag;
        let copies = self.copies.entry(tag).or_default();
        if *copies < MAX_COPIES {
            *copies += 1;
            self.places.push(Place::new(offset, *opener.header(), tag));
        }
    }

    fn see_end(&mut self, candidate: EndCandidate) {
        match candidate {
            EndCandidate::Implausible => {}
            EndCandidate::Damaged(entries_at) => {
                self.end_looks.damaged_entries.get_or_insert(entries_at);
            }
            EndCandidate::Foreign => self.end_looks.foreign = true,
            EndCandidate::Verified(end) => self.end = Some(end),
        }
    }

    fn see_header(&mut self, headers: &mut HeaderReader<'_>, at: u64) {
        let Some(header) = headers.read(at) else { return };
        let id = header.core.stream_id;
        let is_other = id != self.stream.incoming.header.core.stream_id;
        if is_other && self.other_streams.len() < MAX_OTHERS && !self.other_streams.contains(&id) {
            self.other_streams.push(id);
        }
    }

    /// The tag that the end names for a segment. A damaged end serves too: the tag is compared with what it must be.
    pub(super) fn named_tag(&self, index: SegmentIndex) -> Option<[u8; 32]> {
        if let Some(end) = &self.end {
            return Some(end.record.entry(index)?.message_tag);
        }
        let size = MANIFEST_ENTRY_SIZE as u64;
        let entry_at = index.get().checked_mul(size)?;
        let entry_at = self.end_looks.damaged_entries?.checked_add(entry_at)?;
        let entry: [u8; MANIFEST_ENTRY_SIZE] = self.source.read_array(entry_at)?;
        entry.last_chunk().copied()
    }

    /// The plaintext's size: what the header says, else the end, else the final record.
    pub(super) fn total(&self) -> Option<u64> {
        let stated = self.stream.incoming.header.core.plaintext_size;
        let in_end = || self.end.as_ref().map(|end| end.record.plaintext_total);
        let by_final = || {
            let highest = self
                .places
                .iter()
                .map(|place| place.header)
                .max_by_key(|header| {
                    // Of two sealings of the highest segment, the final one says more.
                    (header.index, header.is_final)
                })?;
            let before = self.geometry().plaintext_offset(highest.index);
            highest
                .is_final
                .then(|| before.saturating_add(u64::from(highest.plaintext_size)))
        };
        stated.or_else(in_end).or_else(by_final)
    }

    /// What was found, in order. A record that the end contradicts is none.
    pub(super) fn finish(mut self) -> Findings<'a> {
        let geometry = self.geometry();
        let total = self.total();
        self.places.retain(|place| {
            let due = place.header.check_place(place.index(), total, &geometry);
            due.is_ok()
        });
        let end_at = self.end.as_ref().map(|end| end.offset);
        allot(&mut self.places, &geometry, self.source.size(), end_at);
        self.places.sort_by_key(|place| place.index());
        let highest = self
            .places
            .last()
            .map_or(0, |place| place.index().get().saturating_add(1));
        let segments = total.map_or(highest, |total| geometry.segment_count(total));
        self.broken.retain(|index, _| *index < segments);
        Findings {
            end_state: self.end_state(),
            stream: self.stream,
            geometry,
            context: self.context,
            places: self.places,
            total,
            segments,
            end: self.end,
            other_streams: self.other_streams,
            broken: self.broken,
            times: self.times,
        }
    }

    fn end_state(&self) -> EndState {
        let looks = &self.end_looks;
        let has_footer = || find_footer(self.source.raw(), self.source.size()).is_some();
        match &self.end {
            Some(end) if end.has_footer => EndState::Verified,
            Some(_) => EndState::Damaged,
            // Where streams were joined, the other one's end is neither a forgery nor a remnant of this one's.
            None if !self.other_streams.is_empty() => EndState::Missing,
            None if looks.foreign => EndState::Tampered,
            None if looks.damaged_entries.is_some() || has_footer() => EndState::Damaged,
            None => EndState::Missing,
        }
    }
}

/// Places that are kept for one sealing: more copies of it are of no use.
const MAX_COPIES: u8 = 8;
/// Other streams that are named.
const MAX_OTHERS: usize = 64;
