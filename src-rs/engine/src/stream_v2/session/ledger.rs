//! What is remembered of segments that are done.

use crate::headers::{ManifestEntry, SegmentIndex};
use crate::stream_v2::failure::SealFailure;
use crate::stream_v2::report::Totals;
use crate::stream_v2::segment_worker::{RecordSummary, SegmentWorkerError};
use crate::telemetry::StageTimes;
use std::collections::BTreeMap;

/// Segments that are done, as a stream's end needs them: in order, however they came.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) totals: Totals,
    pub(super) entries: Vec<ManifestEntry>,
    pub(super) times: StageTimes,
    /// Those that came before one in front of them, with the bytes that came out.
    ahead: BTreeMap<u64, (RecordSummary, u64)>,
    is_final: bool,
}

impl Ledger {
    /// Notes a segment of which `output_size` bytes come out.
    pub(super) fn add(&mut self, summary: RecordSummary, output_size: u64, times: StageTimes) {
        self.times += times;
        self.ahead.insert(summary.index.get(), (summary, output_size));
        while let Some((summary, output_size)) = self.ahead.remove(&self.totals.segments) {
            self.totals.add(&summary, output_size);
            self.entries.push(summary.entry);
            self.is_final = summary.is_final;
        }
    }

    /// All of it, if every segment up to the final one is there.
    pub(super) fn take_complete(&mut self) -> Result<Self, SealFailure> {
        if self.is_final && self.ahead.is_empty() {
            return Ok(std::mem::take(self));
        }
        Err(SegmentWorkerError::FrameWorkerDisconnected {
            segment: SegmentIndex::new(self.totals.segments),
        }
        .into())
    }
}
