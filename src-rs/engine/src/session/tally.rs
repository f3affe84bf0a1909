//! What is remembered of segments that are done.

use crate::error::SealError;
use crate::format::{ManifestEntry, SegmentIndex};
use crate::operation::report::Totals;
use crate::stream_v2::segment_worker::{RecordSummary, SegmentWorkerError};
use crate::telemetry::StageTimes;
use std::collections::BTreeMap;

/// Segments that are done, as a stream's end needs them: in order, however they came.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) totals: Totals,
    /// The sealings, with `None` for those that were lost.
    pub(super) entries: Vec<Option<ManifestEntry>>,
    pub(super) times: StageTimes,
    /// Plaintext bytes, with those that were lost.
    pub(super) plaintext_size: u64,
    /// Those that came before one in front of them.
    ahead: BTreeMap<u64, Done>,
    is_final: bool,
}

/// What became of a segment.
enum Done {
    /// It is sealed or opened, and this many bytes come out.
    Sound(RecordSummary, u64),
    /// Nothing of it is known, and these bytes come out in its place.
    Lost(LostSegment),
}

/// A segment that could not be opened, or all that are missing at the end.
#[derive(Clone, Copy)]
pub(super) struct LostSegment {
    pub(super) segments: u64,
    pub(super) plaintext_size: u64,
    pub(super) is_final: bool,
    /// Checksum and number of the bytes that come out.
    pub(super) output: (u64, u64),
}

impl Tally {
    /// Notes a segment of which `output_size` bytes come out.
    pub(super) fn add(&mut self, summary: RecordSummary, output_size: u64, times: StageTimes) {
        self.times += times;
        self.note(summary.index, Done::Sound(summary, output_size));
    }

    /// Notes a segment that is lost.
    pub(super) fn add_lost(&mut self, index: SegmentIndex, lost: LostSegment) {
        self.note(index, Done::Lost(lost));
    }

    fn note(&mut self, index: SegmentIndex, done: Done) {
        self.ahead.insert(index.get(), done);
        while let Some(done) = self.ahead.remove(&self.totals.segments) {
            match done {
                Done::Sound(summary, output_size) => {
                    self.totals.add(&summary, output_size);
                    self.plaintext_size += u64::from(summary.plaintext_size);
                    self.entries.push(Some(summary.entry));
                    self.is_final = summary.is_final;
                }
                Done::Lost(lost) => {
                    let (crc, size) = lost.output;
                    self.totals.add_lost(lost.segments, crc, size);
                    self.plaintext_size += lost.plaintext_size;
                    self.entries.push(None);
                    self.is_final = lost.is_final;
                }
            }
        }
    }

    /// Fails unless every segment up to the final one is there.
    pub(super) fn check_complete(&self) -> Result<(), SealError> {
        if self.is_final && self.ahead.is_empty() {
            return Ok(());
        }
        Err(SegmentWorkerError::FrameWorkerDisconnected {
            segment: SegmentIndex::new(self.totals.segments),
        }
        .into())
    }
}
