//! Collects what the source holds: records of the stream, its end record, and headers of other streams.

use super::damage_map::TrailerState;
use super::end_record::{EndCandidate, EndRecordReader, VerifiedEnd};
use super::found_record::{FoundRecord, limit_searches};
use super::header::HeaderReader;
use super::markers::{Marker, find_markers};
use super::{AttemptCounters, SalvageStream};
use crate::error::SealError;
use crate::format::{Geometry, SegmentIndex, manifest_entry_size};
use crate::keys::SenderStatus;
use crate::operation::cancel::CancellationToken;
use crate::repair::fault_tolerant::FaultTolerantSource;
use crate::stream_v2::core::locate::{find_end, find_footer};
use crate::stream_v2::core::sender::{announced_sender, check_sender};
use crate::stream_v2::segment_worker::{FrameOpener, SegmentCryptoContext};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::collections::{BTreeMap, HashMap};

/// What the source holds of the stream.
pub(super) struct Survey<'a> {
    pub(super) stream: &'a SalvageStream,
    pub(super) source: &'a FaultTolerantSource<'a>,
    pub(super) counters: &'a AttemptCounters,
    pub(super) geometry: Geometry,
    /// By segment and offset, once the survey is complete.
    pub(super) records: Vec<FoundRecord>,
    /// The number of records found of each sealing.
    copies: HashMap<[u8; 32], u8>,
    pub(super) end: Option<VerifiedEnd>,
    /// An end record with a right checksum and a wrong MAC was found.
    has_foreign_end: bool,
    /// Where the entries of a damaged end record start.
    damaged_entries: Option<u64>,
    pub(super) other_streams: Vec<[u8; 32]>,
    /// Segments whose marker stands where their record should be, but whose preamble does not verify, with its offset.
    pub(super) unverified: BTreeMap<u64, u64>,
    /// The plaintext's size, if known.
    pub(super) total: Option<u64>,
    /// Segments of the stream, or up to the highest one that was found.
    pub(super) segments: u64,
    /// Time of the survey without its reading.
    pub(super) times: StageTimes,
}

impl<'a> Survey<'a> {
    /// Surveys the whole source.
    pub(super) fn run(
        stream: &'a SalvageStream,
        source: &'a FaultTolerantSource<'a>,
        counters: &'a AttemptCounters,
        cancel: &CancellationToken,
        meter: &ProgressMeter<'_>,
    ) -> Result<Self, SealError> {
        let mut survey = Self {
            stream,
            source,
            counters,
            geometry: stream.unlocked.header.core.geometry,
            records: Vec::new(),
            copies: HashMap::new(),
            end: None,
            has_foreign_end: false,
            damaged_entries: None,
            other_streams: Vec::new(),
            unverified: BTreeMap::new(),
            total: None,
            segments: 0,
            times: StageTimes::default(),
        };
        survey.visit_markers(cancel, meter)?;
        survey.total = survey.find_total();
        survey.visit_predicted(cancel)?;
        survey.total = survey.find_total();
        survey.complete();
        Ok(survey)
    }

