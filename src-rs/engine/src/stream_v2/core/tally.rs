//! Sums over the segments of a stream: totals, manifest entries, checksum of the output, times.

use crate::crypto::{Crc64, Crc64Joiner};
use crate::error::SealError;
use crate::format::{DigestKind, Manifest, Metadata, SeenRecords, SegmentIndex};
use crate::keys::SenderStatus;
use crate::operation::damage::DamageLog;
use crate::operation::report::Report;
use crate::stream_v2::pipeline::record_layout::RecordPlace;
use crate::stream_v2::segment_worker::RecordSummary;
use crate::telemetry::StageTimes;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Sums over the segments of one operation. Segments may be added in any order; the sums follow the stream's order.
pub(crate) struct Tally {
    direction: Direction,
    segments: u64,
    frames: u64,
    plaintext_size: u64,
    verified_bytes: u64,
    output_size: u64,
    output_crc: Crc64Joiner,
    records: SeenRecords,
    has_final: bool,
    /// Segments that were added before one in front of them.
    ahead: BTreeMap<u64, Finished>,
    /// Time in each stage, summed over all threads.
    pub(crate) times: StageTimes,
}

/// What the operation writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Sealing,
    Opening,
}

/// What the end of a stream tells about the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    /// Bytes of the sealed stream.
    pub sealed_size: u64,
    /// The header's copy is damaged; the header itself is intact.
    pub header_copy_damaged: bool,
    /// Facts of the file that was sealed, if the end record has them and the reader has a key.
    pub metadata: Option<Metadata>,
    /// Who signed the stream, and whether that is verified.
    pub sender: Option<SenderStatus>,
}

impl StreamEnd {
    /// End of a stream whose trailer could not be verified, after `sealed_size` bytes.
    pub(crate) const fn unverified(sealed_size: u64) -> Self {
        Self {
            sealed_size,
            header_copy_damaged: false,
            metadata: None,
            sender: None,
        }
    }
}

#[derive(Clone, Copy)]
enum Finished {
    Verified(RecordSummary),
    Lost { place: RecordPlace, zeros: bool },
}

impl Tally {
    /// Sums of a stream that is sealed, whose output begins with `header`.
    pub(crate) fn sealing(header: &[u8], digest: DigestKind) -> Self {
        let mut tally = Self::new(Direction::Sealing, digest);
        tally.add_output(header);
        tally
    }

    /// Sums of a stream that is opened.
    pub(crate) fn opening(digest: DigestKind) -> Self {
        Self::new(Direction::Opening, digest)
    }

    fn new(direction: Direction, digest: DigestKind) -> Self {
        Self {
            direction,
            segments: 0,
            frames: 0,
            plaintext_size: 0,
            verified_bytes: 0,
            output_size: 0,
            output_crc: Crc64Joiner::default(),
            records: SeenRecords::new(digest),
            has_final: false,
            ahead: BTreeMap::new(),
            times: StageTimes::default(),
        }
    }

    /// Adds a segment that was sealed or opened.
    pub(crate) fn add(&mut self, summary: &RecordSummary) {
        self.finish_segment(summary.index, Finished::Verified(*summary));
    }

    /// Adds a segment to sums that threads share.
    pub(crate) fn add_to(shared: &Mutex<Self>, summary: &RecordSummary) {
        shared.lock().unwrap_or_else(PoisonError::into_inner).add(summary);
    }

    /// Adds segments that could not be opened. Zeros are written in their place, or nothing.
    pub(crate) fn add_lost(&mut self, place: RecordPlace, zeros: bool) {
        self.finish_segment(place.segment, Finished::Lost { place, zeros });
    }

    /// Adds bytes of the output that belong to no segment.
    pub(crate) fn add_output(&mut self, bytes: &[u8]) {
        self.append_output(Crc64::of(bytes), bytes.len() as u64);
    }

    fn finish_segment(&mut self, index: SegmentIndex, finished: Finished) {
        if index.get() != self.segments {
            self.ahead.insert(index.get(), finished);
            return;
        }
        self.append(finished);
        while let Some(finished) = self.ahead.remove(&self.segments) {
            self.append(finished);
        }
    }

    /// Adds the next segment in the stream's order.
    fn append(&mut self, finished: Finished) {
        match finished {
            Finished::Verified(summary) => {
                let plaintext_size = u64::from(summary.plaintext_size);
                self.segments += 1;
                self.frames += u64::from(summary.frames);
                self.plaintext_size += plaintext_size;
                self.verified_bytes += plaintext_size;
                self.records.push(&summary.entry);
                self.has_final = summary.is_final;
                let output_size = match self.direction {
                    Direction::Sealing => u64::from(summary.entry.wire_size),
                    Direction::Opening => plaintext_size,
                };
                self.append_output(summary.output_crc64, output_size);
            }
            Finished::Lost { place, zeros } => {
                let plaintext_size = place.plaintext.size();
                self.segments += place.segment_count;
                self.plaintext_size += plaintext_size;
                if place.segment_count > 0 {
                    self.records.push_lost();
                }
                self.has_final = place.is_final;
                if zeros {
                    self.append_output(Crc64::of_zeros(plaintext_size), plaintext_size);
                }
            }
        }
    }

    fn append_output(&mut self, crc: u64, size: u64) {
        self.output_crc.append(crc, size);
        self.output_size += size;
    }

    /// Segments so far, without those that are ahead of a missing one.
    pub(crate) const fn segments(&self) -> u64 {
        self.segments
    }

    /// Plaintext bytes of these segments, lost ones included.
    pub(crate) const fn plaintext_size(&self) -> u64 {
        self.plaintext_size
    }

    /// Plaintext bytes that were verified.
    pub(crate) const fn verified_bytes(&self) -> u64 {
        self.verified_bytes
    }

    /// Bytes of the output so far.
    pub(crate) const fn output_size(&self) -> u64 {
        self.output_size
    }

    /// The record of each segment. Several lost segments at the end are one.
    pub(crate) const fn records(&self) -> &SeenRecords {
        &self.records
    }

    /// Takes the entries of all segments that were sealed.
    pub(crate) fn take_manifest(&mut self, digest: DigestKind) -> Manifest {
        std::mem::replace(&mut self.records, SeenRecords::new(digest)).into_manifest()
    }

    /// Every segment up to the final one was added.
    pub(crate) fn is_complete(&self) -> bool {
        self.has_final && self.ahead.is_empty()
    }

    /// Fails unless every segment up to the final one was added.
    pub(crate) fn check_complete(&self) -> Result<(), SealError> {
        if self.is_complete() {
            return Ok(());
        }
        Err(SealError::no_result(SegmentIndex::new(self.segments)))
    }

    /// The fields of a report that every operation has.
    pub(crate) fn report(
        &self,
        stream_id: [u8; 32],
        sealed_size: u64,
        threads: usize,
        start: Instant,
    ) -> Report {
        Report {
            sealed_size,
            plaintext_size: match self.direction {
                Direction::Sealing => self.plaintext_size,
                Direction::Opening => self.output_size,
            },
            segments: self.segments,
            frames: self.frames,
            stream_id,
            output_crc64: self.output_crc.value(),
            threads,
            times: self.times,
            elapsed: start.elapsed(),
            opened_by: None,
            sender: None,
            header_from_copy: false,
            newer_copy_unused: false,
            header_copy_damaged: false,
            metadata: None,
            damage: DamageLog::default(),
            header: None,
            resume: None,
        }
    }
}