    /// The keys of the stream.
    pub(super) fn context(&self) -> &'a SegmentCryptoContext {
        &self.stream.unlocked.context
    }

    fn visit_markers(
        &mut self,
        cancel: &CancellationToken,
        meter: &ProgressMeter<'_>,
    ) -> Result<(), SealError> {
        let mut ends = EndRecordReader::new(self.source, &self.stream.unlocked);
        let mut headers = HeaderReader::new(self.source);
        // First the end record that a sound footer points at, so that false ones can't use up the budget.
        let pointed_at = find_end(self.source.raw(), self.source.size()).map(|(at, _)| at);
        if let Some(at) = pointed_at {
            self.add_end(ends.check(at));
        }
        find_markers(
            self.source,
            cancel,
            Some(meter),
            |at, marker, bytes| match marker {
                Marker::Segment => {
                    if let Some(preamble) = bytes.first_chunk() {
                        AttemptCounters::add(&self.counters.tags);
                        let context = self.context();
                        let found = self
                            .times
                            .time(Stage::Crypto, || FrameOpener::recognise(context, preamble));
                        if let Some(opener) = found {
                            self.add(at, &opener);
                        }
                    }
                }
                Marker::EndRecord => {
                    if self.end.is_none() && pointed_at != Some(at) {
                        self.add_end(ends.check(at));
                    }
                }
                Marker::Header => {
                    if let Some(header) = headers.read(at) {
                        self.add_stream(header.core.stream_id);
                    }
                }
            },
        )
    }

    /// Adds a record, unless enough copies of its sealing were found.
    pub(super) fn add(&mut self, offset: u64, opener: &FrameOpener) {
        let tag = *opener.message_tag();
        let copies = self.copies.entry(tag).or_default();
        if *copies < MAX_COPIES {
            *copies += 1;
            self.records.push(FoundRecord::new(offset, *opener.header(), tag));
        }
    }

    fn add_end(&mut self, candidate: EndCandidate) {
        match candidate {
            EndCandidate::Implausible => {}
            EndCandidate::Damaged { entries_at } => {
                self.damaged_entries.get_or_insert(entries_at);
            }
            EndCandidate::Foreign => self.has_foreign_end = true,
            EndCandidate::Verified(end) => self.end = Some(end),
        }
    }

    fn add_stream(&mut self, id: [u8; 32]) {
        let is_other = id != self.stream.unlocked.header.core.stream_id;
        if is_other && self.other_streams.len() < MAX_OTHER_STREAMS && !self.other_streams.contains(&id) {
            self.other_streams.push(id);
        }
    }

    /// The tag of a segment's record in the manifest. A damaged end record serves too, because the tag is verified.
    pub(super) fn named_tag(&self, index: SegmentIndex) -> Option<[u8; 32]> {
        if let Some(end) = &self.end {
            return Some(end.record.entries.entry(index)?.message_tag);
        }
        let entry_size = manifest_entry_size(self.geometry.digest()) as u64;
        let entry_at = index.get().checked_mul(entry_size)?;
        let tag_at = self.damaged_entries?.checked_add(entry_at)?.checked_add(4)?;
        self.source.read_array(tag_at)
    }

    /// The plaintext's size by the header, else by the end record, else by the final segment.
    fn find_total(&self) -> Option<u64> {
        let stated = self.stream.unlocked.header.core.plaintext_size;
        let in_end = || self.end.as_ref().map(|end| end.record.plaintext_total);
        let by_final = || {
            let headers = self.records.iter().map(|record| record.header);
            // A segment can have two sealings of which one is final.
            let last = headers.max_by_key(|header| (header.index, header.is_final))?;
            let before = self.geometry.plaintext_offset(last.index);
            let total = before.saturating_add(u64::from(last.plaintext_size));
            last.is_final.then_some(total)
        };
        stated.or_else(in_end).or_else(by_final)
    }

    /// Sorts the records, and drops those that do not fit the plaintext's size.
    fn complete(&mut self) {
        let Self { geometry, total, .. } = *self;
        self.records.retain(|record| {
            let fits = record.header.check_place(record.index(), total, &geometry);
            fits.is_ok()
        });
        let end_at = self.end.as_ref().map(|end| end.offset);
        limit_searches(&mut self.records, &geometry, self.source.size(), end_at);
        self.records.sort_by_key(FoundRecord::index);
        let last = self.records.last();
        let found = last.map_or(0, |record| record.index().get().saturating_add(1));
        self.segments = total.map_or(found, |total| geometry.segment_count(total));
        self.unverified.retain(|index, _| *index < self.segments);
    }

    /// Who signed the end record, if it was found.
    pub(super) fn sender(&self) -> Option<SenderStatus> {
        let header = &self.stream.unlocked.header;
        match check_sender(header, &self.end.as_ref()?.record, None) {
            Ok(status) => status,
            // Salvage recovers what there is, and says whose it is not.
            Err(SealError::SenderUnverified { reason, .. }) => Some(SenderStatus {
                key: announced_sender(header),
                failure: Some(reason),
            }),
            Err(_) => None,
        }
    }

    pub(super) fn trailer_state(&self) -> TrailerState {
        let has_footer = || find_footer(self.source.raw(), self.source.size()).is_some();
        match &self.end {
            Some(end) if end.has_footer => TrailerState::Verified,
            Some(_) => TrailerState::Damaged,
            // The end record of another stream in the source is neither a forgery nor a remnant of this one's.
            None if !self.other_streams.is_empty() => TrailerState::Missing,
            None if self.has_foreign_end => TrailerState::Tampered,
            None if self.damaged_entries.is_some() || has_footer() => TrailerState::Damaged,
            None => TrailerState::Missing,
        }
    }
}

/// The most records that are kept of one sealing.
const MAX_COPIES: u8 = 8;
/// The most other streams that are listed.
const MAX_OTHER_STREAMS: usize = 64;
